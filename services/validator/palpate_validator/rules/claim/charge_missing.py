"""A manual-therapy line has no charge to pay.

## What it checks
Every 97140 line has a charge above zero.

## Why it matters
A payer cannot process a line whose charge is zero or negative.

## How to fix
Enter the practice's charge for the units billed.

## Example that fails
97140 with a charge of 0.00.

## Example that passes
97140, 1 unit, with a charge of 45.00.

## Limits
Without a charge in the event the rule answers "cannot tell": the practice-management system may keep it to itself.
Whether the charge agrees with the practice's own fee schedule is not known here.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, cannot_tell, fails, rule
from palpate_validator.sources import X12
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Enter the charge for the units billed.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="M79"),
    sources=(X12,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    unusual={Unusual.NO_CHARGE},
    per="claim",
)
def charge_missing(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        if line.charge is not None and line.charge <= 0:
            message = f"Line {line.line_number} bills 97140 with a charge of {line.charge:f}."
            yield fails(message, line=line, pointer="/charge", charge=line.charge)
    if any(line.charge is None for line in visit.manual_therapy):
        yield cannot_tell("lines/charge", "The claim does not say the charge of every 97140 line.")
