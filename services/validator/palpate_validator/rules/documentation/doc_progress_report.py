"""The progress report is overdue.

## What it checks
For Medicare, a progress report is written at least once every 10 treatment days. The 11th treatment day without one
is a warning while the 7 calendar days for writing it may still run, and an error from the 18th, when they are over
for certain.

## Why it matters
The progress report is where the clinician justifies going on. Visits that it does not cover are denied as not
supported.

## How to fix
The therapist, not the assistant, writes the report for the period that has ended, with its true date. Later ones are
due every 10 treatment days.

## Example that fails
The 20th treatment day since the last report.

## Example that passes
The 10th treatment day since the last report.

## Limits
Treatment days since the last report include this visit. A report by an assistant does not count, and the clinician
must take part in the treatment once in each period: neither can be seen in the event. With `last_on` alone, only the
visits on this claim are counted.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.plan_of_care import treatment_days_since_report
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit

_NEEDS = "documentation/progress_report"


@rule(
    remedy="The therapist writes the progress report for the period that has ended, with its true date.",
    fixer=CLINICIAN,
    denial=Denial(carc="50", rarc="N393"),
    sources=(f"{BPM15} §220.3.D",),
    confidence="sourced",
    programs={Program.MEDICARE},
    parameters=("progress_report_treatment_days", "progress_report_writing_days"),
    codes={MANUAL_THERAPY},
    start=date(2013, 1, 1),
)
def progress_reported(visit: Visit) -> Iterator[Result]:
    report, day = visit.known(visit.note.progress_report, _NEEDS), visit.date_of_service
    if report.last_on is not None and report.last_on >= day:
        return
    limit = visit.amount("progress_report_treatment_days")
    days = treatment_days_since_report(visit, report.last_on, report.treatment_days_since)
    if days is not None and days > limit:
        # One treatment day is at least one calendar day, so the period ended at least this long before the visit.
        ended_days_ago = days - limit
        late = ended_days_ago > visit.amount("progress_report_writing_days")
        say = fails if late else warns
        yield say(
            f"The visit of {day} is treatment day {days} since the last progress report; one is due every {limit}.",
            treatment_days_since=days,
            last_report_on=report.last_on,
            at_least_days_since_period_end=ended_days_ago,
        )
        return
    visit.known(report.treatment_days_since, f"{_NEEDS}/treatment_days_since")
