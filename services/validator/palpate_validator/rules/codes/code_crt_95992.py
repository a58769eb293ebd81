"""97140 is billed and the note names canalith repositioning instead.

## What it checks
97140 is billed, the notes of the day name canalith repositioning, no technique that 97140 describes, and canalith
repositioning is not explained by another code billed (95992). Words that are negated, planned, or told as the
patient's own doing do not count as given by the clinician.

## Why it matters
A code is right only when it describes the technique documented. The payer answers that the code does not fit the
service, or takes the money back when it reads the note.

## How to fix
The clinician confirms which service was given. If it was canalith repositioning, the code that describes it is
95992. If a technique of 97140 was given as well, the clinician amends the note under the practice's rules for late
entries.

## Example that fails
97140; the note says "Epley maneuver R x 2".

## Example that passes
97140 and 95992; the note says "Epley R; suboccipital release x 10 min".

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
def canalith_repositioning_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "canalith-repositioning")
