"""The clock times cannot be right, or do not hold the minutes.

## What it checks
Where a note or a line has start and end times: the end comes after the start, and between them there is room for the
minutes that the note or line states.

## Why it matters
Times that contradict the minutes leave neither of them standing on review.

## How to fix
The note's author corrects the times or the minutes, whichever is wrong, by a signed and dated addendum.

## Example that fails
A note from 09:00 to 09:30 with 45 minutes of treatment.

## Example that passes
A note from 09:00 to 09:45 with 45 minutes of treatment.

## Limits
Medicare does not ask for clock times. A visit past midnight looks like an end before its start. Minutes of a line that
two people gave, or that name some as not countable, are for `time-cotreatment-double-count` and `time-not-countable`.
"""

from collections.abc import Iterator

from palpate_schemas.claim import VisitNote
from palpate_schemas.finding import Denial
from palpate_validator.clock_times import clock_times_in_question, clocked_minutes
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import Line, Visit, whole_minutes


@rule(
    remedy="Have the note's author correct the times or the minutes, whichever is wrong, by a signed addendum.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N443"),
    sources=(PRACTICE,),
    confidence="practice",
    given=clock_times_in_question,
)
def clock_contradicts(visit: Visit) -> Iterator[Result]:
    for note in visit.notes:
        yield from _of_note(note)
    for line in visit.timed_lines:
        if line.intervals:
            yield from _of_line(line)


def _of_note(note: VisitNote) -> Iterator[Result]:
    if note.start is None or note.end is None:
        if note.start != note.end:
            needs = "documentation/start" if note.start is None else "documentation/end"
            yield cannot_tell(needs, "The note has one of its two clock times.")
        return
    clocked = clocked_minutes(note.start, note.end)
    stated = note.total_timed_minutes if note.total_treatment_minutes is None else note.total_treatment_minutes
    if clocked <= 0:
        yield fails(
            f"The note ends at {note.end} and starts at {note.start}. Which is right?", start=note.start, end=note.end
        )
    elif stated is not None and clocked < stated:
        yield fails(
            f"From {note.start} to {note.end} are {clocked} minutes; the note states {stated}. Which is right?",
            clocked_minutes=clocked,
            stated_minutes=stated,
        )


def _of_line(line: Line) -> Iterator[Result]:
    for interval in line.intervals:
        if clocked_minutes(interval.start, interval.end) <= 0:
            yield fails(
                f"Line {line.line_number} has a stretch from {interval.start} to {interval.end}. Which is right?",
                line=line,
                pointer="/intervals",
                start=interval.start,
                end=interval.end,
            )
            return
    clocked = whole_minutes(line.intervals)
    told_elsewhere = len(line.performed_by) > 1 or line.excluded_minutes
    if line.intervals and line.minutes is not None and clocked < line.minutes and not told_elsewhere:
        yield fails(
            f"Line {line.line_number} states {line.minutes} minutes; its clock times hold {clocked}. Which is right?",
            line=line,
            pointer="/intervals",
            clocked_minutes=clocked,
            stated_minutes=line.minutes,
        )
