"""97140 is billed and the note names treatment by the patient's own hand.

## What it checks
97140 is billed, the notes of the day name the patient's self-treatment, no technique that 97140 describes, and the
patient's self-treatment is not explained by another code billed (97110 or 97535 for the instruction). Words that are
negated, planned, or told as the patient's own doing do not count as given by the clinician.

## Why it matters
97140 is what a clinician does to the patient one on one. Teaching the patient to do it is instruction.

## How to fix
The clinician confirms which service was given. If it was the patient's self-treatment, the code that describes it is
97110 or 97535 for the instruction. If a technique of 97140 was given as well, the clinician amends the note under
the practice's rules for late entries.

## Example that fails
97140; the note says "Foam rolling to IT band x 10 min".

## Example that passes
97140; the note says "STM to IT band x 10 min. Foam rolling for HEP".

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
def self_treatment_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "self-treatment")
