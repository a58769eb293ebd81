"""Treatment minutes that some senders write into the free text of an 837P line (NTE), which has no field for them."""

import re
from dataclasses import dataclass

_MINUTES = re.compile(r"\bMIN(?:UTE)?S?[ :=]*([0-9]{1,3})\b", re.IGNORECASE)
_TIME = re.compile(r"\bTIME[ :=]*((?:[01][0-9]|2[0-3])[0-5][0-9])-((?:[01][0-9]|2[0-3])[0-5][0-9])\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NotedTime:
    """What a line's notes say of its time."""

    minutes: int | None
    intervals: tuple[dict[str, str], ...]


def noted_time(text: str) -> NotedTime:
    """Read `MIN 25` and `TIME 0900-0925`.

    Minutes that are written go first; without them they are the sum of the intervals.  Two different numbers of
    minutes in one note say nothing certain and are not read.
    """
    written = {int(found) for found in _MINUTES.findall(text)}
    spans = [(start, end) for start, end in _TIME.findall(text) if start < end]
    minutes = written.pop() if len(written) == 1 else None
    if minutes is None and not written and spans:
        minutes = sum(_clock(end) - _clock(start) for start, end in spans)
    return NotedTime(
        minutes, tuple({"start": f"{start[:2]}:{start[2:]}", "end": f"{end[:2]}:{end[2:]}"} for start, end in spans)
    )


def _clock(text: str) -> int:
    return int(text[:2]) * 60 + int(text[2:])
