"""Two diagnoses that ICD-10-CM does not let stand together.

## What it checks
The claim does not carry two codes that an Excludes1 note of ICD-10-CM sets apart, such as neck pain (M54.2) beside a
cervical disc disorder (M50), among the codes that manual therapy is billed with.

## Why it matters
One of the two already says what the other says. Some payers refuse the line or the claim.

## How to fix
Keep the code that says what is known and drop the one that it includes. If they are two unrelated conditions, keep
both.

## Example that fails
M54.2 together with M50.20 (a warning).

## Example that passes
M54.2 alone, or M50.20 alone.

## Limits
Only pairs of spine, joint and muscle codes are known here, matched by spine level and joint. An Excludes1 pair is
allowed when the two conditions have nothing to do with each other, which only the clinician can say; so this warns.
"""

from collections.abc import Iterator

from palpate_validator.diagnosis_families import excluded_together
from palpate_validator.pointed_diagnoses import diagnoses
from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@rule(
    remedy="Keep the code that includes the other, unless the two conditions have nothing to do with each other.",
    fixer=CLINICIAN,
    denial=None,
    sources=("ICD-10-CM tabular list, Excludes1 notes", "ICD-10-CM Official Guidelines, section I.A.12.a"),
    confidence="practice",
    severity=WARNING,
    per="claim",
    unusual={Unusual.SEVERAL_DIAGNOSES},
)
def excluded_pair(visit: Visit) -> Iterator[Result]:
    by_code = {diagnosis.code: diagnosis for diagnosis in diagnoses(visit)}
    if len(by_code) < 2:
        return
    for one, other, note_at in excluded_together(tuple(by_code), visit.date_of_service):
        yield fails(
            f"{by_code[one].shown} and {by_code[other].shown} are set apart by a note at {note_at}. "
            "Are they two unrelated conditions?",
            pointer=by_code[one].pointer,
            codes=[by_code[one].shown, by_code[other].shown],
            note_at=note_at,
        )
