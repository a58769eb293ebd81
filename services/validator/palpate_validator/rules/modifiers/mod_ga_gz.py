"""A line carries both GA and GZ.

## What it checks
No line carries GA and GZ together.

## Why it matters
GA says that the patient signed a notice that the payer is expected to deny the service as not necessary; GZ says the
same denial is expected and there is no such notice. Both cannot be true. A line with GZ is denied at once, and the
patient owes nothing.

## How to fix
See whether a signed notice for this date is on file, and keep GA if it is, GZ if it is not.

## Example that fails
97140 GP GA GZ, to Medicare.

## Example that passes
97140 GP GA, to Medicare.

## Limits
A fault for Medicare and Medicare Advantage, a warning elsewhere. Whether a notice is on file is not in the claim event,
so GA without one is not seen.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.rule import ERROR, FRONT_DESK, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import Visit


@rule(
    remedy="See whether a signed notice for this date is on file; keep GA if it is, GZ if it is not.",
    fixer=FRONT_DESK,
    severity=WARNING,
    severity_by_program={Program.MEDICARE: ERROR, Program.MEDICARE_ADVANTAGE: ERROR},
    denial=Denial(carc="4", rarc="N519"),
    sources=("NGS Medicare (ngsmedicare.com), notice modifiers", PRACTICE),
    confidence="practice",
    modifiers={"GA"},
)
def notice_and_no_notice(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        if line.has("GA") and line.has("GZ"):
            yield fails(
                f"Line {line.line_number} carries GA (a notice is on file) and GZ (none is).",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
