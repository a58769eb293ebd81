"""97140 did not exist on the date of service.

## What it checks
The date of service of a 97140 line is 1999-01-01 or later.

## Why it matters
A code that did not exist on the day is refused. Until 1998-12-31 the services were 97122, 97250, 97260, 97261 and
97265.

## How to fix
Correct the date of service, or bill the code that held on that day.

## Example that fails
97140 with date of service 1998-12-31.

## Example that passes
97140 with date of service 1999-01-01.

## Limits
97140 has no last day; none is known.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import PTP
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Correct the date of service, or bill the code that held on that day.",
    fixer=BILLER,
    denial=Denial(carc="181"),
    sources=(PTP,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    unusual={Unusual.BEFORE_THE_CODE},
)
def code_not_yet_valid(visit: Visit) -> Iterator[Result]:
    first_day = visit.tables.services[MANUAL_THERAPY].first_day
    if visit.date_of_service < first_day:
        for line in visit.manual_therapy:
            yield fails(
                f"Line {line.line_number} bills 97140 for {visit.date_of_service}; the code begins on {first_day}.",
                line=line,
                pointer="/service_date",
                first_day=first_day,
            )
