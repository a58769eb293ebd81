"""Two lines of the claim are the same in every way.

## What it checks
No two lines of one date of service have the same code, modifiers, units, charge, place, encounter, minutes, times,
regions, diagnoses and performers.

## Why it matters
The payer pays one of them and denies the other as an exact duplicate.

## How to fix
Remove the second line if it was entered twice. If the service was given twice, bill it as the payer asks: for
15-minute services that is one line with all units.

## Example that fails
97140 GP, 1 unit, twice with the same date of service and nothing to tell the lines apart.

## Example that passes
97140 GP, 2 units, on one line.

## Limits
Only lines of the same claim are compared. Whether the service was billed before on another claim is not known here.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.repeated_lines import sameness
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Line, Visit


@rule(
    remedy="Remove the second line if it was entered twice; otherwise bill all units on one line.",
    fixer=BILLER,
    denial=Denial(carc="18", rarc="N522"),
    sources=(X12,),
    confidence="practice",
    unusual={Unusual.REPEATED_CODE},
)
def exact_duplicate(visit: Visit) -> Iterator[Result]:
    first_of: dict[object, Line] = {}
    for line in visit.lines:
        first = first_of.setdefault(sameness(line), line)
        if first is not line:
            yield fails(
                f"Line {line.line_number} repeats line {first.line_number} in every way: {line.code}.",
                line=line,
                repeats_line=first.line_number,
            )
