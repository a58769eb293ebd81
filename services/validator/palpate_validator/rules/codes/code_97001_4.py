"""A therapy code on the claim no longer existed on the date of service.

## What it checks
No line of a visit with manual therapy bills a therapy code that had ended: 97001 to 97004 after 2016-12-31, 97532
and 97762 after 2017-12-31, 97127 after 2019-12-31 and others. And none bills 97014 to Medicare, which does not take
it.

## Why it matters
The payer refuses a code that is not valid on the day, and the claim comes back.

## How to fix
Bill the code that describes the service on that date: evaluations are 97161 to 97168, cognitive work is 97129 and
97130, unattended electrical stimulation to Medicare is G0283.

## Example that fails
97001 with date of service 2017-01-01.

## Example that passes
97001 with date of service 2016-12-31.

## Limits
Only therapy codes are known. Which new code replaces an old one is not decided here.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.parameters import every_code
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import PRACTICE, PTP
from palpate_validator.visit import Visit

UNATTENDED_STIMULATION = "97014"


@rule(
    remedy="Bill the code that describes the service on that date.",
    fixer=BILLER,
    denial=Denial(carc="181", rarc="N56"),
    sources=(PTP,),
    confidence="sourced",
    parameters=("retired_codes",),
    codes=every_code("retired_codes"),
    start=date(1999, 1, 1),
)
def retired_code(visit: Visit) -> Iterator[Result]:
    for line in visit.billed(visit.amount("retired_codes")):
        yield fails(
            f"Line {line.line_number} bills {line.code}, which had ended before {visit.date_of_service}.",
            line=line,
            pointer="/procedure_code",
        )


@rule(
    remedy="Bill the code that Medicare takes for the service; unattended electrical stimulation is G0283 there.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="N56"),
    sources=(PRACTICE,),
    confidence="practice",
    programs={Program.MEDICARE},
    codes={UNATTENDED_STIMULATION},
)
def not_taken_by_medicare(visit: Visit) -> Iterator[Result]:
    for line in visit.billed({UNATTENDED_STIMULATION}):
        yield fails(
            f"Line {line.line_number} bills 97014, which Medicare does not take.", line=line, pointer="/procedure_code"
        )
