"""The claims that everything here is measured with: three lines, some 2.4 KB with a visit note, one in ten wrong.

They are those of the false-alarm tests with three lines: every payer, profession and date from 2019 to 2026.  The wrong
ones have lost the modifiers of all of their lines.
"""

from collections.abc import Iterator
from functools import cache
from itertools import count
from random import Random
from typing import Any

from pydantic_core import to_json

from tests.validator.correct_claims import correct_claim

LINES = 3
DIFFERENT = 2_000
"""So many different claims; more are the same ones under other ids, as a practice's claims repeat themselves."""
WRONG_EACH = 10
_NO_ID = "#" * 12


@cache
def templates() -> tuple[bytes, ...]:
    """Claim events with a place left for their ids."""
    fitting = (claim for seed in count() if len((claim := correct_claim(Random(seed)))["lines"]) == LINES)
    return tuple(_template(number, next(fitting)) for number in range(DIFFERENT))


def _template(number: int, claim: dict[str, Any]) -> bytes:
    if number % WRONG_EACH == 0:
        claim["lines"] = [line | {"modifiers": []} for line in claim["lines"]]
    return to_json(
        {
            "specversion": "1.0",
            "id": _NO_ID,
            "source": "urn:pms:bench",
            "type": "claim.created",
            "subject": _NO_ID,
            "time": f"{claim['submitted_on']}T12:00:00Z",
            "datacontenttype": "application/json",
            "data": claim | {"claim_id": _NO_ID},
        }
    )


def event(number: int) -> bytes:
    """The event of one claim; every number is another claim with an id of its own."""
    return templates()[number % DIFFERENT].replace(_NO_ID.encode(), f"{number:012d}".encode())


def events(how_many: int, first: int = 0) -> Iterator[bytes]:
    """So many events."""
    return (event(number) for number in range(first, first + how_many))


def typical_bytes() -> int:
    """How long an event is on average."""
    return sum(map(len, templates())) // DIFFERENT
