"""XE says that the service was in another encounter, and the claim gives the same one.

## What it checks
Where XE sets an NCCI pair apart, the two lines are of different encounters of that day (`encounter`).

## Why it matters
XE is true only of a separate visit on the same day. Otherwise it serves to get past an edit, and what was paid is
taken back.

## How to fix
Correct the encounters if the claim is wrong. If there was one visit, take XE off.

## Example that fails
97750 and 97140 XE, both of encounter 1.

## Example that passes
97750 of encounter 1 and 97140 XE of encounter 2.

## Limits
Only pairs that NCCI keeps apart, on one claim. Where no line says its encounter, the rule answers "cannot tell": the
number 1 that the contract fills in is not a statement.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, fails, rule
from palpate_validator.separate_services import same_as_all, same_encounter, set_apart
from palpate_validator.sources import NCCI1
from palpate_validator.visit import Visit


@rule(
    remedy="Correct the encounters, or take XE off.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    sources=(f"{NCCI1} E",),
    confidence="sourced",
    modifiers={"XE"},
    start=date(2015, 1, 1),
)
def one_encounter(visit: Visit) -> Iterator[Result]:
    for line, others in set_apart(visit, "XE"):
        same, codes = same_as_all(visit, line, others, same_encounter), sorted({other.code for other in others})
        if same is None:
            yield cannot_tell(
                "lines/encounter",
                f"The claim does not say whether {line.code} and {codes[0]} were one visit or two.",
                line=line,
            )
            return
        if same:
            yield fails(
                f"Line {line.line_number} carries XE, and {line.code} and {', '.join(codes)} are of encounter "
                f"{line.encounter}. Was there more than one visit that day?",
                line=line,
                pointer="/modifiers",
                encounter=line.encounter,
                set_apart_from=codes,
            )
