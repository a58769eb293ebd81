"""The visit lies after the end of the plan's certification.

## What it checks
For Medicare, the visit is not later than the certification of the plan of care lasts: the certified interval, or 90
calendar days where none is given. A longer interval than 90 days is a warning.

## Why it matters
Treatment after the certified interval is not covered until the plan is recertified.

## How to fix
The therapist renews the plan and gets it signed. Medicare accepts a delayed recertification with the reason for the
delay.

## Example that fails
Certified through 28 February, visit on 3 March.

## Example that passes
Certified through 28 May, visit on 3 March.

## Limits
The 90 days are counted from the later of the plan's first day and the signature; a given interval that is longer may
come from a renewal whose own day is not shared. Dates that contradict each other are not judged.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.plan_of_care import NEEDS_PLAN, dates_make_sense, last_possible_day, plan_of
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, fails, rule, warns
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Renew the plan of care and get it signed and dated; file the reason if it is late.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N486"),
    sources=("42 CFR 424.24(c)", f"{BPM15} §220.1.3"),
    confidence="sourced",
    programs={Program.MEDICARE},
    parameters=("certification_interval_days",),
    codes={MANUAL_THERAPY},
    start=date(2008, 1, 1),
)
def still_certified(visit: Visit) -> Iterator[Result]:
    plan, day = plan_of(visit), visit.date_of_service
    if not dates_make_sense(plan):
        yield cannot_tell(
            f"{NEEDS_PLAN}/certified_through", "The plan's certification is said to end before it was signed."
        )
        return
    longest = last_possible_day(plan, visit.amount("certification_interval_days"))
    last_day = plan.certified_through or longest
    if last_day is not None and day > last_day:
        yield fails(
            f"The certification of the plan of care lasts through {last_day}; the visit was on {day}.",
            last_certified_day=last_day,
        )
        return
    visit.known(plan.certified_through, f"{NEEDS_PLAN}/certified_through")
    if longest is not None and day > longest:
        yield warns(
            f"One certification lasts through {longest} at most; the visit was on {day}. Was the plan renewed?",
            longest_certified_day=longest,
        )
