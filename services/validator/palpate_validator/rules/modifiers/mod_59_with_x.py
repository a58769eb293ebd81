"""A line carries 59 and one of the more exact modifiers XE, XP, XS and XU.

## What it checks
No line carries 59 together with XE, XP, XS or XU.

## Why it matters
59 is for when no more exact modifier fits. Both on one line contradict each other, and a payer may reject it.

## How to fix
Keep the one that the payer takes and the record supports.

## Example that fails
97140 59 XS GP, to Medicare.

## Example that passes
97140 XS GP, to Medicare.

## Limits
A fault for Medicare and Medicare Advantage, a warning elsewhere. The patch takes 59 off, only where the payer's
profile prefers the exact modifiers.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.modifier_patches import without
from palpate_validator.rule import BILLER, ERROR, WARNING, Result, fails, rule
from palpate_validator.sources import NCCI1
from palpate_validator.visit import DISTINCT_MODIFIERS, Visit


@rule(
    remedy="Keep one of them: the one that the payer takes and the record supports.",
    fixer=BILLER,
    severity=WARNING,
    severity_by_program={Program.MEDICARE: ERROR, Program.MEDICARE_ADVANTAGE: ERROR},
    denial=Denial(carc="4", rarc="N519"),
    sources=(f"{NCCI1} E", "Moda Health policy on 59 and X modifiers"),
    confidence="sourced",
    modifiers={"59"},
    start=date(2015, 1, 1),
)
def distinct_twice(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        exact = sorted((DISTINCT_MODIFIERS - {"59"}).intersection(line.modifiers))
        if exact and line.has("59"):
            prefers = visit.says("distinct_modifier") and visit.setting("distinct_modifier") == "X_preferred"
            yield fails(
                f"Line {line.line_number} carries 59 and {', '.join(exact)}, which say the same.",
                line=line,
                pointer="/modifiers",
                patch=without(line, "59") if prefers else None,
                modifiers=line.modifiers,
            )
