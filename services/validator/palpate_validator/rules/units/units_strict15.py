"""A service has a unit for less than a full 15 minutes.

## What it checks
Where the payer wants a full 15 minutes for every unit: the units of each service against its full quarters of an hour.

## Why it matters
Some networks pay a timed unit only when all of its 15 minutes were given.

## How to fix
Drop the units that lack their full 15 minutes.

## Example that fails
29 minutes of 97140, 2 units.

## Example that passes
30 minutes of 97140, 2 units.

## Limits
Only where the payer's profile says `strict15`. The published pages of networks that ask for it contradict each other,
so it is a warning; a site whose contract says it makes it an error in its profile.
"""

from collections.abc import Iterator

from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.timed_pools import pools, units_in_question, unknown_services
from palpate_validator.timed_units import full_units, in_units
from palpate_validator.visit import Visit


@rule(
    remedy="Drop the units that lack their full 15 minutes.",
    fixer=BILLER,
    sources=("Health Network Solutions pages on 97140 (they contradict each other); the payer's contract",),
    confidence="uncertain",
    profile={"timing_rule": "strict15"},
    given=units_in_question,
)
def not_a_full_quarter(visit: Visit) -> Iterator[Result]:
    for pool in pools(visit):
        for service, units in pool.billed.items():
            minutes = pool.minutes.get(service, 0)
            if service not in pool.unknown and units > full_units(minutes):
                yield fails(
                    f"{service} has {in_units(units)} for {minutes} minutes; "
                    f"at a full 15 minutes each these are {full_units(minutes)}.",
                    line=pool.by_service[service][0],
                    pointer="/units",
                    patch=pool.set_units(service, full_units(minutes)),
                    service_minutes=minutes,
                    allowed_units=full_units(minutes),
                    billed_units=units,
                )
    yield from unknown_services(visit)
