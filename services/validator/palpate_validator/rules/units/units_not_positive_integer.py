"""The units of a line are not a whole number of one or more.

## What it checks
Every line has units above zero; the lines of procedures have whole ones.

## Why it matters
A payer cannot process a line whose units are missing, zero, negative or a fraction.

## How to fix
Count the units again from the minutes and send a whole number.

## Example that fails
97140, 1.5 units.

## Example that passes
97140, 1 unit.

## Limits
Fractions of supplies and drugs (codes that begin with a letter and are no therapy service) are not looked at.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import X12
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@rule(
    remedy="Count the units again and send a whole number.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="M53"),
    sources=(X12,),
    confidence="sourced",
    unusual={Unusual.ODD_UNITS},
)
def no_whole_units(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        whole_wanted = line.code.isdigit() or visit.kind(line.code) is not None
        if line.units <= 0 or (whole_wanted and line.whole_units is None):
            yield fails(
                f"Line {line.line_number} bills {line.units:f} units of {line.code}.",
                line=line,
                pointer="/units",
                billed_units=line.units,
            )
