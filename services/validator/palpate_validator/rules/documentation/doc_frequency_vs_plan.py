"""The claim bills more visits in a week than the plan of care foresees.

## What it checks
The dates of service on the claim in one calendar week (Monday to Sunday) are not more than the plan's visits per
week.

## Why it matters
Frequency is part of the plan of care. Visits beyond it raise the question of what they were needed for.

## How to fix
If a date is wrong, correct it. If the dates are right, the therapist reviews whether the plan still fits.

## Example that fails
Plan of 2 visits a week; the claim bills Monday, Wednesday and Friday of one week.

## Example that passes
Plan of 3 visits a week; the claim bills Monday, Wednesday and Friday.

## Limits
Only the visits on this claim are seen, so a claim of one day never fails. Judged on the visit that exceeds the plan.
"""

from collections.abc import Iterator
from datetime import timedelta

from palpate_validator.plan_of_care import NEEDS_PLAN, plan_of
from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Check the dates; if they are right, the therapist reviews whether the plan of care still fits.",
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(f"{BPM15} §220.1.2",),
    confidence="practice",
    codes={MANUAL_THERAPY},
    unusual={Unusual.SEVERAL_DAYS},
)
def visits_within_plan(visit: Visit) -> Iterator[Result]:
    day = visit.date_of_service
    monday = day - timedelta(days=day.weekday())
    days = [each for each in {line.service_date for line in visit.claim.lines} if monday <= each <= day]
    if len(days) < 2:
        return
    planned = visit.known(plan_of(visit).visits_per_week, f"{NEEDS_PLAN}/visits_per_week")
    if len(days) > planned:
        yield fails(
            f"{day} is visit {len(days)} of its week on this claim; the plan of care foresees {planned:f} a week.",
            visits_this_week=len(days),
            visits_per_week=planned,
        )
