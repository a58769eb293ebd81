"""A timed service of less than 8 minutes is billed to a payer that counts each service by itself.

## What it checks
Where the payer counts by the CPT midpoint: a service under 8 minutes has no unit, whatever else was done that day.

## Why it matters
These payers do not add up the minutes left over of several services, so such a line has nothing that supports it.

## How to fix
Take the line off; the minutes stay in the note. If they are wrong, the note's author corrects them by a signed
addendum.

## Example that fails
33 minutes of 97110 and 7 of 97140 billed as 2 and 1 units.

## Example that passes
33 minutes of 97110 billed as 2 units, the 7 minutes of 97140 documented and not billed.

## Limits
Only for payers with the midpoint rule. Where the payer counts as Medicare does, 7 minutes next to others may
earn a unit.
"""

from collections.abc import Iterator

from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPT
from palpate_validator.timed_pools import pools, units_in_question, unknown_services
from palpate_validator.timed_units import in_units
from palpate_validator.visit import Visit


@rule(
    remedy="Take the line off the claim, or have the minutes corrected if they are wrong.",
    fixer=BILLER,
    sources=(CPT, "UnitedHealthcare maximum combined frequency policy, 2020-01-01"),
    confidence="practice",
    profile={"timing_rule": "ama"},
    given=units_in_question,
)
def under_8_minutes_alone(visit: Visit) -> Iterator[Result]:
    for pool in pools(visit):
        for service, units in pool.billed.items():
            minutes = pool.minutes.get(service, 0)
            if service not in pool.unknown and minutes < 8:
                yield fails(
                    f"{service} was given for {minutes} minutes and has {in_units(units)}; "
                    "by the midpoint rule a unit needs 8 minutes.",
                    line=pool.by_service[service][0],
                    pointer="/units",
                    service_minutes=minutes,
                    allowed_units=0,
                    billed_units=units,
                )
    yield from unknown_services(visit)
