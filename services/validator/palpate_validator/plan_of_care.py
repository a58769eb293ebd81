"""Certification of a therapy plan of care, and progress reports: counting their days (Medicare, 42 CFR 424.24)."""

from datetime import date, timedelta

from palpate_schemas.claim import PlanOfCare
from palpate_validator.visit import Visit

NEEDS_PLAN = "documentation/plan_of_care"


def plan_of(visit: Visit) -> PlanOfCare:
    """The plan of care that the visit's note shares.

    Raises:
        MissingFact: no note, or a note without its plan.
    """
    return visit.known(visit.note.plan_of_care, NEEDS_PLAN)


def as_of(visit: Visit) -> date:
    """The day on which the record stood as the event tells it: the submission where known, never before the visit."""
    return max(visit.date_of_service, visit.submitted_on or visit.date_of_service)


def dates_make_sense(plan: PlanOfCare) -> bool:
    """False when a certification is said to end before it was signed: one of the two dates is wrong."""
    return plan.certified_on is None or plan.certified_through is None or plan.certified_on <= plan.certified_through


def last_possible_day(plan: PlanOfCare, interval_days: int) -> date | None:
    """The last day that a certification can reach at most, counted from the later of plan and signature."""
    starts = [day for day in (plan.established_on, plan.certified_on) if day is not None]
    return max(starts) + timedelta(days=interval_days) if starts else None


def treatment_days_since_report(visit: Visit, last_on: date | None, counted: int | None) -> int | None:
    """Treatment days since the last progress report, this visit included: the PMS's count, or what the claim shows.

    The claim's own dates are a lower bound: they can prove that a report is overdue, never that it is not.
    """
    if last_on is None:
        return counted
    billed = {line.service_date for line in visit.claim.lines if last_on < line.service_date <= visit.date_of_service}
    return len(billed) if counted is None else max(counted, len(billed))
