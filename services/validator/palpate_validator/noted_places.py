"""Where a visit note says that the patient was treated, and which place-of-service codes that can be."""

import re
from functools import lru_cache
from typing import NamedTuple

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


class NotedPlace(NamedTuple):
    """What a note's words for its place come to."""

    place: str | None
    """The first kind of place that they name; None where they name none that is known here."""
    fitting: frozenset[str]
    """The place-of-service codes that any of the named kinds can have."""


@lru_cache(maxsize=256)
def noted_place(location: str) -> NotedPlace:
    """The kinds of place that a note's words name; a bare code stands for itself."""
    bare = location.strip()
    if _CODE.fullmatch(bare):
        return NotedPlace(f"place of service {bare}", frozenset({bare, _ANY_OTHER_PLACE}))
    named = [(place, codes) for place, words, codes in _PLACES if words.search(location)]
    if not named:
        return NotedPlace(None, frozenset())
    return NotedPlace(named[0][0], frozenset({_ANY_OTHER_PLACE}).union(*[codes for _, codes in named]))
