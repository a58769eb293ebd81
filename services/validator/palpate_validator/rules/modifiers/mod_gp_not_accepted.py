"""This payer does not take GP.

## What it checks
No 97140 line carries GP where the payer's profile says that it is not accepted (`gp_accepted = false`).

## Why it matters
Some payers reject a line with a modifier that their system does not know.

## How to fix
Take GP off for this payer.

## Example that fails
97140 GP, to a payer whose profile says `gp_accepted = false`.

## Example that passes
97140 GP, to a payer whose profile does not say so.

## Limits
Varies by payer, so it is a warning only. A profile that says nothing is taken to accept GP.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.modifier_patches import without
from palpate_validator.rule import BILLER, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Take GP off for this payer.",
    fixer=BILLER,
    severity=WARNING,
    denial=Denial(carc="4", rarc="N519"),
    sources=(PRACTICE,),
    confidence="uncertain",
    codes={MANUAL_THERAPY},
    modifiers={"GP"},
    settings={"gp_accepted"},
)
def gp_not_accepted(visit: Visit) -> Iterator[Result]:
    if not visit.says("gp_accepted") or visit.setting("gp_accepted"):
        return
    for line in visit.manual_therapy:
        if line.has("GP"):
            yield fails(
                f"Line {line.line_number} carries GP, which this payer does not accept.",
                line=line,
                pointer="/modifiers",
                patch=without(line, "GP"),
                modifiers=line.modifiers,
            )
