"""97140 is billed and the note names massage by a device.

## What it checks
97140 is billed, the notes of the day name massage by a device, no technique that 97140 describes, and massage by a
device is not explained by another code billed (97124 or 97039 by payer, if any). Words that are negated, planned, or
told as the patient's own doing do not count as given by the clinician.

## Why it matters
A massage gun, chair or water bed is not hands-on skilled work; 97140 never rests on it alone.

## How to fix
The clinician confirms which service was given. If it was massage by a device, the code that describes it is 97124 or
97039 by payer, if any. If a technique of 97140 was given as well, the clinician amends the note under the practice's
rules for late entries.

## Example that fails
97140; the note says "Theragun to quads x 10 min": a question.

## Example that passes
97140; the note says "Theragun to quads; patellar mobs gr III x 10 min".

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
def device_massage_only(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "device-massage")
