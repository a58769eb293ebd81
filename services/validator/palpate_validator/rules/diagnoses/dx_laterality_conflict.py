"""The diagnosis names the other side.

## What it checks
Where a 97140 line or its note says which side was treated, a diagnosis of that region that the line points to names the
same side.

## Why it matters
A right-sided diagnosis for a left-sided treatment is refused as inconsistent, and is wrong in the record.

## How to fix
Correct the side: in the diagnosis if the treatment is recorded rightly, in the region if the diagnosis is.

## Example that fails
97140 to shoulder.left, pointing to M25.511, which is a right shoulder.

## Example that passes
97140 to shoulder.right, pointing to M25.511.

## Limits
Judged where the region treated is the diagnosis's own and states a side. If any diagnosis of that region pointed to
fits the side, nothing is said of the others.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.pointed_diagnoses import diagnoses_in_question, in_words, pointed, sides_treated, treated_regions
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit

_SIDES = frozenset({"right", "left"})


@rule(
    remedy="Correct the side that is wrong: the diagnosis's or the treated region's.",
    fixer=CLINICIAN,
    denial=Denial(carc="11"),
    sources=(PRACTICE, "ICD-10-CM Official Guidelines, section I.B.13"),
    confidence="practice",
    codes={MANUAL_THERAPY},
    given=diagnoses_in_question,
)
def diagnosis_of_the_other_side(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        diagnoses = [diagnosis for diagnosis in pointed(visit, line) if diagnosis.regions]
        if not any(diagnosis.side in _SIDES for diagnosis in diagnoses):
            continue
        treated = treated_regions(visit, line)
        here = [(diagnosis, sides) for diagnosis in diagnoses if (sides := sides_treated(diagnosis, treated))]
        if any(diagnosis.side in {None, "both", *sides} for diagnosis, sides in here):
            continue
        other_side = [diagnosis for diagnosis, _ in here if diagnosis.side in _SIDES]
        if other_side:
            codes = [diagnosis.shown for diagnosis in other_side]
            yield fails(
                f"Line {line.line_number} treats {in_words(treated)} but points to {', '.join(codes)} "
                f"({', '.join(sorted({str(diagnosis.side) for diagnosis in other_side}))}). Which side is right?",
                line=line,
                pointer="/diagnosis_pointers",
                treated_regions=treated,
                codes=codes,
            )
