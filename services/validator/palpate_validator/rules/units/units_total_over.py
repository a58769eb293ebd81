"""More timed units are billed than the day's timed minutes allow.

## What it checks
For payers that count as Medicare does: the minutes of all timed services of the day and discipline are added up. 8 to
22 minutes are one unit, 23 to 37 two, 38 to 52 three, and so on by 15. The billed units may not be more.

## Why it matters
The units above the total are denied, or paid and taken back after a review.

## How to fix
Drop units, first from the service with the fewest minutes left over after its full quarters of an hour. If minutes are
wrong in the note, its author corrects them by a signed addendum.

## Example that fails
24 minutes of 97112 billed as 2 units and 23 minutes of 97140 billed as 2: 47 minutes are 3 units, not 4.

## Example that passes
The same minutes billed as 97112, 2 units, and 97140, 1 unit.

## Limits
Totals under 8 minutes are for `units-under-8-total`. Minutes of two notes of one discipline on a day are added. Where
the stated total and the services' minutes disagree, the larger counts here and `time-total-lt-timed` says so.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.timed_pools import countable, uncountable, units_in_question
from palpate_validator.timed_units import in_units
from palpate_validator.visit import Visit


@rule(
    remedy="Drop the units that the total does not allow, or have the minutes corrected if they are wrong.",
    fixer=BILLER,
    denial=Denial(carc="151", rarc="N362"),
    sources=(f"{CPM5} §20.2.C",),
    confidence="sourced",
    profile={"timing_rule": "cms"},
    given=units_in_question,
)
def total_over(visit: Visit) -> Iterator[Result]:
    for pool in countable(visit):
        if pool.allowed and pool.units > pool.allowed:
            yield fails(
                f"{pool.total} timed minutes{pool.plan} allow {in_units(pool.allowed)}; {pool.where} "
                f"{'bills' if pool.line else 'bill'} {pool.units}. Acceptable: {pool.ways}.",
                line=pool.line,
                pointer=pool.pointer,
                patch=pool.repair(pool.allocation.only),
                total_timed_minutes=pool.total,
                allowed_units=pool.allowed,
                billed_units=pool.units,
                acceptable=pool.ways,
            )
    yield from uncountable(visit)
