"""The note does not say how the patient responded to the treatment.

## What it checks
The note of a visit that bills 97140 tells the effect of the treatment: a measurement after it, pain, tolerance.

## Why it matters
Medicare's coverage determinations ask for measurements of the treated area and the effect on function. Without an
effect, a row of visits looks like routine passive care.

## How to fix
The clinician says whether a response was observed. A signed addendum completes the note only if it was, and can be
dated.

## Example that fails
"Joint mobs gr III C4-C6." and nothing else.

## Example that passes
"Joint mobs gr III C4-C6, rotation 45 to 60 degrees after treatment."

## Limits
Words are looked for, not understood: any measurement or any word of change counts.
"""

from collections.abc import Iterator

from palpate_validator.note_evidence import COVERAGE_DETERMINATION, EFFECT, documents
from palpate_validator.plain_notes import note_in_question
from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Complete the note by signed addendum, if a response was observed and left out.",
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(COVERAGE_DETERMINATION,),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=note_in_question,
)
def response_noted(visit: Visit) -> Iterator[Result]:
    if not documents(visit.note, "response", EFFECT):
        yield fails(
            f"The note of {visit.date_of_service} tells no effect of the treatment. How did the patient respond?"
        )
