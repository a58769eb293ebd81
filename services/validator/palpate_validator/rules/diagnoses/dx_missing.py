"""A service line points to no diagnosis.

## What it checks
Every service line of the visit points to at least one diagnosis of the claim.

## Why it matters
A payer that cannot see what a service was for returns the claim without looking further.

## How to fix
Point the line to the diagnosis that was treated, by its position on the claim.

## Example that fails
97140 with no diagnosis pointer.

## Example that passes
97140 pointing to diagnosis 1.

## Limits
A claim with no diagnosis at all is refused before it is judged. Whether the pointer leads to a diagnosis is the rule
`dx-pointer`.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial, PatchOperation
from palpate_validator.pointed_diagnoses import diagnoses_in_question
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.visit import Visit


@rule(
    remedy="Point the line to the diagnosis that was treated.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="M76"),
    sources=(X12, "X12 837P, SV107 diagnosis code pointer"),
    confidence="practice",
    given=diagnoses_in_question,
)
def diagnosis_pointer_missing(visit: Visit) -> Iterator[Result]:
    only_one = len(visit.claim.diagnoses) == 1
    for line in visit.lines:
        if not line.diagnosis_pointers:
            path = f"/lines/{line.index}/diagnosis_pointers"
            yield fails(
                f"Line {line.line_number} ({line.code}) points to no diagnosis; the claim's diagnoses: "
                f"{len(visit.claim.diagnoses)}.",
                line=line,
                pointer="/diagnosis_pointers",
                diagnoses_on_claim=len(visit.claim.diagnoses),
                patch=(PatchOperation(op="add", path=path, value=[1]),) if only_one else None,
            )
