"""Manipulation and manual therapy are billed for the same region of the spine.

## What it checks
Where 98940, 98941 or 98942 stands beside 97140, the two share no spinal region (cervical, thoracic, lumbar, sacral,
pelvic). 98942 covers all five.

## Why it matters
In the region that was manipulated, manual therapy is part of the manipulation. A modifier does not change that, and
97140 is denied.

## How to fix
Correct the regions if they are wrong on the claim. Otherwise take 97140 off, or that region and its minutes.

## Example that fails
98940 for the cervical spine and 97140 with 59 for the cervical spine.

## Example that passes
98940 for the cervical spine and 97140 with 59 for the lumbar spine.

## Limits
Judged for payers whose profile says that they pay 97140 for another region (`cmt_97140 = "region_59"`). The regions
are those of the service lines; the note's are not told apart by service. Only spinal regions are compared.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.manipulation import CMT, shared_spinal_regions
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.sources import NCCI11
from palpate_validator.visit import Visit


@rule(
    remedy="Correct the regions, or take 97140 off the claim.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    sources=(f"{NCCI11} S",),
    confidence="sourced",
    profile={"cmt_97140": "region_59"},
    codes=CMT,
)
def same_spinal_region(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        for manipulation in visit.billed(CMT):
            shared = visit.known(shared_spinal_regions(manipulation, line), "lines/regions", line)
            if shared:
                yield fails(
                    f"Line {line.line_number} bills 97140 for a region that {manipulation.code} also covers: "
                    f"{', '.join(sorted(shared))}. Which region was each given to?",
                    line=line,
                    pointer="/regions",
                    shared_regions=shared,
                    manipulation=manipulation.code,
                )
