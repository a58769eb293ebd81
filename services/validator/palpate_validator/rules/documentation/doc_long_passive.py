"""Visit after visit with manual therapy as the only service.

## What it checks
How many of the claim's visits bill 97140 and nothing else. More than 12 are pointed out.

## Why it matters
Reviewers expect passive treatment to give way to exercise and activity. A long row of manual therapy alone is read as
passive care without progress.

## How to fix
The clinician checks whether the plan still fits, and changes it for the visits to come if it does not.

## Example that fails
A claim with 13 dates of service, each with 97140 alone.

## Example that passes
The same 13 dates, some of them with 97110.

## Limits
Only the visits on this claim are seen. The number is from practice; a payer profile cannot change what a reviewer
thinks.
"""

from collections.abc import Iterator
from datetime import date

from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Check whether the plan of care still fits, and change it for the visits to come if it does not.",
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(PRACTICE,),
    confidence="practice",
    parameters=("passive_only_visits",),
    codes={MANUAL_THERAPY},
    per="claim",
    start=date(1999, 1, 1),
    unusual={Unusual.SEVERAL_DAYS},
)
def passive_alone(visit: Visit) -> Iterator[Result]:
    others = {line.service_date for line in visit.lines if line.code != MANUAL_THERAPY}
    alone = len({line.service_date for line in visit.lines} - others)
    if alone > visit.amount("passive_only_visits"):
        yield fails(
            f"{alone} visits on this claim bill 97140 alone. Does the plan still fit?", visits_with_97140_alone=alone
        )
