"""Modifier AT does not fit the line.

## What it checks
No 97140 line carries AT, and no chiropractic manipulation line (98940-98942) beside it carries AT with GA.

## Why it matters
AT marks active treatment by chiropractic manipulation of the spine and belongs on nothing else. With GA, which says
that the treatment is not expected to be covered, it contradicts itself, and the line is rejected.

## How to fix
Take AT off 97140. On a manipulation keep AT if the treatment was active, GA if it was maintenance with a signed notice.

## Example that fails
97140 AT GP, to Medicare.

## Example that passes
98940 AT, and 97140 59 GP GY.

## Limits
A fault for Medicare and Medicare Advantage; a warning elsewhere, where some payers ask for AT on therapy.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.manipulation import CMT
from palpate_validator.modifier_patches import without
from palpate_validator.rule import BILLER, CLINICIAN, ERROR, WARNING, Result, fails, rule
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Take AT off the line.",
    fixer=BILLER,
    severity=WARNING,
    severity_by_program={Program.MEDICARE: ERROR, Program.MEDICARE_ADVANTAGE: ERROR},
    denial=Denial(carc="4", rarc="N519"),
    sources=("Palmetto GBA and dmepdac.com on AT and GA", "NGS Medicare (ngsmedicare.com), chiropractic modifiers"),
    confidence="sourced",
    modifiers={"AT"},
)
def active_treatment_elsewhere(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        if line.code == MANUAL_THERAPY and line.has("AT"):
            yield fails(
                f"Line {line.line_number} bills 97140 with AT, which belongs on 98940-98942 only.",
                line=line,
                pointer="/modifiers",
                patch=without(line, "AT"),
                modifiers=line.modifiers,
            )
        elif line.code in CMT and line.has("AT") and line.has("GA"):
            yield fails(
                f"Line {line.line_number} bills {line.code} with AT (active treatment) and GA (not expected to be "
                "covered). Was the treatment active or maintenance?",
                line=line,
                pointer="/modifiers",
                remedy="Keep AT if the treatment was active, GA if it was maintenance with a signed notice.",
                fixer=CLINICIAN,
                modifiers=line.modifiers,
            )
