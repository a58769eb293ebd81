"""The first diagnosis of a line cannot stand first.

## What it checks
The first diagnosis that a 97140 line points to is not an external cause (V, W, X, Y codes) and not a manifestation that
needs the underlying disease before it. A status or history code (Z) in the first place is questioned.

## Why it matters
The first pointer says why the service was given. How an accident happened, or what a patient has gone through, is no
reason for treatment, and payers refuse it as one.

## How to fix
Point first to the condition that was treated, and to the external cause, manifestation or status after it.

## Example that fails
97140 pointing first to W19.XXXD and second to S13.4XXD.

## Example that passes
97140 pointing first to S13.4XXD and second to W19.XXXD.

## Limits
Status and history codes only warn: for some of them, such as an absent limb, payers differ.
"""

from collections.abc import Iterator
from functools import lru_cache

from palpate_schemas.finding import Denial
from palpate_validator.diagnosis_families import is_manifestation, longest_prefix
from palpate_validator.pointed_diagnoses import diagnoses_in_question, first_pointed
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.visit import MANUAL_THERAPY, Visit

_EXTERNAL_CAUSES = frozenset("VWXY")

_STATUS = frozenset({
    "Z14", "Z15", "Z16", "Z17", "Z18", "Z19", "Z21", "Z22", "Z283", "Z331", "Z66", "Z67", "Z68", "Z72", "Z7401",
    "Z7682", "Z78", "Z79", "Z80", "Z81", "Z82", "Z83", "Z84", "Z85", "Z86", "Z87", "Z88", "Z89", "Z90", "Z91", "Z92",
    "Z93", "Z94", "Z95", "Z96", "Z97", "Z98", "Z99",
})  # fmt: skip
"""Status and history categories of the Official Guidelines, sections I.C.21.c.3 and c.4."""


@rule(
    remedy="Point first to the condition that was treated.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="MA63"),
    sources=("ICD-10-CM Official Guidelines, sections I.A.13, I.C.20.a.6 and I.C.21.c",),
    confidence="practice",
    codes={MANUAL_THERAPY},
    given=diagnoses_in_question,
)
def first_diagnosis_cannot_stand_first(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        first = first_pointed(visit, line)
        if first is not None and (problem := _problem(first.code)):
            status = longest_prefix(first.code, _STATUS) is not None
            yield (warns if status else fails)(
                f"Line {line.line_number} points first to {first.shown}, which {problem}.",
                line=line,
                pointer="/diagnosis_pointers/0",
                code=first.shown,
            )


@lru_cache(maxsize=1024)
def _problem(code: str) -> str | None:
    if code[0] in _EXTERNAL_CAUSES:
        return "says how an injury happened, not what was treated"
    if is_manifestation(code):
        return "may only follow the disease that causes it"
    return "is a status or history, not a condition" if longest_prefix(code, _STATUS) else None
