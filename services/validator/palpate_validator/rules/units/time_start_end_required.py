"""The record lacks the start and end times that this payer wants.

## What it checks
For payers whose profile asks for clock times: the note has a start and an end, or every 97140 line has its intervals.

## Why it matters
Some Medicaid programs and workers' compensation payers deny timed services without clock times.

## How to fix
The note's author adds the times by a signed and dated addendum, if they were recorded.

## Example that fails
97140 with a note that has no start time, to a payer that wants it.

## Example that passes
The same with a note from 09:00 to 09:45.

## Limits
Only where the profile says `start_end_times_required`; which state programs do varies. Medicare does not.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Have the note's author add the start and end times, if they were recorded, by a signed addendum.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N443"),
    sources=("The payer's policy, as its profile cites it",),
    confidence="practice",
    profile={"start_end_times_required": True},
    codes={MANUAL_THERAPY},
)
def clock_times_missing(visit: Visit) -> Iterator[Result]:
    if all(line.intervals for line in visit.manual_therapy):
        return
    note = visit.note
    lacking = [name for name, time in (("start", note.start), ("end", note.end)) if time is None]
    if lacking:
        yield fails(f"The note of {visit.date_of_service} has no {' and no '.join(lacking)} time.", lacking=lacking)
