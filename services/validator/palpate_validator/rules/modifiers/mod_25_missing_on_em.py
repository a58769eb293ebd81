"""An evaluation visit stands beside manual therapy without modifier 25.

## What it checks
An evaluation and management visit (992xx) on the same day as 97140, by the same provider, carries 25.

## Why it matters
Without 25 the payer takes the visit as part of the treatment and denies it. 25 is right only where the visit was
significant and separately identifiable.

## How to fix
If the visit was significant and separate and the record shows it, add 25 to the visit. If not, bill the treatment
alone.

## Example that fails
99213 and 97140 on one day, to a commercial payer.

## Example that passes
99213 with 25 and 97140.

## Limits
NCCI has no pair of these codes with 97140, so it is a fault for commercial payers and a warning elsewhere. Lines that
name different practitioners (`performed_by`, NPI) are not judged.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.evaluation_visits import EVALUATION_AND_MANAGEMENT, evaluation_visits, given_by_others
from palpate_validator.rule import CLINICIAN, ERROR, WARNING, Result, fails, rule
from palpate_validator.sources import NCCI11, PTP
from palpate_validator.visit import Visit


@rule(
    remedy="Say whether the visit was significant and separate from the treatment; if not, take it off.",
    fixer=CLINICIAN,
    severity=WARNING,
    severity_by_program={Program.COMMERCIAL: ERROR},
    denial=Denial(carc="97", rarc="M15"),
    sources=(f"{NCCI11} U", PTP),
    confidence="sourced",
    codes=EVALUATION_AND_MANAGEMENT,
)
def evaluation_without_25(visit: Visit) -> Iterator[Result]:
    for line in evaluation_visits(visit):
        beside = [each for each in visit.manual_therapy if not given_by_others(line, each)]
        if beside and not line.has("25"):
            yield fails(
                f"Line {line.line_number} bills {line.code} on the day of 97140 without 25. "
                "Was the visit significant and separate from the treatment?",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
