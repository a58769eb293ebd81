"""KX says that the service is necessary, and GA that Medicare is not expected to find it so.

## What it checks
No line carries KX and GA together.

## Why it matters
KX attests medical necessity above the therapy threshold. GA says that the patient was told to expect a denial for want
of it. The two contradict each other.

## How to fix
The clinician says whether the service is medically necessary: then KX stays; otherwise GA does.

## Example that fails
97140 GP KX GA, to Medicare.

## Example that passes
97140 GP KX, to Medicare.

## Limits
A warning: what a payer does with such a line is not published.
"""

from collections.abc import Iterator

from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import Visit


@rule(
    remedy="Say whether the service is medically necessary; then keep KX or GA, not both.",
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(PRACTICE,),
    confidence="practice",
    modifiers={"KX"},
)
def necessary_and_not_necessary(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        if line.has("KX") and line.has("GA"):
            yield fails(
                f"Line {line.line_number} carries KX (necessary) and GA (not expected to be found necessary). "
                "Is the service medically necessary?",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
