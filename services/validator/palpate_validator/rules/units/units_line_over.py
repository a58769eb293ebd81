"""A service has more units than its own minutes can earn.

## What it checks
Where the payer counts as Medicare does, each service gets a unit for each full 15 minutes, and the units that the
day's total still allows go to the services with the most minutes left over, one each. No service may have more than
the most that any such way gives it. Where the payer counts by the CPT midpoint, each service stands alone: 8 to 22
minutes are one unit, 23 to 37 two.

## Why it matters
The units beyond the service's minutes are denied, even when the day's total would allow them.

## How to fix
Move the unit to the service with more minutes left over, or drop it.

## Example that fails
20 minutes of 97112 and 20 of 97140 billed as 97140, 3 units: the total of 3 is right, but 97140 earns 2 at most.

## Example that passes
The same minutes billed as 97140, 2 units, and 97112, 1 unit, or the other way round.

## Limits
One fault has one finding. Units that are only too many for the day's total are for `units-total-over`; a last unit
that each service could have by its own minutes but that belongs to another one is for `units-line-wrong-code`. By the
midpoint, services under 8 minutes are for `units-line-under-8-ama`. 97129 and 97130 are one service.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, SAID, Result, fails, rule
from palpate_validator.sources import CPM5, CPT
from palpate_validator.timed_pools import Pool, pools, units_in_question, unjudgeable, unknown_services
from palpate_validator.timed_units import in_units, units_past_midpoint
from palpate_validator.visit import Visit


@rule(
    remedy="Move the unit to the service with more minutes left over, or drop it.",
    fixer=BILLER,
    denial=Denial(carc="151", rarc="N362"),
    sources=(f"{CPM5} §20.2.C", CPT),
    confidence="sourced",
    profile={"timing_rule": SAID},
    given=units_in_question,
)
def line_over(visit: Visit) -> Iterator[Result]:
    counts_by = visit.setting("timing_rule")
    if counts_by == "cms":
        for pool in pools(visit):
            yield from _pooled(pool)
        yield from unjudgeable(visit)
    elif counts_by == "ama":
        for pool in pools(visit):
            yield from _alone(pool)
        yield from unknown_services(visit)


def _pooled(pool: Pool) -> Iterator[Result]:
    for service in pool.overfilled:
        yield fails(
            f"{service} has {in_units(pool.billed[service])} for {pool.minutes[service]} minutes; "
            f"at most {pool.most(service)} can be right. Acceptable{pool.plan}: {pool.ways}.",
            line=pool.by_service[service][0],
            pointer="/units",
            patch=pool.repair(pool.allocation.only),
            service_minutes=pool.minutes[service],
            total_timed_minutes=pool.total,
            allowed_units=pool.most(service),
            billed_units=pool.billed[service],
            acceptable=pool.ways,
        )


def _alone(pool: Pool) -> Iterator[Result]:
    for service, units in pool.billed.items():
        minutes = pool.minutes.get(service, 0)
        allowed = units_past_midpoint(minutes)
        if service not in pool.unknown and minutes >= 8 and units > allowed:
            yield fails(
                f"{service} has {in_units(units)} for {minutes} minutes; by the midpoint rule these are {allowed}.",
                line=pool.by_service[service][0],
                pointer="/units",
                patch=pool.set_units(service, allowed),
                service_minutes=minutes,
                allowed_units=allowed,
                billed_units=units,
            )
