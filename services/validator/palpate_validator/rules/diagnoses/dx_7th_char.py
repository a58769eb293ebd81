"""An injury code's 7th character is missing, misplaced or says first treatment.

## What it checks
A code that needs a 7th character has one, in the seventh place, with X filling the places before it. In a therapist's
repeated visits, the character A of an injury code (active treatment) is questioned.

## Why it matters
Without its 7th character, or with the X left out, a code is not billable. Therapy after the active treatment of an
injury is coded D; a series of visits coded A is often refused.

## How to fix
Write the code in full. A, D or S follows from the stage of treatment, which the clinician knows.

## Example that fails
S83.511 without a 7th character; S13.4A, which is written S13.4XXA.

## Example that passes
S83.511D, S13.4XXD.

## Limits
A is questioned only for physical and occupational therapists and their assistants, when the claim or its note shows
that this is not the first visit, and only as a warning: A is right while active treatment goes on.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial, PatchOperation
from palpate_schemas.values import Profession
from palpate_validator.icd10 import code_set, dotted
from palpate_validator.pointed_diagnoses import Diagnosis, codes_in_question, diagnoses
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, fails, rule, warns
from palpate_validator.seventh_character import seventh_character_fault
from palpate_validator.sources import X12
from palpate_validator.visit import Visit

_THERAPISTS = frozenset({Profession.PT, Profession.PTA, Profession.OT, Profession.OTA})


@rule(
    remedy="Write the code in full, with the 7th character of the stage of treatment.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="M76"),
    sources=("ICD-10-CM Official Guidelines, sections I.A.4, I.A.5 and I.C.19.a", X12),
    confidence="practice",
    given=codes_in_question,
    per="claim",
)
def seventh_character_wrong(visit: Visit) -> Iterator[Result]:
    active: list[Diagnosis] = []
    for diagnosis in diagnoses(visit):
        fault = seventh_character_fault(diagnosis.code)
        if fault is not None:
            yield fails(
                f"Diagnosis {diagnosis.position}, {diagnosis.shown}, {fault.problem}.",
                pointer=diagnosis.pointer,
                patch=fault.right
                and (PatchOperation(op="replace", path=diagnosis.pointer, value=dotted(fault.right)),),
                code=diagnosis.shown,
            )
        elif diagnosis.code[0] in "ST" and diagnosis.code[6:] == "A" and code_set().is_listed(diagnosis.code):
            active.append(diagnosis)
    if active and visit.claim.rendering_provider.profession in _THERAPISTS:
        yield from _active_treatment(active, visit)


def _active_treatment(active: list[Diagnosis], visit: Visit) -> Iterator[Result]:
    repeated = _is_repeated(visit)
    codes = ", ".join(diagnosis.shown for diagnosis in active)
    if repeated is None:
        yield cannot_tell(
            "documentation/plan_of_care/established_on",
            f"Whether 7th character A of {codes} fits depends on whether this is the first visit, which is not said.",
            pointer=active[0].pointer,
        )
    elif repeated:
        yield warns(
            f"{codes} says active treatment (A), and this is not the first therapy visit. "
            "Is the injury still in active treatment?",
            pointer=active[0].pointer,
            remedy="Keep A while active treatment goes on; otherwise choose the character of the present stage.",
            codes=[diagnosis.shown for diagnosis in active],
        )


def _is_repeated(visit: Visit) -> bool | None:
    """Whether this is a later visit of a course of therapy; None when nothing says."""
    if len({line.service_date for line in visit.manual_therapy}) > 1:
        return True
    note = visit.note if visit.notes else None
    if note is not None and note.progress_report is not None and note.progress_report.treatment_days_since is not None:
        return note.progress_report.treatment_days_since > 1
    established = None if note is None or note.plan_of_care is None else note.plan_of_care.established_on
    return None if established is None else established < visit.date_of_service
