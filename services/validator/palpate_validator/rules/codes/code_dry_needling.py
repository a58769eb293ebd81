"""97140 is billed and the note names dry needling instead.

## What it checks
97140 is billed, the notes of the day name dry needling, no technique that 97140 describes, and no code for needling
is billed.

## Why it matters
Dry needling has codes of its own since 2020-01-01: 20560 for 1 or 2 muscles, 20561 for 3 or more. Before that day it
was billed as unlisted, 20999 or 97799 by payer. It is never 97140, and time with the needle is not manual therapy
time.

## How to fix
The clinician confirms which service was given. If it was needling, the code is that of the number of muscles.

## Example that fails
97140; the note says "TDN to upper trapezius and levator, 15 min".

## Example that passes
97140 and 20560; the note says "TDN to upper trapezius. STM to levator x 10 min".

## Limits
Whether a payer covers needling is not judged. The note is read by a fixed vocabulary; a technique listed in words
outside it makes this a question.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.documented_techniques import named_instead, unexplained
from palpate_validator.rule import CLINICIAN, Result, rule
from palpate_validator.visit import MANUAL_THERAPY, Visit

_APTA = "APTA, dry needling codes of 2020"


@rule(
    remedy="Confirm which service was given; needling is 20560 for 1 or 2 muscles, 20561 for 3 or more.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N56"),
    sources=(_APTA,),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=unexplained,
    start=date(2020, 1, 1),
)
def dry_needling_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "dry-needling")


@rule(
    remedy="Confirm which service was given; before 2020 needling was unlisted, 20999 or 97799 by payer.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N56"),
    sources=(_APTA,),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=unexplained,
    end=date(2019, 12, 31),
)
def unlisted_needling_instead(visit: Visit) -> Iterator[Result]:
    yield from named_instead(visit, "dry-needling")
