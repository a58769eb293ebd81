"""Manual therapy is billed under a speech-language pathology plan.

## What it checks
No 97140 line carries GN.

## Why it matters
Manual therapy is a physical or occupational therapy service. Medicare does not pay it under a speech-language
pathology plan of care.

## How to fix
Give the modifier of the plan that the service was given under, or the code of the service that was given.

## Example that fails
97140 GN to Medicare.

## Example that passes
97140 GP to Medicare.

## Limits
A fault for Medicare and Medicare Advantage; a warning elsewhere.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.rule import BILLER, ERROR, WARNING, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Correct the plan-of-care modifier, or the code.",
    fixer=BILLER,
    severity=WARNING,
    severity_by_program={Program.MEDICARE: ERROR, Program.MEDICARE_ADVANTAGE: ERROR},
    denial=Denial(carc="4", rarc="N519"),
    sources=(f"{CPM5} §20.2.D",),
    confidence="practice",
    codes={MANUAL_THERAPY},
    modifiers={"GN"},
)
def speech_language_plan(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        if line.has("GN"):
            yield fails(
                f"Line {line.line_number} bills 97140 with GN, a speech-language pathology plan.",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
