"""Minutes in which two people treated together are counted twice.

## What it checks
The minutes of a line that two people gave against the line's clock times; timed lines of two people or two disciplines
that share minutes; and lines that add up the minutes of a therapist and of an assistant who worked together, if the
units would not hold otherwise.

## Why it matters
The patient's minutes count once, however many treat. Two disciplines split them, or one of them bills.

## How to fix
Count the shared minutes once; decide for each of them which discipline bills it.

## Example that fails
97140 GP from 09:00 to 09:30 by a physical therapist and 97530 GO from 09:00 to 09:30 by an occupational therapist.

## Example that passes
97140 GP from 09:00 to 09:15 and 97530 GO from 09:15 to 09:30.

## Limits
Without clock times it is not known whether an assistant's minutes together with the therapist come on top of the
therapist's own, so that is a question and a warning.
"""

from collections.abc import Iterator

from palpate_validator.clock_times import clock_times_in_question, overlaps
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import CPM5
from palpate_validator.timed_pools import Pool, pools
from palpate_validator.timed_units import in_units, units_past_midpoint
from palpate_validator.visit import Line, Visit, whole_minutes


@rule(
    remedy="Count the shared minutes once, and decide which discipline bills each of them.",
    fixer=CLINICIAN,
    sources=(f"{CPM5} §20.3",),
    confidence="sourced",
    given=clock_times_in_question,
)
def counted_twice(visit: Visit) -> Iterator[Result]:
    for overlap in overlaps(visit):
        if overlap.by_two_people:
            yield fails(
                f"{overlap.in_words()}, and two people gave them. Which of the two is billed for these minutes?",
                line=overlap.second,
                pointer="/intervals",
                shared_minutes=overlap.minutes,
                other_line=overlap.first.line_number,
            )
    if not any(len(line.performed_by) > 1 for line in visit.timed_lines):
        return
    for pool in pools(visit):
        for line in pool.lines:
            if len(line.performed_by) > 1 and line.minutes is not None:
                yield from _line(pool, line, line.minutes)


def _line(pool: Pool, line: Line, stated: int) -> Iterator[Result]:
    clocked = whole_minutes(line.intervals)
    alone = sum(part.minutes or 0 for part in line.performed_by if not part.with_supervisor)
    together = sum(part.minutes or 0 for part in line.performed_by if part.with_supervisor)
    if line.intervals:
        if clocked < stated <= alone + together:
            yield fails(
                f"Line {line.line_number} states {stated} minutes, those of all who treated; its clock times hold "
                f"{clocked}.",
                line=line,
                pointer="/minutes",
                stated_minutes=stated,
                clocked_minutes=clocked,
            )
        return
    twice = min(alone, together)
    left = units_past_midpoint(max(0, (pool.total or 0) - twice))
    if twice and stated == alone + together and pool.total is not None and left < pool.units:
        yield warns(
            f"Line {line.line_number} adds {together} minutes of an assistant with the therapist to {alone} others. "
            f"If they are the same minutes, the day allows {in_units(left)}. Are they?",
            line=line,
            pointer="/performed_by",
            stated_minutes=stated,
            together_minutes=together,
            allowed_units=left,
            billed_units=pool.units,
        )
