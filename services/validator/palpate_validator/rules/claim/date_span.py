"""One manual-therapy line covers more than one day.

## What it checks
A 97140 line begins and ends on the same date of service.

## Why it matters
Manual therapy is counted and limited by the day. A line over several days cannot be counted, and payers return it.

## How to fix
Report each day on a line of its own, with that day's units.

## Example that fails
One 97140 line from 2025-03-03 through 2025-03-05.

## Example that passes
One 97140 line dated 2025-03-03.

## Limits
Only 97140 lines are judged. Splitting the line needs each day's minutes, so no repair is offered.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Report each day on a line of its own, with that day's units.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="N345"),
    sources=(X12,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    per="claim",
    unusual={Unusual.SPAN},
)
def date_span(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        through = line.service_date_through
        if through is not None and through != line.service_date:
            yield fails(
                f"Line {line.line_number} bills 97140 from {line.service_date} through {through}.",
                line=line,
                pointer="/service_date_through",
                service_date=line.service_date,
                service_date_through=through,
            )
