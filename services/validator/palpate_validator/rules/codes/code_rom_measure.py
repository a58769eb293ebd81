"""A motion measurement is billed beside treatment.

## What it checks
A visit with manual therapy bills 95851 or 95852.

## Why it matters
Measuring motion in the course of treatment is part of the treatment. 95851 and 95852 are for a measurement of its
own, with a separate written report.

## How to fix
Confirm that a measurement of its own was made and reported. If it was the goniometry of the visit, take the line
off.

## Example that fails
97140 and 95851: a question.

## Example that passes
97140 alone, with motion measured before and after.

## Limits
The event does not say whether a separate report exists, so this only asks.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, WARNING, Result, rule, warns
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import Visit

_MEASUREMENTS = frozenset({"95851", "95852"})


@rule(
    remedy="Take the line off unless a measurement of its own was made and reported.",
    fixer=CLINICIAN,
    severity=WARNING,
    denial=Denial(carc="97"),
    sources=(PRACTICE,),
    confidence="practice",
    codes=_MEASUREMENTS,
)
def measurement_beside_treatment(visit: Visit) -> Iterator[Result]:
    for line in visit.billed(_MEASUREMENTS):
        yield warns(
            f"Line {line.line_number} bills {line.code} on a day of treatment. Is there a separate written report "
            "of this measurement?",
            line=line,
        )
