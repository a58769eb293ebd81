"""The edit table that was read ends before the date of service.

## What it checks
The date of service lies within the quarter of the newest NCCI table read, where a claim bills more than one code
of a day.

## Why it matters
CMS changes the table every quarter. A pair may have been made or dropped since; the findings of the other NCCI rules
are those of the last table read.

## How to fix
Import CMS's table of that quarter.

## Example that fails
97140 and 97110 in 2025, judged by the table of 2024Q3.

## Example that passes
97140 and 97110 on 2024-09-30.

## Limits
For information. It says nothing about the claim itself.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import lru_cache

from palpate_validator.rule import BILLER, INFO, Result, informs, rule
from palpate_validator.sources import PTP
from palpate_validator.visit import Visit


@rule(
    remedy="Import CMS's NCCI table of the quarter of service.",
    fixer=BILLER,
    severity=INFO,
    sources=(PTP,),
    confidence="sourced",
    profile={"ncci": "medicare"},
    per="claim",
)
def table_older_than_the_service(visit: Visit) -> Iterator[Result]:
    last_day = visit.tables.ptp_quarter_end
    late = max([line.service_date for line in visit.lines]) > last_day
    latest = _latest_day_of_several_codes(visit) if late and len(visit.codes) > 1 else None
    if latest is not None and latest > last_day:
        yield _stale(last_day, latest)


@lru_cache(maxsize=1024)
def _stale(last_day: date, latest: date) -> Result:
    """Every claim of a day after the table's end gets the same one."""
    result = informs(
        f"The service of {latest} is judged by NCCI edits that were published for the quarter up to {last_day}.",
        table_through=last_day,
        date_of_service=latest,
    )
    return replace(result, kept=True)


def _latest_day_of_several_codes(visit: Visit) -> date | None:
    codes: defaultdict[date, set[str]] = defaultdict(set)
    for line in visit.lines:
        codes[line.service_date].add(line.code)
    return max((day for day, billed in codes.items() if len(billed) > 1), default=None)
