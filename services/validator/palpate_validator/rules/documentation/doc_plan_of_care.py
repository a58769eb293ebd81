"""The visit is not covered by an established plan of care.

## What it checks
For Medicare, the plan of care was established on or before the day of the visit, and 97140 is among its
interventions.

## Why it matters
Medicare pays for outpatient therapy only under a plan of care. A visit before the plan, or an intervention outside
it, is denied.

## How to fix
Check the plan's date. If 97140 belongs to the treatment, the therapist adds it to the plan, signed and dated, for the
visits to come; what was given before cannot be put into the plan afterwards.

## Example that fails
A visit of 3 March under a plan established on 5 March.

## Example that passes
A visit of 3 March under a plan of 3 March that lists 97140.

## Limits
The plan's other elements (diagnoses, long-term goals, amount, duration, frequency) are not read. Treatment before the
plan is written down is allowed when the same clinician gives or supervises it; the plan's day is then still the day
on which it was established.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.plan_of_care import plan_of
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit

_NEEDS = "documentation/plan_of_care"


@rule(
    remedy="Check the plan's first day and its interventions; the therapist corrects the plan for the visits to come.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="M141"),
    sources=("42 CFR 410.61", "42 CFR 424.24", f"{BPM15} §220.1.2"),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
)
def plan_covers_visit(visit: Visit) -> Iterator[Result]:
    plan, day = plan_of(visit), visit.date_of_service
    if plan.procedure_codes is not None and MANUAL_THERAPY not in plan.procedure_codes:
        yield fails(
            "97140 is billed, and the plan of care does not list it. Is it part of the plan?",
            planned_codes=plan.procedure_codes,
        )
    established_on = visit.known(plan.established_on, f"{_NEEDS}/established_on")
    if established_on > day:
        yield fails(
            f"The plan of care was established on {established_on}, after the visit of {day}. Is that the right date?",
            established_on=established_on,
        )
    visit.known(plan.procedure_codes, f"{_NEEDS}/procedure_codes")
