"""The diagnosis leaves the side open though the record names it.

## What it checks
A diagnosis whose side is unspecified is not used where right and left have codes of their own and the 97140 line or its
note says which side was treated.

## Why it matters
Many payers refuse an unspecified side when a more exact code exists; the record already holds the answer.

## How to fix
Use the code of the side that the record names.

## Example that fails
97140 to shoulder.left, pointing to M25.519 (a warning).

## Example that passes
97140 to shoulder.left, pointing to M25.512.

## Limits
A warning, since not every payer refuses it. Judged where the region treated is the diagnosis's own and states a side.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.pointed_diagnoses import diagnoses_in_question, pointed, sides_treated, treated_regions
from palpate_validator.rule import BILLER, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE, X12
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Use the diagnosis code of the side that the record names.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="M81"),
    sources=("ICD-10-CM Official Guidelines, section I.B.13", PRACTICE, X12),
    confidence="practice",
    severity=WARNING,
    codes={MANUAL_THERAPY},
    given=diagnoses_in_question,
)
def side_left_open(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        open_ones = [d for d in pointed(visit, line) if d.regions and d.side == "unspecified"]
        treated = treated_regions(visit, line) if open_ones else ()
        for diagnosis in open_ones:
            if sides := sides_treated(diagnosis, treated):
                yield fails(
                    f"Line {line.line_number} treats {' and '.join(sorted(sides))}, but {diagnosis.shown} leaves the "
                    "side open.",
                    line=line,
                    pointer="/diagnosis_pointers",
                    code=diagnosis.shown,
                    treated_regions=treated,
                )
