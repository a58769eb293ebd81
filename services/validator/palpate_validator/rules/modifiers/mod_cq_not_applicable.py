"""CQ or CO is on a line where it does not apply.

## What it checks
No line carries CQ or CO when a physician or practitioner renders the claim, or it is billed incident to one; nor
before 2020-01-01.

## Why it matters
The two modifiers mark an assistant's work under an enrolled therapist. An assistant cannot work incident to a
physician, so the line contradicts itself.

## How to fix
Correct the rendering provider if a therapist supervised. If a physician or practitioner gave the service, take the
modifier off.

## Example that fails
97140 CQ GP, rendered by an MD, to Medicare.

## Example that passes
97140 CQ GP, rendered by a PT, to Medicare.

## Limits
A fault for Medicare and Medicare Advantage from 2020-01-01, a warning for other payers and earlier dates. Critical
access hospitals, where the modifiers are not used either, cannot be told from the claim.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.rule import BILLER, ERROR, WARNING, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.visit import Visit
from palpate_validator.who_treated import known_rendering, under_physician

_MODIFIERS = ("CQ", "CO")


@rule(
    remedy="Correct the rendering provider, or take the modifier off.",
    fixer=BILLER,
    severity=WARNING,
    severity_by_program={Program.MEDICARE: ERROR, Program.MEDICARE_ADVANTAGE: ERROR},
    denial=Denial(carc="4", rarc="N519"),
    sources=(f"{CPM5} §20.1",),
    confidence="sourced",
    modifiers=_MODIFIERS,
    start=date(2020, 1, 1),
)
def under_a_physician(visit: Visit) -> Iterator[Result]:
    if not under_physician(visit):
        known_rendering(visit)
        return
    for line in visit.lines:
        for modifier in _MODIFIERS:
            if line.has(modifier):
                yield fails(
                    f"Line {line.line_number} carries {modifier}, and the claim is billed under a physician or "
                    "practitioner.",
                    line=line,
                    pointer="/modifiers",
                    modifier=modifier,
                )


@rule(
    remedy="Take the modifier off.",
    fixer=BILLER,
    severity=WARNING,
    denial=Denial(carc="4", rarc="N519"),
    sources=(f"{CPM5} §20.1",),
    confidence="sourced",
    modifiers=_MODIFIERS,
    end=date(2019, 12, 31),
)
def before_the_modifiers(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        for modifier in _MODIFIERS:
            if line.has(modifier):
                yield fails(
                    f"Line {line.line_number} carries {modifier}, which is asked for from 2020-01-01; the service was "
                    f"given on {visit.date_of_service}.",
                    line=line,
                    pointer="/modifiers",
                    modifier=modifier,
                )
