"""The units fit the day's total, but one of them is on the wrong service.

## What it checks
For payers that count as Medicare does: after each service has its full quarters of an hour, the units that the total
still allows go to the services with the most minutes left over, one each. Where two tie, either may have it. What is
billed must be one of these ways.

## Why it matters
A reviewer counts again from the minutes and denies the unit that belongs to another service.

## How to fix
Move the unit to the service with more minutes left over.

## Example that fails
24 minutes of 97112 billed as 1 unit and 23 minutes of 97140 billed as 2: the third unit belongs to 97112.

## Example that passes
The same minutes billed as 97112, 2 units, and 97140, 1 unit.

## Limits
A service with more units than its own minutes could ever earn is for `units-line-over`.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.timed_pools import judgeable, units_in_question, unjudgeable
from palpate_validator.timed_units import in_units
from palpate_validator.visit import Visit


@rule(
    remedy="Move the unit to the service with more minutes left over.",
    fixer=BILLER,
    denial=Denial(carc="151", rarc="N362"),
    sources=(f"{CPM5} §20.2.C",),
    confidence="sourced",
    profile={"timing_rule": "cms"},
    given=units_in_question,
)
def wrong_code(visit: Visit) -> Iterator[Result]:
    for pool in judgeable(visit):
        if pool.miscoded:
            yield fails(
                f"{pool.total} timed minutes{pool.plan} allow {in_units(pool.units)}, but not on these services. "
                f"Acceptable: {pool.ways}.",
                line=pool.line,
                pointer=pool.pointer,
                patch=pool.repair(pool.allocation.only),
                total_timed_minutes=pool.total,
                allowed_units=pool.allowed,
                billed_units=pool.units,
                billed=pool.billed,
                minutes=pool.minutes,
                acceptable=pool.ways,
            )
    yield from unjudgeable(visit)
