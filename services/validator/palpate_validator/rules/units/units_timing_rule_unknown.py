"""It is not known how this payer counts timed units, and the answer decides.

## What it checks
Where the payer's profile does not say how units are counted, both usual ways are tried: Medicare's, which adds up all
timed minutes of the day, and the CPT midpoint, which takes each service by itself. Units that hold under one way alone
are a warning; units that hold under neither are a fault.

## Why it matters
The two ways differ as soon as two services have minutes left over. A guess would be wrong for every other payer.

## How to fix
Ask the payer how it counts and put `timing_rule` into its profile; bill by that.

## Example that fails
24 minutes of 97110 and 23 of 97140 billed as 2 and 2 units to a payer without a profile: right by the midpoint, one too
many by Medicare's way.

## Example that passes
30 minutes of 97110 and 15 of 97140 billed as 2 and 1 units: right either way.

## Limits
Fewer units than the minutes allow hold under both ways. A payer that wants a full 15 minutes for each unit is stricter
than both.
"""

from collections.abc import Iterator
from typing import Any

from palpate_validator.rule import BILLER, Result, fails, rule, warns
from palpate_validator.sources import CPM5, CPT
from palpate_validator.timed_pools import Pool, judgeable, units_in_question, unjudgeable
from palpate_validator.timed_units import units_past_midpoint
from palpate_validator.visit import Visit


@rule(
    remedy="Ask the payer how it counts timed units, put it into the payer's profile, and bill by that.",
    fixer=BILLER,
    sources=(f"{CPM5} §20.2.C", CPT),
    confidence="practice",
    given=units_in_question,
)
def counted_two_ways(visit: Visit) -> Iterator[Result]:
    if visit.says("timing_rule"):
        return
    for pool in judgeable(visit):
        pooled = pool.units <= (pool.allowed or 0) and pool.allocation.covers(pool.billed)
        alone = all(units <= units_past_midpoint(pool.minutes[s]) for s, units in pool.billed.items())
        if not pooled and not alone:
            yield fails(f"The units{pool.plan} hold under no way of counting: {_both(pool)}", **_evidence(pool))
        elif pooled != alone:
            way = "Medicare's way of counting" if pooled else "the midpoint rule"
            yield warns(f"The units{pool.plan} hold only under {way}: {_both(pool)}", **_evidence(pool))
    yield from unjudgeable(visit)


def _midpoint(pool: Pool) -> dict[str, int]:
    return {service: units_past_midpoint(minutes) for service, minutes in sorted(pool.minutes.items())}


def _both(pool: Pool) -> str:
    alone = " + ".join(f"{service} x{units}" for service, units in _midpoint(pool).items() if units)
    return f"Medicare's gives {pool.ways}, the midpoint {alone or 'no units'}. Which one does this payer use?"


def _evidence(pool: Pool) -> dict[str, Any]:
    return {
        "line": pool.line,
        "pointer": pool.pointer,
        "total_timed_minutes": pool.total,
        "billed_units": pool.units,
        "allowed_units_cms": pool.allowed,
        "allowed_units_ama": sum(_midpoint(pool).values()),
    }
