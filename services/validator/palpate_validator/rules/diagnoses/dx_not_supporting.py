"""No diagnosis of the line explains manual therapy.

## What it checks
At least one diagnosis that a 97140 line points to belongs to a family that manual therapy is given for: joints, spine,
muscles, soft tissue, nerves, injuries, swelling, scars, or care after surgery.

## Why it matters
Payers compare the diagnosis with a list of conditions that support the service. Frailty, a check-up, or a disease of
another organ alone does not.

## How to fix
If another condition on record was the reason for the manual therapy, point the line to that one.

## Example that fails
97140 pointing only to I10, to a payer whose own list does not hold it; with the default list it warns.

## Example that passes
97140 pointing to M54.2 and I10.

## Limits
The default list is wide and only warns. With the payer's own list in its profile (`supporting_diagnoses`: codes or
their beginnings), a line without a diagnosis on it fails.
"""

from collections.abc import Iterator, Sequence

from palpate_schemas.finding import Denial
from palpate_validator.diagnosis_families import longest_prefix, supports_manual_therapy
from palpate_validator.icd10 import normalised
from palpate_validator.pointed_diagnoses import Diagnosis, diagnoses_in_question, pointed
from palpate_validator.rule import CLINICIAN, ERROR, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Point the line to the condition on record that the manual therapy was for.",
    fixer=CLINICIAN,
    denial=Denial(carc="11"),
    sources=(PRACTICE, "Medicare contractors' coverage articles for therapy (such as A56566)"),
    confidence="practice",
    severity=WARNING,
    codes={MANUAL_THERAPY},
    given=diagnoses_in_question,
)
def no_supporting_diagnosis(visit: Visit) -> Iterator[Result]:
    own_list = visit.says("supporting_diagnoses")
    for line in visit.manual_therapy:
        diagnoses = pointed(visit, line)
        if not diagnoses or _supported(visit, diagnoses, own_list=own_list):
            continue
        codes = [diagnosis.shown for diagnosis in diagnoses]
        whose = "on this payer's list for" if own_list else "usually a reason for"
        overrides = {"severity": ERROR, "denial": Denial(carc="50", rarc="N115")} if own_list else {}
        yield fails(
            f"Line {line.line_number} points only to {', '.join(codes)}, none of which is {whose} manual therapy. "
            "Which condition was it for?",
            line=line,
            pointer="/diagnosis_pointers",
            codes=codes,
            **overrides,
        )


def _supported(visit: Visit, diagnoses: Sequence[Diagnosis], *, own_list: bool) -> bool:
    if not own_list:
        return any(supports_manual_therapy(diagnosis.code) for diagnosis in diagnoses)
    listed = frozenset(normalised(code) for code in visit.setting("supporting_diagnoses"))
    return any(longest_prefix(diagnosis.code, listed) is not None for diagnosis in diagnoses)
