"""97140 is billed and the note names traction by a device, or traction without saying how.

## What it checks
97140 is billed, the notes of the day name mechanical traction, no technique that 97140 describes, and mechanical
traction is not explained by another code billed (97012, or S9090 for decompression where a payer wants it). Words
that are negated, planned, or told as the patient's own doing do not count as given by the clinician.

## Why it matters
Traction by hand is 97140. Traction by a table or device is another code's; decompression tables are billed by payer
rule, and Medicare does not cover them.

## How to fix
The clinician confirms which service was given. If it was mechanical traction, the code that describes it is 97012,
or S9090 for decompression where a payer wants it. If a technique of 97140 was given as well, the clinician amends
the note under the practice's rules for late entries.

## Example that fails
97140; the note says "Mechanical lumbar traction 80 lbs x 15 min".

## Example that passes
97140; the note says "Manual cervical traction x 10 min".

## Limits
Traction without an adjective is a question, never a fault. The note is read by a fixed vocabulary; words outside it
are not seen, and a technique listed in words outside it makes this a question. A note that names any technique of
97140 is never found fault with here.
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
def mechanical_traction_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "mechanical-traction", "bare-traction")
