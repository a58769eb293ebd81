"""Modifier 52 (reduced service) is on manual therapy, which is counted by time.

## What it checks
No 97140 line carries 52.

## Why it matters
A unit is earned by its minutes or not at all: 52 does not make a unit of a service that was too short, and a service
that was long enough is not reduced.

## How to fix
Bill the units that the minutes make, without 52. A service that makes no unit stays in the note and off the claim.

## Example that fails
97140 52 GP, 1 unit, 6 minutes.

## Example that passes
97140 GP, 1 unit, 15 minutes.

## Limits
A fault below 8 minutes, a warning from 8 minutes on. Without the line's minutes it is "cannot tell". Minutes of several
lines of the code count together.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule, warns
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Bill the units that the minutes make, without 52.",
    fixer=BILLER,
    denial=Denial(carc="4", rarc="N519"),
    sources=(PRACTICE,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    modifiers={"52"},
)
def reduced(visit: Visit) -> Iterator[Result]:
    if not any(line.has("52") for line in visit.manual_therapy):
        return
    minutes = sum(visit.known(line.minutes, "lines/minutes", line) for line in visit.manual_therapy)
    for line in visit.manual_therapy:
        if line.has("52"):
            say = fails if minutes < 8 else warns
            yield say(
                f"Line {line.line_number} bills 97140 with 52; its {minutes} minutes make the units, or none.",
                line=line,
                pointer="/modifiers",
                minutes=minutes,
            )
