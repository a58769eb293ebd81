"""The note does not show why a therapist's skill was needed.

## What it checks
The note of a visit that bills 97140 gives a reason for skilled hands: a medical-necessity statement, a restriction
that was treated, a grade or dosage, a reassessment.

## Why it matters
Payers cover skilled therapy, not repetitive passive care that anybody could give. A reviewer looks for the judgement
in the note.

## How to fix
The clinician says whether the treatment took a clinician's skill. A signed addendum completes the note only with what
was true that day.

## Example that fails
"Soft tissue work to neck, 15 min."

## Example that passes
"Soft tissue mobilization to upper trapezius to restore cervical rotation, restricted at 45 degrees."

## Limits
Words are looked for, not understood, so this is a warning only. Whether the skill was truly needed is for a
clinician.
"""

from collections.abc import Iterator

from palpate_validator.note_evidence import RESTRICTION, SKILL, documents, words_of
from palpate_validator.plain_notes import note_in_question
from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Say whether the treatment took a clinician's skill; complete the note by signed addendum if need be.",
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(f"{BPM15} §220.2",),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=note_in_question,
)
def skill_shown(visit: Visit) -> Iterator[Result]:
    note = visit.note
    if not documents(note, "medical_necessity", SKILL) and RESTRICTION.search(words_of(note)) is None:
        yield fails(
            f"The note of {visit.date_of_service} gives no reason why skilled hands were needed. What did they do that "
            f"nobody else could?"
        )
