"""The note ties the manual therapy to no functional goal.

## What it checks
The note of a visit that bills 97140 names a goal, or something that the patient wants or needs to do.

## Why it matters
Reviewers ask what the treatment is for. Motion regained counts when it leads to a function in the plan of care.

## How to fix
The clinician compares the note with the plan. A signed addendum completes it only with what is in the plan.

## Example that fails
"Joint mobs gr III C4-C6, restricted rotation, pain 6/10 to 3/10."

## Example that passes
The same, with the goal of turning the head for safe driving.

## Limits
Words are looked for, not understood: any everyday activity in the note counts.
"""

from collections.abc import Iterator

from palpate_validator.note_evidence import FUNCTION, documents
from palpate_validator.plain_notes import note_in_question
from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Compare the note with the plan; complete it by signed addendum if the treatment served one of its goals.",
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(f"{BPM15} §220.3",),
    confidence="practice",
    codes={MANUAL_THERAPY},
    given=note_in_question,
)
def goal_named(visit: Visit) -> Iterator[Result]:
    if not documents(visit.note, "goals", FUNCTION):
        yield fails(f"The note of {visit.date_of_service} names no functional goal. Which goal of the plan was it for?")
