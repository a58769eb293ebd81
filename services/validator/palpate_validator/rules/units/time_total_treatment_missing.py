"""The visit note lacks its total treatment time.

## What it checks
Where timed services are billed and the note is shared, the note states the total treatment minutes: timed and untimed
services together.

## Why it matters
Medicare wants both numbers in every treatment note: the timed minutes and the whole treatment time.

## How to fix
The note's author adds the total by a signed and dated addendum, from what was recorded on the day.

## Example that fails
97140, 1 unit, with a note that states 15 timed minutes and no total treatment time.

## Example that passes
97140, 1 unit, with a note that states 15 timed minutes and 30 minutes of treatment.

## Limits
An error for Medicare, a warning for other payers. Where the note's free text speaks of a total of minutes, this cannot
be told from here. One note of the day with the total is enough.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.note_totals import speaks_of_total
from palpate_validator.plain_notes import note_in_question
from palpate_validator.rule import CLINICIAN, ERROR, WARNING, Result, cannot_tell, fails, rule
from palpate_validator.sources import BPM15, CPM5
from palpate_validator.visit import Visit


@rule(
    remedy="Have the note's author add the total treatment minutes of that day by a signed addendum.",
    fixer=CLINICIAN,
    severity=WARNING,
    severity_by_program={Program.MEDICARE: ERROR},
    denial=Denial(carc="16", rarc="N443"),
    sources=(f"{BPM15} §220.3.E", f"{CPM5} §20.2.C"),
    confidence="sourced",
    given=note_in_question,
)
def total_treatment_missing(visit: Visit) -> Iterator[Result]:
    if not visit.timed_lines:
        return
    note = visit.note
    if any(each.total_treatment_minutes is not None for each in visit.notes):
        return
    if speaks_of_total(note):
        yield cannot_tell(
            "documentation/total_treatment_minutes", "The note's text speaks of a total; its field is empty."
        )
    else:
        yield fails(f"The note of {visit.date_of_service} does not state the total treatment minutes.")
