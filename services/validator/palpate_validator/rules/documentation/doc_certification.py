"""No physician or other practitioner has certified the plan of care.

## What it checks
For Medicare, a physician or non-physician practitioner signed the plan of care within 30 days of its first day. From
2025-01-01 an order or referral on file and proof that the plan was sent to the one who ordered within 30 days take
the signature's place. Before the 30 days are over a missing signature is a warning; after them it is an error. A late
signature is a warning.

## Why it matters
Certification is a condition of payment for Medicare outpatient therapy: without it every visit of the episode can be
taken back.

## How to fix
Send the plan for signature and file it with its date. If it is late, Medicare accepts a delayed certification with
the reason for the delay. For visits from 2025 on, file the signed order and the proof of sending.

## Example that fails
Plan of 10 January 2024, visit of 3 March 2024, no signature.

## Example that passes
Plan of 10 January 2024, signed on 24 January.

## Limits
A plan that is shared without a day of certification counts as not certified before 2025; from 2025 it takes a known
`signed_order_on_file` to answer. Oral orders and recertification are not judged here; a signature more than 90 days
after the first day is taken for a recertification.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.plan_of_care import NEEDS_PLAN, as_of, plan_of
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit

_REMEDY = "Get the plan of care signed and dated by the physician or practitioner, and file it."
_MISSING = Denial(carc="16", rarc="N485")
_BY_ORDER = "89 FR 97710, 97912 (CY 2025 physician fee schedule)"


@rule(
    remedy=_REMEDY,
    fixer=CLINICIAN,
    denial=_MISSING,
    sources=("42 CFR 424.24(c)", f"{BPM15} §220.1.3"),
    confidence="sourced",
    programs={Program.MEDICARE},
    parameters=("certification_signature_days", "certification_interval_days"),
    codes={MANUAL_THERAPY},
    start=date(2008, 1, 1),
    end=date(2024, 12, 31),
)
def signed(visit: Visit) -> Iterator[Result]:
    plan = plan_of(visit)
    established_on = visit.known(plan.established_on, f"{NEEDS_PLAN}/established_on")
    yield from _signature(visit, established_on, plan.certified_on)


@rule(
    remedy=f"{_REMEDY} Or file the signed order and the proof that the plan was sent.",
    fixer=CLINICIAN,
    denial=_MISSING,
    sources=("42 CFR 424.24(c)", f"{BPM15} §220.1.3", _BY_ORDER),
    confidence="sourced",
    programs={Program.MEDICARE},
    parameters=("certification_signature_days", "certification_interval_days", "certification_sent_days"),
    codes={MANUAL_THERAPY},
    start=date(2025, 1, 1),
)
def signed_or_sent_to_who_ordered(visit: Visit) -> Iterator[Result]:
    plan = plan_of(visit)
    established_on = visit.known(plan.established_on, f"{NEEDS_PLAN}/established_on")
    if plan.certified_on is None and visit.known(plan.signed_order_on_file, f"{NEEDS_PLAN}/signed_order_on_file"):
        latest = established_on + timedelta(days=visit.amount("certification_sent_days"))
        if plan.sent_to_physician_on is not None and plan.sent_to_physician_on <= latest:
            return
    yield from _signature(visit, established_on, plan.certified_on)


def _signature(visit: Visit, established_on: date, certified_on: date | None) -> Iterator[Result]:
    due = established_on + timedelta(days=visit.amount("certification_signature_days"))
    if certified_on is not None:
        # Later than one certification lasts, it is a renewal's signature and says nothing of the first one.
        if due < certified_on <= established_on + timedelta(days=visit.amount("certification_interval_days")):
            yield warns(
                f"The plan of care was certified on {certified_on}, after {due}. Is the reason for the delay on file?",
                certified_on=certified_on,
                remedy="File the reason for the delayed certification with the plan.",
                established_on=established_on,
                due=due,
            )
    elif as_of(visit) > due:
        yield fails(
            f"The plan of care is not certified; the signature was due on {due}.",
            established_on=established_on,
            due=due,
        )
    else:
        yield warns(
            f"The plan of care is not certified yet; the signature is due on {due}.",
            established_on=established_on,
            due=due,
        )
