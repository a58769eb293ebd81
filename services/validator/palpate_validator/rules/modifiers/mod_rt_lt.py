"""A side (RT or LT) is on manual therapy, which is one service for all regions.

## What it checks
No 97140 line carries RT or LT.

## Why it matters
97140 is billed by time for all regions together. A side does not set one part of it apart, and a payer may deny the
line.

## How to fix
Take the side off, unless this payer asks for it.

## Example that fails
97140 RT GP.

## Example that passes
97140 GP.

## Limits
A warning; for information in workers' compensation, where some plans want the side. Whether a side is used to get past
an NCCI pair is `ncci-nonbypass-modifiers`.
"""

from collections.abc import Iterator

from palpate_schemas.values import Program
from palpate_validator.rule import BILLER, INFO, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Take the side off, unless this payer asks for it.",
    fixer=BILLER,
    severity=WARNING,
    severity_by_program={Program.WORKERS_COMP: INFO},
    sources=(PRACTICE,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    modifiers={"RT", "LT"},
)
def a_side(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        sides = [modifier for modifier in ("LT", "RT") if line.has(modifier)]
        if sides:
            yield fails(
                f"Line {line.line_number} bills 97140 with {' and '.join(sides)}; the code is for all regions of the "
                "visit.",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
