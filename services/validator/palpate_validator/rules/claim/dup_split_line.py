"""Manual therapy of one day is split over lines without a reason.

## What it checks
97140 stands on one line a day, unless something tells the lines apart: an assistant's share (CQ or CO), another
therapy plan (GP and GO), a distinct-service or repeat modifier (59, XE, XP, XS, XU, 76, 77), a liability modifier or
KX on one of them, another encounter, or another person who gave it.

## Why it matters
97140 is counted by the day over all regions. The payer takes the second line for a duplicate and denies it.

## How to fix
Put all units of the day on one line.

## Example that fails
97140 GP, 1 unit for the neck, and 97140 GP, 1 unit for the shoulder, on one day by one therapist.

## Example that passes
97140 GP CQ, 1 unit by the assistant, and 97140 GP, 1 unit by the therapist, on one day.

## Limits
Treating another region is no reason for a second line. Lines that are the same in every way are for `dup-exact`.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.repeated_lines import sameness, told_apart
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Put all units of the day on one line.",
    fixer=BILLER,
    denial=Denial(carc="18", rarc="N522"),
    sources=(X12,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    unusual={Unusual.REPEATED_CODE},
)
def split_without_reason(visit: Visit) -> Iterator[Result]:
    seen = list(visit.manual_therapy[:1])
    for line in visit.manual_therapy[1:]:
        if any(sameness(line) == sameness(earlier) for earlier in seen):
            continue
        first = next((earlier for earlier in seen if not told_apart(earlier, line)), None)
        seen.append(line)
        if first is not None:
            yield fails(
                f"Lines {first.line_number} and {line.line_number} both bill 97140 on {visit.date_of_service}, "
                "and nothing tells them apart.",
                line=line,
                split_from_line=first.line_number,
                units=first.units + line.units,
            )
