"""A line carries both CQ and CO.

## What it checks
No line carries CQ and CO together.

## Why it matters
CQ marks the work of a physical therapist assistant, CO that of an occupational therapist assistant. One service is
under one plan, so it cannot be both.

## How to fix
Keep the one of the assistant who gave the service.

## Example that fails
97140 CQ CO GP.

## Example that passes
97140 CQ GP.

## Limits
None: it needs nothing but the modifiers.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import Visit


@rule(
    remedy="Keep the modifier of the assistant who gave the service.",
    fixer=CLINICIAN,
    denial=Denial(carc="4", rarc="N519"),
    sources=(PRACTICE,),
    confidence="practice",
    modifiers={"CQ", "CO"},
)
def both_assistants(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        if line.has("CQ") and line.has("CO"):
            yield fails(
                f"Line {line.line_number} carries CQ and CO. Which assistant gave {line.code}?",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
