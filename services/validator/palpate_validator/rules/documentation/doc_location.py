"""The place in the note and the place of service on the claim do not fit.

## What it checks
A place that the note names (office, clinic, home, hospital, nursing facility, assisted living, school, telehealth)
can be the line's place-of-service code.

## Why it matters
The place of service decides the payment and is checked against the record.

## How to fix
Find out where the visit was. Correct the place of service on the claim, or the note by a signed addendum.

## Example that fails
The note says home; the claim says place of service 11.

## Example that passes
The note says office; the claim says place of service 11.

## Limits
The name of a clinic says nothing of its kind: a place in other words cannot be compared. A warning only.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, WARNING, Result, cannot_tell, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit

_PLACES: tuple[tuple[str, re.Pattern[str], frozenset[str]], ...] = tuple(
    (place, re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE), frozenset(codes.split()))
    for place, words, codes in (
        ("nursing facility", r"nursing (?:home|facility)|snf|skilled nursing", "31 32 33"),
        ("assisted living", r"assisted living|alf", "12 13 14 33"),
        ("telehealth", r"tele\w+|virtual\w*|video\w*|remote\w*", "02 10"),
        ("hospital", r"hospital\w*|inpatient", "19 21 22 23 51 61"),
        ("school", r"school", "03"),
        ("home", r"(?<!nursing )(?<!funeral )home|residence", "04 10 12 13 14 16 33"),
        (
            "office or clinic",
            r"(?<!home )offices?|clinics?|outpatient",
            "01 03 05 06 07 08 11 15 17 18 19 20 22 24 26 49 50 57 58 60 61 62 65 71 72",
        ),
    )
)
_ANY_OTHER_PLACE = "99"
_CODE = re.compile(r"[0-9]{2}")


@rule(
    remedy="Find out where the visit was, and correct the place of service or, by signed addendum, the note.",
    fixer=BILLER,
    severity=WARNING,
    denial=Denial(carc="5", rarc="M77"),
    sources=(f"{BPM15} §220.3.A",),
    confidence="practice",
    codes={MANUAL_THERAPY},
)
def place_agrees(visit: Visit) -> Iterator[Result]:
    named = _noted_places(visit.known(visit.note.location, "documentation/location"))
    if not named:
        yield cannot_tell(
            "documentation/location as office, clinic, home, hospital, nursing facility, school or telehealth",
            "The note's place is in words that cannot be compared with a place-of-service code.",
        )
        return
    fitting = {_ANY_OTHER_PLACE}.union(*(codes for _, codes in named))
    for line in visit.manual_therapy:
        if line.place_of_service not in fitting:
            yield fails(
                f"Line {line.line_number} has place of service {line.place_of_service}; the note says "
                f"{named[0][0]}. Where was the visit?",
                line=line,
                place_of_service=line.place_of_service,
                noted_place=named[0][0],
            )


@lru_cache(maxsize=256)
def _noted_places(location: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """The kinds of place that the note's words name, with the codes each can have; a bare code stands for itself."""
    if _CODE.fullmatch(location.strip()):
        return ((f"place of service {location.strip()}", frozenset({location.strip()})),)
    return tuple((place, codes) for place, words, codes in _PLACES if words.search(location))
