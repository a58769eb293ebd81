"""97140 is billed and the note names a trigger point injection instead.

## What it checks
97140 is billed, the notes of the day name a trigger point injection, no technique that 97140 describes, and a
trigger point injection is not explained by another code billed (20552 or 20553, by the number of muscles). Words
that are negated, planned, or told as the patient's own doing do not count as given by the clinician.

## Why it matters
Pressure on a trigger point by hand is 97140; an injection is a procedure with codes of its own.

## How to fix
The clinician confirms which service was given. If it was a trigger point injection, the code that describes it is
20552 or 20553, by the number of muscles. If a technique of 97140 was given as well, the clinician amends the note
under the practice's rules for late entries.

## Example that fails
97140; the note says "Trigger point injections to R trapezius".

## Example that passes
97140; the note says "Manual trigger point release to R trapezius x 10 min".

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
def trigger_point_injection_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "trigger-point-injection")
