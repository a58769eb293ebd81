"""Minutes that are no treatment are counted as treatment.

## What it checks
Where a timed line names minutes of rest, waiting, set-up, documentation or the like: they are no part of its countable
minutes. The line's clock times tell. Without them it is asked, if the units would not hold otherwise.

## Why it matters
Only skilled one-on-one treatment counts towards units.

## How to fix
Take these minutes out of the line's minutes and the note's timed total, and count the units again.

## Example that fails
97140 from 09:00 to 09:30 with 10 minutes of rest, stated as 30 minutes.

## Example that passes
97140 from 09:00 to 09:30 with 10 minutes of rest, stated as 20 minutes.

## Limits
A line's minutes are countable ones by contract, so without clock times it is a question and a warning.
"""

from collections.abc import Iterator

from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import CPM5
from palpate_validator.timed_pools import Pool, pools, uncounted
from palpate_validator.timed_units import in_minutes, in_units, units_past_midpoint
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Line, Visit, whole_minutes


@rule(
    remedy="Take the minutes that are no treatment out of the timed minutes, and count the units again.",
    fixer=CLINICIAN,
    sources=(f"{CPM5} §20.3",),
    confidence="sourced",
    unusual={Unusual.EXCLUDED_MINUTES},
)
def counted_without_treatment(visit: Visit) -> Iterator[Result]:
    for pool in pools(visit):
        for line in pool.lines:
            if line.minutes and uncounted(line):
                yield from _line(pool, line, line.minutes, uncounted(line))


def _line(pool: Pool, line: Line, stated: int, excluded: int) -> Iterator[Result]:
    counted = min(excluded, stated + excluded - whole_minutes(line.intervals)) if line.intervals else excluded
    if counted <= 0 or pool.total is None:
        return
    left = units_past_midpoint(max(0, pool.total - counted))
    facts = {"stated_minutes": stated, "excluded_minutes": excluded, "allowed_units": left, "billed_units": pool.units}
    if line.intervals:
        yield fails(
            f"Line {line.line_number} counts {in_minutes(counted)} of what it names as no treatment; without them "
            f"the day's timed minutes{pool.plan} allow {in_units(left)}.",
            line=line,
            pointer="/minutes",
            **facts,
        )
    elif left < pool.units:
        yield warns(
            f"Line {line.line_number} states {stated} minutes and names {excluded} more as no treatment. If they are "
            f"among the {stated}, the day allows {in_units(left)}. Are they?",
            line=line,
            pointer="/minutes",
            **facts,
        )
