"""97140 is billed and the note names acupuncture instead.

## What it checks
97140 is billed, the notes of the day name acupuncture, no technique that 97140 describes, and acupuncture is not
explained by another code billed (97810 to 97814). Words that are negated, planned, or told as the patient's own
doing do not count as given by the clinician.

## Why it matters
A code is right only when it describes the technique documented. The payer answers that the code does not fit the
service, or takes the money back when it reads the note.

## How to fix
The clinician confirms which service was given. If it was acupuncture, the code that describes it is 97810 to 97814.
If a technique of 97140 was given as well, the clinician amends the note under the practice's rules for late entries.

## Example that fails
97140; the note says "Acupuncture to neck x 15 min".

## Example that passes
97140; the note says "Acupuncture in the morning visit; STM to upper trap x 15 min".

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
def acupuncture_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "acupuncture")
