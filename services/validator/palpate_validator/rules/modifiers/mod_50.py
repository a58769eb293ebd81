"""Modifier 50 (both sides) is on manual therapy, which is counted by time.

## What it checks
No 97140 line carries 50.

## Why it matters
97140 is for all regions of the visit, and its units are time. Treating both sides is more minutes, not a bilateral
procedure; a line with 50 is denied or paid wrongly.

## How to fix
Take 50 off and bill the units that the minutes make.

## Example that fails
97140 50 GP.

## Example that passes
97140 GP, 2 units for 30 minutes.

## Limits
The patch takes 50 off; somebody has to see that the units are those of the minutes.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.modifier_patches import without
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Take 50 off and bill the units that the minutes make.",
    fixer=BILLER,
    denial=Denial(carc="4", rarc="N519"),
    sources=(PRACTICE,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    modifiers={"50"},
)
def both_sides(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        if line.has("50"):
            yield fails(
                f"Line {line.line_number} bills 97140 with 50; its units are time, whatever the side.",
                line=line,
                pointer="/modifiers",
                patch=without(line, "50"),
                modifiers=line.modifiers,
            )
