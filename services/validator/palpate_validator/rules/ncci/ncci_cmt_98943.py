"""Manipulation outside the spine and manual therapy are billed for the same place.

## What it checks
Where 98943 stands beside 97140, the two do not name the same region outside the spine on the same side.

## Why it matters
Payers that cover 98943 count manual therapy of the same joint as part of it. Medicare never pays 98943 and has no edit.

## How to fix
Correct the regions if they are wrong on the claim, or take 97140 off.

## Example that fails
98943 for the left shoulder and 97140 for the left shoulder.

## Example that passes
98943 for the left shoulder and 97140 for the left knee.

## Limits
A warning: payers differ. A side that one line leaves out is not taken for the same place.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.manipulation import EXTRASPINAL_CMT, shared_extremities
from palpate_validator.rule import CLINICIAN, WARNING, Result, rule, warns
from palpate_validator.visit import Visit


@rule(
    remedy="Correct the regions, or take 97140 off the claim.",
    fixer=CLINICIAN,
    severity=WARNING,
    denial=Denial(carc="97"),
    sources=("OptumHealth Utilization Management Policy 302",),
    confidence="sourced",
    codes={EXTRASPINAL_CMT},
)
def same_place_outside_the_spine(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        for manipulation in visit.billed({EXTRASPINAL_CMT}):
            shared = visit.known(shared_extremities(manipulation, line), "lines/regions", line)
            if shared:
                yield warns(
                    f"Line {line.line_number} bills 97140 for a place that 98943 also covers: "
                    f"{', '.join(sorted(shared))}. Which place was each given to?",
                    line=line,
                    pointer="/regions",
                    shared_regions=shared,
                )
