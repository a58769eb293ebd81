"""97140 is billed and the note names chiropractic adjustment instead.

## What it checks
97140 is billed and the notes of the day, written by a chiropractor, name adjustment or thrust and no other technique
that 97140 describes. An adjustment that 98940 to 98943 on the same claim explains is not counted here.

## Why it matters
A chiropractor's adjustment is 98940 (1 or 2 spinal regions), 98941 (3 or 4), 98942 (all 5) or 98943 (outside the
spine). 97140 is for another technique, in another region.

## How to fix
The clinician confirms which service was given. If it was an adjustment, the code is that of its regions.

## Example that fails
97140 by a chiropractor; the note says "Diversified adjustment to C5".

## Example that passes
97140 by a physical therapist; the note says "HVLA thrust to C5". Or 98940 and 97140 by a chiropractor; the note says
"Adjustment to L4. MFR to R shoulder".

## Limits
The same words by a physical or occupational therapist are joint manipulation, which 97140 describes. Where the claim
does not say who treated, this cannot be told. Regions shared with an adjustment are another rule's.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.documented_techniques import PROFESSION, documented_techniques, named_instead, unexplained
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, rule
from palpate_validator.sources import NCCI11
from palpate_validator.visit import MANUAL_THERAPY, Visit

_ADJUSTMENT = "chiropractic-adjustment-by-chiropractor"


@rule(
    remedy="Confirm which service was given; an adjustment is billed by its regions, 98940 to 98943.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N56"),
    sources=(f"{NCCI11} S",),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=unexplained,
)
def adjustment_instead(visit: Visit) -> Iterator[Result]:
    documented = documented_techniques(visit)
    unknown = {each.technique.id for each in documented.of_unknown_hand}
    if not documented.manual and not unknown.isdisjoint({_ADJUSTMENT, "thrust-manipulation"}):
        yield cannot_tell(
            PROFESSION,
            "The note names a manipulation, which is 97140 or another service by the profession of who gave it.",
        )
    yield from named_instead(visit, _ADJUSTMENT, "chiropractic-adjustment")
