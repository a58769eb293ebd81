"""97140 is billed and the note names self-care training instead.

## What it checks
97140 is billed, the notes of the day name self-care training, no technique that 97140 describes, and self-care
training is not explained by another code billed (97535). Words that are negated, planned, or told as the patient's
own doing do not count as given by the clinician.

## Why it matters
A code is right only when it describes the technique documented. The payer answers that the code does not fit the
service, or takes the money back when it reads the note.

## How to fix
The clinician confirms which service was given. If it was self-care training, the code that describes it is 97535. If
a technique of 97140 was given as well, the clinician amends the note under the practice's rules for late entries.

## Example that fails
97140; the note says "ADL training: dressing x 15 min".

## Example that passes
97140 and 97535; the note says "ADL training x 15 min; scar mobilization x 10 min".

## Limits
The note is read by a fixed vocabulary; words outside it are not seen, and a technique listed in words outside it
makes this a question. A note that names any technique of 97140 is never found fault with here.
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
def self_care_training_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "self-care-training")
