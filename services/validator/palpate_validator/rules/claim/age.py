"""The patient's age on the date of service is hard to believe.

## What it checks
On the date of service the patient was at least one year old and not older than 110.

## Why it matters
Manual therapy has no age limit, but such an age is mostly a mistyped date of birth, and the payer then does not find
the patient.

## How to fix
Compare the date of birth with the patient's record.

## Example that fails
97140 for a patient who was born two months before.

## Example that passes
97140 for a patient who was born in 1961.

## Limits
A warning. Without the patient's date of birth the rule answers "cannot tell". The finding repeats neither date nor
age.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.rule import FRONT_DESK, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@rule(
    remedy="Compare the date of birth with the patient's record.",
    fixer=FRONT_DESK,
    severity=WARNING,
    denial=Denial(carc="16", rarc="N329"),
    sources=(PRACTICE,),
    confidence="practice",
    unusual={Unusual.AGE},
    per="claim",
)
def implausible_age(visit: Visit) -> Iterator[Result]:
    birth_date = visit.known(visit.claim.patient.birth_date, "patient/birth_date")
    years = _full_years(birth_date, visit.date_of_service)
    if birth_date <= visit.date_of_service and not 1 <= years <= 110:
        stated = "under 1 year old" if years < 1 else "over 110 years old"
        message = f"By the date of birth on the claim the patient was {stated} on the date of service. Is it right?"
        yield fails(message, pointer="/patient/birth_date")


def _full_years(birth_date: date, day: date) -> int:
    before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - before_birthday
