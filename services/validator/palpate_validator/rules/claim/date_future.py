"""A service is dated after the day the claim goes out.

## What it checks
No line's date of service lies after the day on which the claim is submitted.

## Why it matters
A service cannot be billed before it was given. Payers reject the line.

## How to fix
Correct the date of service, or send the claim after the visit.

## Example that fails
A date of service of 2026-06-01 on a claim submitted on 2026-05-20.

## Example that passes
A date of service of 2026-05-20 on a claim submitted that same day.

## Limits
The day of submission is `submitted_on`, else the day of the event. Where neither is known, the rule answers "cannot
tell".
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@rule(
    remedy="Correct the date of service, or send the claim after the visit.",
    fixer=BILLER,
    denial=Denial(carc="110"),
    sources=(X12,),
    confidence="practice",
    unusual={Unusual.LATE_SERVICE},
    per="claim",
)
def future_date(visit: Visit) -> Iterator[Result]:
    submitted_on = visit.known(visit.submitted_on, "submitted_on")
    for line in visit.lines:
        last = max(line.service_date, line.service_date_through or line.service_date)
        if last > submitted_on:
            yield fails(
                f"Line {line.line_number}: the service is dated {last}, and the claim goes out on {submitted_on}.",
                line=line,
                pointer="/service_date" if last == line.service_date else "/service_date_through",
                date_of_service=last,
                submitted_on=submitted_on,
            )
