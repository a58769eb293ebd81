"""A therapist bills a physician's evaluation visit.

## What it checks
No office visit code (99202-99215, and 99201 until 2020) stands beside 97140 when the rendering provider is a
therapist or a therapist's assistant.

## Why it matters
Medicare pays these visits to physicians and practitioners alone. Therapists have evaluation codes of their own.

## How to fix
Bill the therapy evaluation that was done, or take the visit off.

## Example that fails
97140 and 99213, rendered by a physical therapist, to Medicare.

## Example that passes
97140 and 99213 with 25, rendered by a physician.

## Limits
Medicare and Medicare Advantage. There is no NCCI pair of these codes with 97140; whether the visit carries 25 is judged
by `mod-25-missing-on-em`, whether it was significant and separate by nobody but the reader of the record.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Profession, Program
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import NCCI11
from palpate_validator.visit import Visit

_OFFICE_VISITS = frozenset({"99201", "99202", "99203", "99204", "99205", "99211", "99212", "99213", "99214", "99215"})
_THERAPISTS = frozenset({Profession.PT, Profession.OT, Profession.PTA, Profession.OTA, Profession.SLP})


@rule(
    remedy="Bill the therapy evaluation that was done, or take the visit off.",
    fixer=BILLER,
    denial=Denial(carc="170"),
    sources=(f"{NCCI11} U",),
    confidence="sourced",
    programs=(Program.MEDICARE, Program.MEDICARE_ADVANTAGE),
    codes=_OFFICE_VISITS,
)
def office_visit_by_a_therapist(visit: Visit) -> Iterator[Result]:
    profession = visit.known(visit.claim.rendering_provider.profession, "rendering_provider/profession")
    if profession in _THERAPISTS:
        for line in visit.billed(_OFFICE_VISITS):
            yield fails(
                f"Line {line.line_number} bills {line.code}, a visit that Medicare does not take from a therapist "
                f"({profession}).",
                line=line,
                pointer="/procedure_code",
                profession=profession,
            )
