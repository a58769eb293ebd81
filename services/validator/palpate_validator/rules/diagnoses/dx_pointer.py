"""A line's diagnosis pointers do not fit the claim.

## What it checks
A line has at most four diagnosis pointers, none of them twice, and each one leads to a diagnosis that is on the claim.

## Why it matters
A pointer to a diagnosis that is not there, a fifth pointer or a repeated one makes the claim unreadable for the payer.

## How to fix
Point the line to the diagnoses that it was for, the main reason first, each once and four at most.

## Example that fails
97140 pointing to diagnosis 3 of a claim with two diagnoses.

## Example that passes
97140 pointing to diagnoses 2 and 1.

## Limits
Whether the first pointer is the main reason for the service is the clinician's to say.
"""

from collections.abc import Iterator, Sequence

from palpate_schemas.finding import Denial, PatchOperation
from palpate_validator.pointed_diagnoses import diagnoses_in_question
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.visit import Visit

_MOST = 4


@rule(
    remedy="Point the line to diagnoses on the claim: the main reason first, each once, four at most.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="M76"),
    sources=("X12 837P, SV107 diagnosis code pointer; CMS-1500 item 24E", X12),
    confidence="practice",
    given=diagnoses_in_question,
)
def diagnosis_pointers_do_not_fit(visit: Visit) -> Iterator[Result]:
    listed = len(visit.claim.diagnoses)
    for line in visit.lines:
        pointers = line.diagnosis_pointers
        if faults := list(_faults(pointers, listed)):
            each_once = tuple(dict.fromkeys(pointers))
            mends = len(each_once) <= _MOST and all(1 <= pointer <= listed for pointer in each_once)
            path = f"/lines/{line.index}/diagnosis_pointers"
            yield fails(
                f"Line {line.line_number} ({line.code}) {' and '.join(faults)}.",
                line=line,
                pointer="/diagnosis_pointers",
                diagnosis_pointers=pointers,
                diagnoses_on_claim=listed,
                patch=(PatchOperation(op="replace", path=path, value=list(each_once)),) if mends else None,
            )


def _faults(pointers: Sequence[int], listed: int) -> Iterator[str]:
    if astray := [str(pointer) for pointer in dict.fromkeys(pointers) if not 1 <= pointer <= listed]:
        yield f"points to diagnosis {', '.join(astray)}, but the claim has {listed}"
    if len(pointers) > len(set(pointers)):
        yield "points to the same diagnosis twice"
    if len(pointers) > _MOST:
        yield f"has {len(pointers)} pointers, and {_MOST} are allowed"
