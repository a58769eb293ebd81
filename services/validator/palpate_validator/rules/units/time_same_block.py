"""Two one-on-one services were given in the same minutes.

## What it checks
Where timed lines have clock times: no two of them share a minute.

## Why it matters
One clinician gives one timed service at a time. Minutes that two services share are paid once, whatever the code pair.

## How to fix
Correct the times if they are wrong; else bill the shared minutes as one of the two services.

## Example that fails
97140 from 09:00 to 09:15 and 97110 from 09:10 to 09:25.

## Example that passes
97140 from 09:00 to 09:15 and 97110 from 09:15 to 09:30.

## Limits
Hot packs, traction and the other supervised modalities (97010-97028) may run beside a timed service. Two people or two
disciplines at once are for `time-cotreatment-double-count`. Lines without clock times are not looked at; where only
some have them, this cannot be told.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.clock_times import clock_times_in_question, overlaps
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, fails, rule
from palpate_validator.sources import NCCI11
from palpate_validator.visit import Visit


@rule(
    remedy="Correct the times if they are wrong; else bill the shared minutes as one of the two services.",
    fixer=CLINICIAN,
    denial=Denial(carc="97", rarc="M15"),
    sources=(f"{NCCI11} §P.2",),
    confidence="sourced",
    given=clock_times_in_question,
)
def same_minutes(visit: Visit) -> Iterator[Result]:
    for overlap in overlaps(visit):
        if not overlap.by_two_people:
            yield fails(
                f"{overlap.in_words()}. Which service was given then?",
                line=overlap.second,
                pointer="/intervals",
                shared_minutes=overlap.minutes,
                other_line=overlap.first.line_number,
            )
    clocked = {bool(line.intervals) for line in visit.timed_lines}
    if len(clocked) == 2:
        yield cannot_tell("lines/intervals", "Only some of the timed services have clock times.")
