"""97140 is billed and the note names gait training instead.

## What it checks
97140 is billed, the notes of the day name gait training, no technique that 97140 describes, and gait training is not
explained by another code billed (97116). Words that are negated, planned, or told as the patient's own doing do not
count as given by the clinician.

## Why it matters
A code is right only when it describes the technique documented. The payer answers that the code does not fit the
service, or takes the money back when it reads the note.

## How to fix
The clinician confirms which service was given. If it was gait training, the code that describes it is 97116. If a
technique of 97140 was given as well, the clinician amends the note under the practice's rules for late entries.

## Example that fails
97140; the note says "Gait training with cane x 15 min".

## Example that passes
97140 and 97116; the note says "Gait training x 15 min; patellar mobs x 10 min".

## Limits
An observed gait is not training and does not count. The note is read by a fixed vocabulary; words outside it are not
seen, and a technique listed in words outside it makes this a question. A note that names any technique of 97140 is
never found fault with here.
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
def gait_training_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "gait-training")
