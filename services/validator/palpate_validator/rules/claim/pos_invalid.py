"""The place of service is no CMS code, or an odd place for hands-on therapy.

## What it checks
Every line's place of service is a code that CMS had on its date of service. For 97140 it is also a place where
hands-on therapy is usual; other places are a warning.

## Why it matters
A claim with a code that does not exist is rejected as a whole. An unusual place makes the payer ask, or pay at the
wrong rate.

## How to fix
Use the code of the place where the patient was treated: 11 for the office, 12 for the patient's home.

## Example that fails
97140 with place of service 29, which CMS has not assigned.

## Example that passes
97140 with place of service 11.

## Limits
Telehealth codes are for `pos-telehealth`, hospitals and skilled nursing facilities for `pos-ptpp-facility`. The code
set is CMS's of 2024-08-01; a code that CMS added later would be called unknown.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.place_of_service import place_of
from palpate_validator.rule import BILLER, Result, fails, rule, warns
from palpate_validator.sources import PRACTICE
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Use the CMS code of the place where the patient was treated.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="M77"),
    sources=("CMS place of service code set", PRACTICE),
    confidence="practice",
    unusual={Unusual.ODD_PLACE},
    per="claim",
)
def invalid_place(visit: Visit) -> Iterator[Result]:
    told: set[str] = set()
    for line in visit.lines:
        code, place = line.place_of_service, place_of(line)
        if code in told:
            continue
        if place is None:
            told.add(code)
            message = f"Line {line.line_number}: {code} was no place-of-service code on {line.service_date}."
            yield fails(message, line=line, place_of_service=code)
        elif line.code == MANUAL_THERAPY and place.manual_therapy == "doubtful":
            told.add(code)
            message = (
                f"Line {line.line_number}: place of service {code} ({place.name}) is unusual for 97140. Is it right?"
            )
            yield warns(message, line=line, denial=Denial(carc="5"), place_of_service=code)
