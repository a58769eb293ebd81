"""The note calls the treatment maintenance.

## What it checks
Whether the note calls the treatment maintenance care. A chiropractor's maintenance care is not covered. A therapist's
is, when the note shows why it took a therapist's skill.

## Why it matters
There is no test of improvement for skilled therapy: skilled maintenance is covered by Medicare. What is not covered
is maintenance that anybody could carry out, and maintenance by a chiropractor.

## How to fix
A therapist says whether the treatment took a therapist's skill, and takes it off the claim if it did not. A
chiropractor tells the patient, before the next visit, that this care may not be covered.

## Example that fails
"Maintenance care, manual therapy to low back", by a chiropractor.

## Example that passes
"Maintenance program; skilled mobilization required for capsular restriction", by a PT.

## Limits
Words are looked for, not understood. Always a warning: whether the care is maintenance is for the clinician.
"""

from collections.abc import Iterator

from palpate_schemas.values import Profession
from palpate_validator.note_evidence import (
    MAINTENANCE,
    RESTRICTION,
    SKILL,
    affirms,
    documents,
    purpose_in_question,
    words_of,
)
from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Say whether the treatment took a therapist's skill; if it did not, take it off the claim.",
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(f"{BPM15} §220.2", f"{BPM15} §30.5"),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=purpose_in_question,
)
def maintenance(visit: Visit) -> Iterator[Result]:
    note = visit.note
    words = words_of(note)
    if not affirms(MAINTENANCE, words):
        return
    if visit.claim.rendering_provider.profession is Profession.DC:
        yield fails(
            "The note calls the treatment of a chiropractor maintenance. Was it active treatment or maintenance?",
            remedy="If it was maintenance, tell the patient before the next visit that such care may not be covered.",
        )
    elif not documents(note, "medical_necessity", SKILL) and RESTRICTION.search(words) is None:
        yield fails(
            "The note calls the treatment maintenance and does not show a need for skill. Did it take a therapist's "
            "skill?"
        )
