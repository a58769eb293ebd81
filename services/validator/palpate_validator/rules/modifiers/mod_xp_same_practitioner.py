"""XP says that another practitioner gave the service, and the claim names the same one.

## What it checks
Where XP sets an NCCI pair apart, the two lines name different practitioners (`performed_by`, NPI).

## Why it matters
XP is true only of services by different practitioners. Otherwise it serves to get past an edit, and what was paid is
taken back.

## How to fix
Correct who gave the services if the claim is wrong. If one practitioner gave both, take XP off.

## Example that fails
97750 and 97140 XP; both lines name the same NPI.

## Example that passes
97750 and 97140 XP; the lines name different NPIs.

## Limits
Only pairs that NCCI keeps apart, on one claim. Where a line does not say who gave it, the rule answers "cannot tell".
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, fails, rule
from palpate_validator.separate_services import same_as_all, same_practitioner, set_apart
from palpate_validator.sources import NCCI1
from palpate_validator.visit import Visit


@rule(
    remedy="Correct who gave the services, or take XP off.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    sources=(f"{NCCI1} E",),
    confidence="sourced",
    modifiers={"XP"},
    start=date(2015, 1, 1),
)
def one_practitioner(visit: Visit) -> Iterator[Result]:
    for line, others in set_apart(visit, "XP"):
        same, codes = same_as_all(visit, line, others, same_practitioner), sorted({other.code for other in others})
        if same is None:
            yield cannot_tell(
                "lines/performed_by/npi", f"The claim does not say who gave {line.code} and {codes[0]}.", line=line
            )
            return
        if same:
            yield fails(
                f"Line {line.line_number} carries XP, and the same practitioner gave {line.code} and "
                f"{', '.join(codes)}. Who gave which service?",
                line=line,
                pointer="/modifiers",
                set_apart_from=codes,
            )
