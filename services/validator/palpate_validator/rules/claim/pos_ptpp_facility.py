"""A therapist in private practice bills Medicare for a hospital or nursing-facility patient.

## What it checks
On a claim to Medicare rendered by a physical or occupational therapist, 97140 was not given in a hospital (19, 21, 22,
23) or a skilled nursing facility (31).

## Why it matters
Medicare pays a therapist in private practice for services in the office or the patient's home. In a hospital or a
skilled nursing facility the facility bills for therapy, and no other provider is paid.

## How to fix
Correct the place of service if it is wrong. If the patient was treated there, the facility bills it: take the line
off this claim.

## Example that fails
97140 to Medicare, rendered by a PT, place of service 22.

## Example that passes
97140 to Medicare, rendered by a PT, place of service 11.

## Limits
A critical access hospital has no code of its own and is not recognised unless it is billed as 19 to 23. Physicians
are not judged.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.place_of_service import place_of
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import BPM15, CPM5
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import THERAPISTS, known_rendering


@rule(
    remedy="Correct the place of service, or take the line off: the facility bills therapy that was given there.",
    fixer=BILLER,
    denial=Denial(carc="58", rarc="N428"),
    sources=(f"{BPM15} §230.4", f"{CPM5} §10"),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
    per="claim",
)
def private_practice_in_facility(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        place = place_of(line)
        if place is None or place.manual_therapy != "facility":
            continue
        if known_rendering(visit).profession in THERAPISTS:
            yield fails(
                f"Line {line.line_number}: Medicare does not pay a therapist in private practice "
                f"at place of service {place.code} ({place.name}).",
                line=line,
                place_of_service=place.code,
            )
