"""The note gives wellness, fitness or relaxation as the purpose of the treatment.

## What it checks
Whether the note says that the treatment was for wellness, general fitness, relaxation, stress relief or prevention.
An error where no restriction is documented as well; else a warning.

## Why it matters
Services for general good and welfare are not therapy, and Medicare does not cover them.

## How to fix
If the treatment was for an impairment, the clinician corrects the note by a signed addendum. If it was for
wellness, it does not go on the claim.

## Example that fails
"Soft tissue work to back for general wellness."

## Example that passes
"Soft tissue mobilization to restore lumbar flexion."

## Limits
Words are looked for, not understood; relaxation of a muscle and a return to fitness classes are not taken for a
purpose. Outside Medicare always a warning.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.note_evidence import (
    RESTRICTION,
    WELLNESS_PURPOSE,
    affirms,
    filled,
    purpose_in_question,
    words_of,
)
from palpate_validator.rule import CLINICIAN, ERROR, WARNING, Result, fails, rule, warns
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Correct the note by signed addendum if an impairment was treated; otherwise take the service off.",
    fixer=CLINICIAN,
    severity=WARNING,
    severity_by_program={Program.MEDICARE: ERROR, Program.MEDICARE_ADVANTAGE: ERROR},
    denial=Denial(carc="50"),
    sources=(f"{BPM15} §220.2",),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=purpose_in_question,
)
def purpose_is_therapy(visit: Visit) -> Iterator[Result]:
    note = visit.note
    words = words_of(note)
    if affirms(WELLNESS_PURPOSE, words):
        impairment = filled(note.restricted_motion) or RESTRICTION.search(words) is not None
        say = warns if impairment else fails
        yield say("The note gives wellness, fitness, relaxation or prevention as a purpose. What was treated, and why?")
