"""Modifiers for a service that Medicare never covers stand beside those for one that it might.

## What it checks
No line carries GX with GA or GZ, nor GY with GA.

## Why it matters
GY says that the service is excluded by statute, and GX that the patient was given a voluntary notice of it. GA and GZ
are for a covered service that is expected to be denied as not necessary. A line that says both is rejected.

## How to fix
If the service is excluded, keep GY (with GX where a voluntary notice was given). If it could be covered, keep GA or GZ.

## Example that fails
97140 GP GY GA, to Medicare.

## Example that passes
97140 GP GY GX, to Medicare.

## Limits
A fault for Medicare and Medicare Advantage, a warning elsewhere. GP or GO is needed beside GY as well, which
`mod-therapy-missing` checks.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.rule import BILLER, ERROR, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import Visit

_CONTRADICTIONS = (("GX", "GA"), ("GX", "GZ"), ("GY", "GA"))


@rule(
    remedy="Keep GY (with GX) if the service is excluded; keep GA or GZ if it could be covered.",
    fixer=BILLER,
    severity=WARNING,
    severity_by_program={Program.MEDICARE: ERROR, Program.MEDICARE_ADVANTAGE: ERROR},
    denial=Denial(carc="4", rarc="N519"),
    sources=("NGS Medicare (ngsmedicare.com), notice modifiers", "acomhealth.com on GX", PRACTICE),
    confidence="sourced",
    modifiers={"GX", "GY"},
)
def excluded_and_perhaps_covered(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        pairs = [f"{one} with {other}" for one, other in _CONTRADICTIONS if line.has(one) and line.has(other)]
        if pairs:
            yield fails(
                f"Line {line.line_number} carries {' and '.join(pairs)}. Is {line.code} excluded here, or expected to "
                "be denied?",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
