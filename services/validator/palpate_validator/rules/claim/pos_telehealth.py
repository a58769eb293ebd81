"""Hands-on therapy is billed as telehealth.

## What it checks
A 97140 line does not have a telehealth place of service (02 or 10), unless the payer's profile says that the payer
takes it (`telehealth_97140`).

## Why it matters
Manual therapy is given by hand, so it cannot be given over a video call. It is not on Medicare's list of telehealth
services.

## How to fix
If the patient was treated in person, use the code of that place. If the visit was by video, bill the service that was
in fact given.

## Example that fails
97140 to Medicare, place of service 02.

## Example that passes
97140 to Medicare, place of service 11.

## Limits
Where the payer profile does not say, it is a warning.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.place_of_service import place_of
from palpate_validator.rule import BILLER, Result, fails, rule, warns
from palpate_validator.sources import PRACTICE
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Use the code of the place where the patient was treated, or bill the service that was given.",
    fixer=BILLER,
    denial=Denial(carc="96", rarc="N776"),
    sources=("CMS list of telehealth services", PRACTICE),
    confidence="practice",
    codes={MANUAL_THERAPY},
    unusual={Unusual.ODD_PLACE},
    per="claim",
)
def telehealth(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        place = place_of(line)
        if place is None or place.manual_therapy != "telehealth":
            continue
        told = visit.says("telehealth_97140")
        if told and visit.setting("telehealth_97140"):
            return
        message = f"Line {line.line_number}: 97140 is given by hand, and place of service {place.code} is {place.name}."
        violation = fails if told else warns
        yield violation(message, line=line, place_of_service=place.code)
