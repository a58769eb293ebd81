"""97140 is billed and the note names osteopathic manipulative treatment instead.

## What it checks
97140 is billed and the notes of the day, written by a physician (DO or MD), name osteopathic manipulative treatment,
or a thrust, and no other technique that 97140 describes.

## Why it matters
Osteopathic manipulative treatment is billed by the number of body regions: 98925 (1 or 2) to 98929 (9 or 10). 97140
cannot be paid beside it.

## How to fix
The physician confirms which service was given. If it was osteopathic treatment, the code is that of its regions.

## Example that fails
97140 by a DO; the note says "OMT to cervical and thoracic regions".

## Example that passes
97140 by a physical therapist; the note says "Muscle energy to R innominate".

## Limits
A thrust alone by a physician is a question, and so is osteopathic treatment named beside muscle energy or
counterstrain, which may be part of it. In a therapist's note OMT means orthopaedic manual therapy, which names no
technique.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.documented_techniques import (
    OSTEOPATHIC,
    PROFESSION,
    documented_techniques,
    named_instead,
    unexplained,
)
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, rule
from palpate_validator.sources import NCCI11
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Confirm which service was given; osteopathic treatment is billed by its regions, 98925 to 98929.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N56"),
    sources=(f"{NCCI11} R",),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=unexplained,
)
def osteopathic_treatment_instead(visit: Visit) -> Iterator[Result]:
    documented = documented_techniques(visit)
    if not documented.manual and any(each.technique.id in OSTEOPATHIC for each in documented.of_unknown_hand):
        yield cannot_tell(
            PROFESSION, "The note says OMT, which is osteopathic treatment or not by the profession of who gave it."
        )
    yield from named_instead(visit, *OSTEOPATHIC, "osteopathic-thrust")
