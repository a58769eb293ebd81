"""A student treated while the therapist was with other patients.

## What it checks
On a claim to Medicare, when the visit note lists a student among those who took part, the therapist treated one
patient at a time.

## Why it matters
Medicare Part B pays for the therapist's service. A student's minutes count only while the therapist is in the room,
directs the service, makes the skilled judgement and treats nobody else.

## How to fix
Correct the note by addendum if it states the number of patients wrongly. If the therapist was with other patients,
take the student's minutes off the line.

## Example that fails
97140 to Medicare; the note lists an SPT, and two patients treated at once.

## Example that passes
97140 to Medicare; the note lists an SPT, and one patient treated at once.

## Limits
The note cannot show that the therapist directed the service throughout. A student is known by the credentials that
the note gives (SPT, SPTA, OTS, "student"). Without a note the rule has nothing to judge.
"""

from collections.abc import Iterator

from palpate_schemas.values import Program
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import is_student, others_took_part


@rule(
    remedy="Take the student's minutes off the line, or correct the number of patients by a signed addendum.",
    fixer=CLINICIAN,
    sources=(f"{BPM15} §230",),
    confidence="practice",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
    given=others_took_part,
)
def student(visit: Visit) -> Iterator[Result]:
    for note in visit.notes:
        if any(is_student(contributor) for contributor in note.contributors or ()):
            patients = visit.known(note.patients_treated_at_once, "documentation/patients_treated_at_once")
            if patients > 1:
                yield fails(
                    f"A student took part, and {patients} patients were treated at once. "
                    "Was the therapist directing this service and no other?",
                    patients_treated_at_once=patients,
                )
