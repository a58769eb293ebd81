"""The patient's coverage was not active on the date of service.

## What it checks
The eligibility check found the patient's coverage with this payer active on the date of service.

## Why it matters
A payer denies services before its coverage began or after it ended, whatever else is right.

## How to fix
Check the patient's coverage for the date of service and bill the payer that covered the patient then.

## Example that fails
97140; the eligibility check found no active coverage.

## Example that passes
97140; the eligibility check found active coverage.

## Limits
Only as good as the eligibility check that the practice-management system shares; without one the rule answers "cannot
tell".
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import FRONT_DESK, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@rule(
    remedy="Check coverage for the date of service, and bill the payer that covered the patient then.",
    fixer=FRONT_DESK,
    denial=Denial(carc="27"),
    sources=(X12,),
    confidence="practice",
    unusual={Unusual.COVERAGE},
    per="claim",
)
def coverage_inactive(visit: Visit) -> Iterator[Result]:
    coverage = visit.claim.coverage
    active = None if coverage is None else coverage.active_on_service_date
    if not visit.known(active, "coverage/active_on_service_date"):
        message = "The patient's coverage with this payer was not active on the date of service."
        yield fails(message, pointer="/coverage/active_on_service_date")
