"""A timed service is billed and the record has no minutes for it.

## What it checks
Where a visit note is shared: every timed service that is billed has minutes, on its line, in the note by service, or at
least within the note's total of timed minutes.

## Why it matters
Units of a timed service rest on minutes alone. Without any, the whole line is denied on review.

## How to fix
The clinician who treated checks the record; minutes that were recorded elsewhere are added by a signed addendum.

## Example that fails
97140, 1 unit, with a note that holds no minutes at all.

## Example that passes
97140, 1 unit, with a note that states 15 total timed minutes.

## Limits
Where no note is shared, or where its free text speaks of minutes that its fields do not hold, this cannot be told.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, fails, rule
from palpate_validator.sources import BPM15, X12
from palpate_validator.timed_pools import pools, units_in_question
from palpate_validator.visit import Visit


@rule(
    remedy="Check the record for the minutes of this service.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N443"),
    sources=(f"{BPM15} §220.3.E", X12),
    confidence="sourced",
    given=units_in_question,
)
def no_minutes(visit: Visit) -> Iterator[Result]:
    nowhere = [pool for pool in pools(visit) if pool.unknown and pool.total is None and not pool.unsupported]
    for pool in pools(visit):
        for service in sorted(pool.unsupported):
            yield fails(
                f"{service} is billed and the record holds no minutes for it. How long was it given?",
                line=pool.by_service[service][0],
                pointer="/minutes",
                billed_units=pool.billed.get(service),
            )
    if nowhere:
        yield cannot_tell(
            "documentation" if not visit.notes else "documentation/total_timed_minutes",
            "The minutes of the timed services are not shared.",
        )
