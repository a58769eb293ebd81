"""Modifier 25 is on manual therapy, and it belongs on an evaluation visit only.

## What it checks
No 97140 line carries 25.

## Why it matters
25 says that an evaluation and management visit was significant and separate. On a treatment code it is invalid, and
the line is denied.

## How to fix
Move 25 to the visit of that day if the visit was significant and separate, or drop it.

## Example that fails
97140 25 GP.

## Example that passes
99213 25 and 97140 GP.

## Limits
The patch moves 25 only where one evaluation visit is billed that day; where none is, it takes 25 off; where there are
several, somebody has to choose.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial, PatchOperation
from palpate_validator.evaluation_visits import evaluation_visits
from palpate_validator.modifier_patches import with_added, without
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPT, NCCI1
from palpate_validator.visit import MANUAL_THERAPY, Line, Visit


@rule(
    remedy="Move 25 to the evaluation visit if that was significant and separate, or drop it.",
    fixer=BILLER,
    denial=Denial(carc="4", rarc="N519"),
    sources=(f"{NCCI1} E", CPT),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    modifiers={"25"},
)
def evaluation_modifier_on_treatment(visit: Visit) -> Iterator[Result]:
    moved = False
    for line in visit.manual_therapy:
        if line.has("25"):
            yield fails(
                f"Line {line.line_number} bills 97140 with 25, which belongs on evaluation visits only.",
                line=line,
                pointer="/modifiers",
                patch=_moved(visit, line, already=moved),
                applicability="confirm",
                modifiers=line.modifiers,
            )
            moved = True


def _moved(visit: Visit, line: Line, *, already: bool) -> tuple[PatchOperation, ...] | None:
    evaluations = evaluation_visits(visit)
    if len(evaluations) > 1:
        return None
    added = with_added(evaluations[0], "25") if evaluations and not already else ()
    return (*without(line, "25"), *added)
