"""The modifiers for habilitative (96) and rehabilitative (97) services are not used as the plan wants them.

## What it checks
No line carries 96 and 97 together; and 97140 carries one of them where the payer's profile asks for it
(`habilitative_modifier = true`).

## Why it matters
Plans under the Affordable Care Act count the two kinds of visits apart. A service is one or the other: it keeps a
function from being lost or builds one (96), or brings one back (97).

## How to fix
The clinician says which of the two the service was; the line carries that one.

## Example that fails
97140 96 97 GP.

## Example that passes
97140 97 GP.

## Limits
From 2018-01-01. A profile that does not say is taken not to ask.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit

_REMEDY = "Say whether the service was habilitative (96) or rehabilitative (97); keep or add that one."


@rule(
    remedy=_REMEDY,
    fixer=CLINICIAN,
    denial=Denial(carc="4"),
    sources=(PRACTICE,),
    confidence="practice",
    modifiers={"96"},
    start=date(2018, 1, 1),
)
def habilitative_and_rehabilitative(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        if line.has("96") and line.has("97"):
            yield fails(
                f"Line {line.line_number} carries 96 (habilitative) and 97 (rehabilitative). Which was it?",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )


@rule(
    remedy=_REMEDY,
    fixer=CLINICIAN,
    denial=Denial(carc="4"),
    sources=(PRACTICE,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    settings={"habilitative_modifier"},
    start=date(2018, 1, 1),
)
def neither_said(visit: Visit) -> Iterator[Result]:
    if not visit.says("habilitative_modifier") or not visit.setting("habilitative_modifier"):
        return
    for line in visit.manual_therapy:
        if not line.has("96", "97"):
            yield fails(
                f"Line {line.line_number} bills 97140 without 96 or 97, one of which this plan asks for.",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
