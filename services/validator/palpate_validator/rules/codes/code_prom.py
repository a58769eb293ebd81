"""97140 is billed and the note names only passive movement.

## What it checks
97140 is billed, the notes of the day name passive movement, no technique that 97140 describes, and passive movement
is not explained by another code billed (97110 when it is routine exercise). Words that are negated, planned, or told
as the patient's own doing do not count as given by the clinician.

## Why it matters
Skilled passive movement of a restricted joint or tissue may be 97140; routine or maintenance range of motion is
97110 or no skilled service at all.

## How to fix
The clinician confirms which service was given. If it was passive movement, the code that describes it is 97110 when
it is routine exercise. If a technique of 97140 was given as well, the clinician amends the note under the practice's
rules for late entries.

## Example that fails
97140; the note says "PROM R shoulder x 15 min": a question.

## Example that passes
97140; the note says "PROM and inferior glides gr III R shoulder".

## Limits
Always a question: the note's words do not tell skilled from routine. The note is read by a fixed vocabulary; words
outside it are not seen, and a technique listed in words outside it makes this a question. A note that names any
technique of 97140 is never found fault with here.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.documented_techniques import named_instead, unexplained
from palpate_validator.note_evidence import COVERAGE_DETERMINATION
from palpate_validator.rule import CLINICIAN, WARNING, Result, rule
from palpate_validator.sources import NCCI1
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Confirm which service was given, and bill the code that describes it.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N56"),
    sources=(COVERAGE_DETERMINATION, f"{NCCI1} K.4"),
    confidence="sourced",
    severity=WARNING,
    codes={MANUAL_THERAPY},
    given=unexplained,
)
def passive_movement_only(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "passive-movement")
