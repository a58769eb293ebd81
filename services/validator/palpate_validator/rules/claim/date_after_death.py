"""A service is dated after the patient's death.

## What it checks
Where the claim gives a date of death, no line's date of service lies after it.

## Why it matters
The payer denies the line, and one of the two dates is wrong or the claim is for another patient.

## How to fix
Compare both dates with the patient's record and correct the wrong one.

## Example that fails
A date of service on the day after the date of death.

## Example that passes
A date of service on the day of death or before.

## Limits
A claim without a date of death has nothing to judge. The finding never repeats that date.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import FRONT_DESK, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@rule(
    remedy="Compare the date of service and the date of death with the patient's record, and correct the wrong one.",
    fixer=FRONT_DESK,
    denial=Denial(carc="13"),
    sources=(X12,),
    confidence="practice",
    per="claim",
    unusual={Unusual.DEATH},
)
def after_death(visit: Visit) -> Iterator[Result]:
    death_date = visit.claim.patient.death_date
    if death_date is None:
        return
    for line in visit.lines:
        if line.service_date > death_date:
            message = f"Line {line.line_number}: the service is dated after the patient's date of death."
            yield fails(message, line=line, pointer="/service_date")
