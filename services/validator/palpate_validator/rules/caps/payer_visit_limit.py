"""The patient's covered visits are used up.

## What it checks
The visits used before this claim, and the days that it bills, against the plan's visit limit, from the eligibility
check or else from the payer's profile.

## Why it matters
Visits over the limit are not covered, however necessary.

## How to fix
Check the count with the payer; ask for more visits, or settle with the patient who pays.

## Example that fails
A limit of 20 visits, 20 used, and one more day billed.

## Example that passes
A limit of 20 visits, 19 used, and one day billed.

## Limits
Every date of service counts as one visit. Where no limit is known there is nothing to check.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import FRONT_DESK, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.visit import Visit


@rule(
    remedy="Check the visit count with the payer, and ask for more visits if they are used up.",
    fixer=FRONT_DESK,
    denial=Denial(carc="119"),
    sources=(X12,),
    confidence="sourced",
    per="claim",
)
def visits_used_up(visit: Visit) -> Iterator[Result]:
    coverage = visit.claim.coverage
    limit = None if coverage is None else coverage.visit_limit
    if limit is None and visit.says("visit_limit"):
        limit = visit.setting("visit_limit")
    if limit is None:
        return
    used: int = visit.known(None if coverage is None else coverage.visits_used, "coverage/visits_used")
    days = len({line.service_date for line in visit.lines})
    if used + days > limit:
        yield fails(
            f"{used} of {limit} covered visits were used before this claim, which bills {days} more.",
            pointer="/coverage/visits_used",
            visit_limit=limit,
            visits_used=used,
            visits_billed=days,
        )
