"""Modifier 22 (increased service) is on manual therapy, where it changes nothing.

## What it checks
No 97140 line carries 22.

## Why it matters
22 is for procedures that took much more work than usual. Manual therapy is counted by time: more work is more units.
The modifier brings no more than a look at the record.

## How to fix
Take 22 off and bill the units that the minutes make.

## Example that fails
97140 22 GP.

## Example that passes
97140 GP.

## Limits
A warning.
"""

from collections.abc import Iterator

from palpate_validator.modifier_patches import without
from palpate_validator.rule import BILLER, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Take 22 off and bill the units that the minutes make.",
    fixer=BILLER,
    severity=WARNING,
    sources=(PRACTICE,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    modifiers={"22"},
)
def increased(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        if line.has("22"):
            yield fails(
                f"Line {line.line_number} bills 97140 with 22; more work on a timed service is more minutes.",
                line=line,
                pointer="/modifiers",
                patch=without(line, "22"),
                modifiers=line.modifiers,
            )
