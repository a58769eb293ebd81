"""Units over the day's limit are spread over lines with a separating modifier.

## What it checks
A code whose lines are judged together, over its medically unlikely edit (MUE) for the day, on several lines of which
none is over the limit alone, and one carries 59, XE, XP, XS, XU, 76 or 77.

## Why it matters
The lines are summed whatever modifier they carry, so it does not work. Done repeatedly, it draws a review.

## How to fix
Bill the units that the minutes support; keep the record for an appeal if they are right.

## Example that fails
97140 GP, 4 units, and 97140 GP 59, 4 units, on one day.

## Example that passes
97140 GP, 3 units, and 97140 GP 59, 3 units: together 6, which is the limit.

## Limits
A warning beside `mue-97140` or `mue-other`, which tells the limit itself.
"""

from collections.abc import Iterator

from palpate_validator.repeated_lines import REPEAT_MODIFIERS
from palpate_validator.rule import BILLER, SAID, WARNING, Result, rule, warns
from palpate_validator.sources import NCCI11
from palpate_validator.unit_limits import SUMMED_FROM, exceeded, limits_in_question
from palpate_validator.visit import DISTINCT_MODIFIERS, Visit

_SEPARATING = DISTINCT_MODIFIERS | REPEAT_MODIFIERS


@rule(
    remedy="Bill the units that the minutes support, whatever lines they are on.",
    fixer=BILLER,
    severity=WARNING,
    sources=(f"{NCCI11} §V.2",),
    confidence="sourced",
    profile={"mue": SAID},
    modifiers=_SEPARATING,
    given=limits_in_question,
    start=SUMMED_FROM,
)
def split_over_lines(visit: Visit) -> Iterator[Result]:
    for over in exceeded(visit):
        within = all(line.units <= over.limit.units for line in over.lines)
        marked = [line for line in over.lines if line.has(*_SEPARATING)]
        if len(over.lines) > 1 and within and marked:
            yield warns(
                f"{over.code} is on {len(over.lines)} lines, together {over.units} units; they are summed, and the "
                f"limit is {over.limit.units}.",
                line=marked[0],
                pointer="/modifiers",
                billed_units=over.units,
                limit=over.limit.units,
                line_numbers=[line.line_number for line in over.lines],
            )
