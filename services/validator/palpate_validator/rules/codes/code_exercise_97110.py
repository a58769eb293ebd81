"""97140 is billed and the note names exercise instead.

## What it checks
97140 is billed, the notes of the day name exercise, no technique that 97140 describes, and exercise is not explained
by another code billed (97110). Words that are negated, planned, or told as the patient's own doing do not count as
given by the clinician.

## Why it matters
Exercise, stretching and a home program are done by the patient; 97140 is what a clinician's hands do. The payer
answers that the code does not fit the service.

## How to fix
The clinician confirms which service was given. If it was exercise, the code that describes it is 97110. If a
technique of 97140 was given as well, the clinician amends the note under the practice's rules for late entries.

## Example that fails
97140; the note says "Therapeutic exercise: bridges 3x10 reps".

## Example that passes
97140 and 97110; the note says "Ther-ex x 15 min; MFR to hip flexors x 15 min".

## Limits
A stretch without who did it, a contract-relax stretch and the abbreviation TE are questions. Where the note also
says manual therapy without a technique, `code-technique-missing` speaks instead. The note is read by a fixed
vocabulary; words outside it are not seen, and a technique listed in words outside it makes this a question. A note
that names any technique of 97140 is never found fault with here.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.documented_techniques import named_instead, unexplained
from palpate_validator.rule import CLINICIAN, Result, rule
from palpate_validator.sources import NCCI1, PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Confirm which service was given, and bill the code that describes it.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N56"),
    sources=(f"{NCCI1} K.4", PRACTICE),
    confidence="practice",
    codes={MANUAL_THERAPY},
    given=unexplained,
)
def exercise_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "exercise", "exercise-by-unclear-words", "tendon-glides", "contract-relax")
