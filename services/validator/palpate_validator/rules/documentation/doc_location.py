"""The place in the note and the place of service on the claim do not fit.

## What it checks
A place that the note names (office, clinic, home, hospital, nursing facility, assisted living, school, telehealth)
can be the line's place-of-service code.

## Why it matters
The place of service decides the payment and is checked against the record.

## How to fix
Find out where the visit was. Correct the place of service on the claim, or the note by a signed addendum.

## Example that fails
The note says home; the claim says place of service 11.

## Example that passes
The note says office; the claim says place of service 11.

## Limits
The name of a clinic says nothing of its kind: a place in other words cannot be compared. A warning only.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.noted_places import noted_place
from palpate_validator.plain_notes import note_in_question
from palpate_validator.rule import BILLER, WARNING, Result, cannot_tell, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Find out where the visit was, and correct the place of service or, by signed addendum, the note.",
    fixer=BILLER,
    severity=WARNING,
    denial=Denial(carc="5", rarc="M77"),
    sources=(f"{BPM15} §220.3.A",),
    confidence="practice",
    codes={MANUAL_THERAPY},
    given=note_in_question,
)
def place_agrees(visit: Visit) -> Iterator[Result]:
    noted = noted_place(visit.known(visit.note.location, "documentation/location"))
    if noted.place is None:
        yield cannot_tell(
            "documentation/location as office, clinic, home, hospital, nursing facility, school or telehealth",
            "The note's place is in words that cannot be compared with a place-of-service code.",
        )
        return
    for line in visit.manual_therapy:
        if line.place_of_service not in noted.fitting:
            yield fails(
                f"Line {line.line_number} has place of service {line.place_of_service}; the note says "
                f"{noted.place}. Where was the visit?",
                line=line,
                place_of_service=line.place_of_service,
                noted_place=noted.place,
            )
