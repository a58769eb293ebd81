"""A service is dated before the patient was born.

## What it checks
No line's date of service lies before the patient's date of birth.

## Why it matters
One of the two dates is wrong, and the payer will not find the patient or the visit.

## How to fix
Compare both dates with the patient's record and correct the wrong one.

## Example that fails
A date of service in 2025 for a patient born in 2026.

## Example that passes
A date of service in 2025 for a patient born in 1961.

## Limits
Without the patient's date of birth the rule answers "cannot tell". The finding never repeats that date.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import FRONT_DESK, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@rule(
    remedy="Compare the date of service and the date of birth with the patient's record, and correct the wrong one.",
    fixer=FRONT_DESK,
    denial=Denial(carc="14", rarc="N329"),
    sources=(X12,),
    confidence="practice",
    unusual={Unusual.AGE},
    per="claim",
)
def before_birth(visit: Visit) -> Iterator[Result]:
    birth_date = visit.known(visit.claim.patient.birth_date, "patient/birth_date")
    for line in visit.lines:
        if line.service_date < birth_date:
            message = f"Line {line.line_number}: the service is dated before the patient's date of birth."
            yield fails(message, line=line, pointer="/service_date")
