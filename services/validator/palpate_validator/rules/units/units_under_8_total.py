"""A timed service is billed though less than 8 timed minutes were given that day.

## What it checks
For payers that count as Medicare does: where all timed services of the day and discipline come to less than 8 minutes,
no timed unit is billed.

## Why it matters
A first unit needs 8 minutes. Medicare says not to bill when that was the day's only service.

## How to fix
Take the line off; the minutes stay in the note. If the minutes are wrong, the note's author corrects them by a signed
addendum.

## Example that fails
7 minutes of 97140, nothing else timed, billed as 1 unit.

## Example that passes
8 minutes of 97140, 1 unit. Also right: 7 minutes of 97140 with 33 minutes of 97110, billed as 1 and 2 units.

## Limits
Short services next to others are not looked at here; they may well earn a unit.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.timed_pools import countable, uncountable, units_in_question
from palpate_validator.visit import Visit


@rule(
    remedy="Take the timed line off the claim, or have the minutes corrected if they are wrong.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="M53"),
    sources=(f"{CPM5} §20.2.C",),
    confidence="sourced",
    profile={"timing_rule": "cms"},
    given=units_in_question,
)
def under_8_minutes(visit: Visit) -> Iterator[Result]:
    for pool in countable(visit):
        if pool.allowed == 0 and pool.units > 0:
            yield fails(
                f"Only {pool.total} timed minutes{pool.plan} are recorded; a first unit needs 8. "
                f"The claim bills {pool.units}.",
                line=pool.line,
                pointer=pool.pointer,
                total_timed_minutes=pool.total,
                allowed_units=0,
                billed_units=pool.units,
            )
    yield from uncountable(visit)
