"""97140 is billed and the note names manipulation under anesthesia instead.

## What it checks
97140 is billed, the notes of the day name manipulation under anesthesia, no technique that 97140 describes, and
manipulation under anesthesia is not explained by another code billed (the procedure code of the joint, for example
23700 or 27570). Words that are negated, planned, or told as the patient's own doing do not count as given by the
clinician.

## Why it matters
Manipulation under anesthesia is a surgical procedure with codes of its own for each joint.

## How to fix
The clinician confirms which service was given. If it was manipulation under anesthesia, the code that describes it
is the procedure code of the joint, for example 23700 or 27570. If a technique of 97140 was given as well, the
clinician amends the note under the practice's rules for late entries.

## Example that fails
97140; the note says "Manipulation under anesthesia of the right knee".

## Example that passes
97140; the note says "3 weeks ago MUA of the knee. Patellar mobs gr III x 15 min".

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
def manipulation_under_anesthesia_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "manipulation-under-anesthesia")
