"""97140 is billed and the note names only cupping.

## What it checks
97140 is billed, the notes of the day name cupping, no technique that 97140 describes, and cupping is not explained
by another code billed (97139 or 97799 where the payer covers it). Words that are negated, planned, or told as the
patient's own doing do not count as given by the clinician.

## Why it matters
Static cupping has no code of its own and many payers do not cover it; moving cups as part of skilled soft tissue
work are accepted by some as 97140.

## How to fix
The clinician confirms which service was given. If it was cupping, the code that describes it is 97139 or 97799 where
the payer covers it. If a technique of 97140 was given as well, the clinician amends the note under the practice's
rules for late entries.

## Example that fails
97140; the note says "Cupping to upper back x 10 min": a question.

## Example that passes
97140; the note says "Cupping, then soft tissue mobilization x 15 min".

## Limits
Payers differ, so this only asks. The note is read by a fixed vocabulary; words outside it are not seen, and a
technique listed in words outside it makes this a question. A note that names any technique of 97140 is never found
fault with here.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.documented_techniques import named_instead, unexplained
from palpate_validator.rule import CLINICIAN, WARNING, Result, rule
from palpate_validator.sources import NCCI1, PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Confirm which service was given, and bill the code that describes it.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N56"),
    sources=(f"{NCCI1} K.4", PRACTICE),
    confidence="uncertain",
    severity=WARNING,
    codes={MANUAL_THERAPY},
    given=unexplained,
)
def cupping_only(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "cupping")
