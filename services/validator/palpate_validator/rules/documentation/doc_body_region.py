"""The note does not say which part of the body was treated.

## What it checks
The note of a visit that bills 97140 names the muscles, joint or region that was treated, and for an arm or a leg the
side.

## Why it matters
A reviewer compares the part treated with the diagnosis. Medicare's coverage determinations ask for the area in every
note; without it the service is not supported.

## How to fix
The clinician states the treated area, and its side, in a signed and dated addendum, if it is known from the visit.

## Example that fails
"Manual therapy x 15 min", and no region recorded.

## Example that passes
Regions `knee.left`, or a text that names the left knee.

## Limits
A side that is missing is a warning. Words are looked for, not understood: any body part in the note counts as the one
treated.
"""

from collections.abc import Iterator

from palpate_schemas.claim import VisitNote
from palpate_schemas.finding import Denial
from palpate_validator.note_evidence import BODY, COVERAGE_DETERMINATION, LIMB, SIDE, UNSIDED, filled, words_of
from palpate_validator.plain_notes import note_in_question
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="State the treated muscles, joint or region, and the side, in a signed addendum.",
    fixer=CLINICIAN,
    denial=Denial(carc="50", rarc="N115"),
    sources=(COVERAGE_DETERMINATION,),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=note_in_question,
)
def treated_area_named(visit: Visit) -> Iterator[Result]:
    note = visit.note
    if not note.regions and BODY.search(words_of(note)) is None:
        if note.regions is None and not filled(note.text):
            visit.known(note.regions, "documentation/regions")
        yield fails(f"The note of {visit.date_of_service} names no muscle, joint or region. What was treated?")
        return
    if _names_a_limb(note) and not _sided(visit) and SIDE.search(words_of(note)) is None:
        visit.known(words_of(note) or None, "documentation/regions with a side")
        yield warns(f"The note of {visit.date_of_service} names an arm or a leg without its side. Which side was it?")


def _sided(visit: Visit) -> bool:
    return any("." in region for line in visit.manual_therapy for region in line.regions)


def _names_a_limb(note: VisitNote) -> bool:
    if note.regions:
        return not UNSIDED.isdisjoint(note.regions)
    return LIMB.search(words_of(note)) is not None
