"""Fewer timed units are billed than the day's minutes allow.

## What it checks
The timed units of the day and discipline against what the minutes allow: their total where the payer counts as
Medicare does, each service by itself where it counts by the CPT midpoint.

## Why it matters
A claim with too few units is accepted. Done often, it disagrees with the record and with many payer contracts.

## How to fix
Check the minutes. If they are right, bill the unit on the service that it belongs to.

## Example that fails
38 minutes of 97140 billed as 2 units: 38 minutes are 3.

## Example that passes
37 minutes of 97140, 2 units.

## Limits
A warning only. Minutes that were documented but are billed on another claim look like units left out.
"""

from collections.abc import Iterator

from palpate_validator.rule import BILLER, SAID, WARNING, Result, rule, warns
from palpate_validator.sources import CPM5, CPT
from palpate_validator.timed_pools import Pool, countable, pools, uncountable, units_in_question, unknown_services
from palpate_validator.timed_units import in_units, units_past_midpoint
from palpate_validator.visit import Visit


@rule(
    remedy="Check the minutes; if they are right, bill the unit on the service that it belongs to.",
    fixer=BILLER,
    severity=WARNING,
    sources=(f"{CPM5} §20.2.C", CPT),
    confidence="practice",
    profile={"timing_rule": SAID},
    given=units_in_question,
)
def underbilled(visit: Visit) -> Iterator[Result]:
    counts_by = visit.setting("timing_rule")
    if counts_by == "cms":
        for pool in countable(visit):
            yield from _pooled(pool)
        yield from uncountable(visit)
    elif counts_by == "ama":
        for pool in pools(visit):
            yield from _alone(pool)
        yield from unknown_services(visit)


def _pooled(pool: Pool) -> Iterator[Result]:
    if pool.too_few:
        yield warns(
            f"{pool.total} timed minutes{pool.plan} allow {in_units(pool.allowed)}; the claim bills {pool.units}. "
            f"Acceptable: {pool.ways}.",
            line=pool.line,
            pointer=pool.pointer,
            patch=pool.repair(pool.allocation.only),
            total_timed_minutes=pool.total,
            allowed_units=pool.allowed,
            billed_units=pool.units,
            acceptable=pool.ways,
        )


def _alone(pool: Pool) -> Iterator[Result]:
    if pool.unknown or not pool.readable:
        return
    allowed = {service: units_past_midpoint(minutes) for service, minutes in sorted(pool.minutes.items())}
    if pool.units < sum(allowed.values()) and all(units <= allowed[s] for s, units in pool.billed.items()):
        yield warns(
            f"By the midpoint rule the minutes{pool.plan} are {in_units(sum(allowed.values()))}; "
            f"the claim bills {pool.units}.",
            line=pool.line,
            pointer=pool.pointer,
            allowed_units=sum(allowed.values()),
            billed_units=pool.units,
            allowed=allowed,
        )
