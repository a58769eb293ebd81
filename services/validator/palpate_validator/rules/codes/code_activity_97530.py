"""97140 is billed and the note names therapeutic activities instead.

## What it checks
97140 is billed, the notes of the day name therapeutic activities, no technique that 97140 describes, and therapeutic
activities is not explained by another code billed (97530). Words that are negated, planned, or told as the patient's
own doing do not count as given by the clinician.

## Why it matters
A code is right only when it describes the technique documented. The payer answers that the code does not fit the
service, or takes the money back when it reads the note.

## How to fix
The clinician confirms which service was given. If it was therapeutic activities, the code that describes it is
97530. If a technique of 97140 was given as well, the clinician amends the note under the practice's rules for late
entries.

## Example that fails
97140; the note says "Ther-act: lifting mechanics x 15 min".

## Example that passes
97140 and 97530; the note says "Ther-act x 15 min; MFR to lumbar paraspinals x 15 min".

## Limits
The abbreviation TA also means two muscles, so alone it is a question. Where the note also says manual therapy
without a technique, `code-technique-missing` speaks instead. The note is read by a fixed vocabulary; words outside
it are not seen, and a technique listed in words outside it makes this a question. A note that names any technique of
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
def activities_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "activities", "activities-by-unclear-words", "object-manipulation")
