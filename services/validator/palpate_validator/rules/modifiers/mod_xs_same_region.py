"""XS says that the service was to another structure, and the claim gives the same region.

## What it checks
Where XS sets an NCCI pair apart, each of the two lines has a region that the other one lacks.

## Why it matters
XS is true only of a separate structure or region. Neighbouring structures in one region are not separate. Otherwise it
serves to get past an edit, and what was paid is taken back.

## How to fix
Correct the regions if the claim is wrong. If both services were to one region, take XS off.

## Example that fails
98940 to the cervical region and 97140 XS to the cervical region.

## Example that passes
98940 to the lumbar region and 97140 XS to the cervical region.

## Limits
Only pairs that NCCI keeps apart, on one claim. Where a line names no region, or one of them leaves out the side, the
rule answers "cannot tell". Spinal manipulation with any shared region is `ncci-cmt-same-region`.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, fails, rule
from palpate_validator.separate_services import same_as_all, same_places, set_apart
from palpate_validator.sources import NCCI1
from palpate_validator.visit import Visit


@rule(
    remedy="Correct the regions, or take XS off.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    sources=(f"{NCCI1} E",),
    confidence="sourced",
    modifiers={"XS"},
    start=date(2015, 1, 1),
)
def one_region(visit: Visit) -> Iterator[Result]:
    for line, others in set_apart(visit, "XS"):
        same, codes = same_as_all(visit, line, others, same_places), sorted({other.code for other in others})
        if same is None:
            yield cannot_tell(
                "lines/regions", f"The claim does not say which regions {line.code} and {codes[0]} were to.", line=line
            )
            return
        if same:
            yield fails(
                f"Line {line.line_number} carries XS, and {line.code} and {', '.join(codes)} are to the same region. "
                "Which region was each service to?",
                line=line,
                pointer="/modifiers",
                regions=sorted(line.regions),
                set_apart_from=codes,
            )
