"""ICD-10-CM codes: how one is written, whether it could be billed on a day, and which side of the body it names.

The tables are read on the first question and kept as sorted lines, which costs some 6 MB and 20 milliseconds.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path

from palpate_validator.tables import TABLES, Row, rows

IN_FORCE_SINCE = date(2015, 10, 1)
"""First date of service that is coded in ICD-10-CM (45 CFR 162.1002)."""

_WELL_FORMED = re.compile(r"[A-Z][0-9A-Z][0-9A-Z](?:\.?[0-9A-Z]{1,4})?")


@lru_cache(maxsize=4096)
def normalised(code: str) -> str:
    """The code without its dot and in capitals, as the tables and an 837P write it."""
    return code.strip().upper().replace(".", "")


def dotted(code: str) -> str:
    """The code with its dot, as people write it."""
    bare = normalised(code)
    return bare if len(bare) <= 3 else f"{bare[:3]}.{bare[3:]}"


@lru_cache(maxsize=4096)
def well_formed(code: str) -> bool:
    """Whether a code as sent has the shape of ICD-10-CM: a letter, two characters, then a dot and up to four more."""
    return _WELL_FORMED.fullmatch(code.strip().upper()) is not None


class Standing(StrEnum):
    """What the tables say of a code on a day."""

    BILLABLE = "billable"
    HEADER = "header"
    """Longer codes below it are billed instead."""
    NOT_YET = "not_yet"
    ENDED = "ended"
    NO_SUCH_CODE = "no_such_code"
    UNKNOWN = "unknown"
    """No release here covers the day, and those around it do not settle it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A code's standing on a day, and what it rests on."""

    standing: Standing
    release: str
    """The release or addenda that decided, or those that could not."""
    day: date | None = None
    """The first day of a code that came later; the last day of one that ended."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release of the code set, and the days on which it is the whole list."""

    month: str
    name: str
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class _Change:
    first_day: date | None
    last_day: date | None
    source: str


class CodeSet:
    """The billable codes of several releases."""

    def __init__(self, lines: Sequence[str], releases: Iterable[Release], changes: Mapping[str, _Change]) -> None:
        self._lines = lines
        self.releases = tuple(sorted(releases, key=lambda release: release.first_day))
        self._first_days = [release.first_day for release in self.releases]
        self._changes = changes
        # A clinic sees the same few hundred diagnoses, and several rules ask about each.
        self._standing = lru_cache(maxsize=8192)(self._listed)
        self._first_days_of_stretches = sorted(
            {release.first_day for release in self.releases}
            | {release.last_day + timedelta(days=1) for release in self.releases}
        )
        self._in_stretch = lru_cache(maxsize=8192)(self._on)
        self._row = lru_cache(maxsize=4096)(self._found)

    def on(self, code: str, day: date) -> Answer:
        """The standing of a normalised code on a date of service.

        A known first or last day decides first, then the release of that day.  Between two releases that agree, they
        decide; before the first and after the last, a code that is there is taken to be billable, since codes are
        seldom withdrawn, and a header or a withdrawn code does not come back.
        """
        if day < IN_FORCE_SINCE:
            return Answer(Standing.UNKNOWN, f"in force from {IN_FORCE_SINCE}")
        change = self._changes.get(code)
        if change is not None:
            return _by_change(change, day)
        return self._in_stretch(code, bisect_right(self._first_days_of_stretches, day))

    def _on(self, code: str, stretch: int) -> Answer:
        """The answer for all days between two on which a release begins or ends; `stretch` counts those before."""
        days = self._first_days_of_stretches
        day = days[stretch - 1] if stretch else days[0] - timedelta(days=1)
        latest = bisect_right(self._first_days, day) - 1
        if latest >= 0 and day <= self.releases[latest].last_day:
            return self._standing(code, self.releases[latest])
        return self._between(code, day)

    def side(self, code: str) -> str | None:
        """`right`, `left`, `both` or `unspecified` for a billable code that has a side; None for any other."""
        row = self._row(code)
        return None if row is None else _SIDES.get(row[1])

    def takes_seventh_character(self, stem: str) -> bool:
        """Whether this code, of six characters or fewer, becomes billable with a 7th character (and X to fill up)."""
        return any(len(row[0]) == 7 for row in self._below(stem.ljust(6, "X")))

    def is_listed(self, code: str) -> bool:
        """Whether any release has it as a billable code."""
        return self._row(code) is not None

    def _found(self, code: str) -> list[str] | None:
        at = bisect_left(self._lines, f"{code},")
        if at < len(self._lines) and self._lines[at].startswith(f"{code},"):
            return self._lines[at].split(",")
        return None

    def _listed(self, code: str, release: Release) -> Answer:
        row = self._row(code)
        if row is not None and _in(release, row):
            return Answer(Standing.BILLABLE, release.name)
        if any(_in(release, below) for below in self._below(code)):
            return Answer(Standing.HEADER, release.name)
        if row is None:
            return Answer(Standing.NO_SUCH_CODE, release.name)
        came_later = all(
            earlier.month not in row[2].split() for earlier in self.releases if earlier.month < release.month
        )
        return Answer(Standing.NOT_YET if came_later else Standing.ENDED, release.name)

    def _below(self, code: str) -> Iterable[list[str]]:
        """The billable codes that begin with this one and are longer."""
        at = bisect_left(self._lines, code)
        while at < len(self._lines) and self._lines[at].startswith(code):
            if not self._lines[at].startswith(f"{code},"):
                yield self._lines[at].split(",")
            at += 1

    def _between(self, code: str, day: date) -> Answer:
        earlier = [release for release in self.releases if release.last_day < day]
        later = [release for release in self.releases if day < release.first_day]
        around = [self._standing(code, release) for release in (*earlier[-1:], *later[:1])]
        agreed = len({answer.standing for answer in around}) == 1
        no_later = not later and around[0].standing is not Standing.NO_SUCH_CODE
        no_earlier = not earlier and around[0].standing is Standing.BILLABLE
        if agreed and (no_later or no_earlier or len(around) == 2):
            return around[0]
        return Answer(Standing.UNKNOWN, " and ".join(answer.release for answer in around))


def _by_change(change: _Change, day: date) -> Answer:
    if change.first_day is not None and day < change.first_day:
        return Answer(Standing.NOT_YET, change.source, change.first_day)
    if change.last_day is not None and day > change.last_day:
        return Answer(Standing.ENDED, change.source, change.last_day)
    return Answer(Standing.BILLABLE, change.source)


def _in(release: Release, row: Sequence[str]) -> bool:
    return not row[2] or release.month in row[2].split()


_SIDES = {"r": "right", "l": "left", "b": "both", "u": "unspecified"}


@cache
def code_set(folder: Path = TABLES) -> CodeSet:
    """The shipped code set, read once a process.

    Raises:
        BadData: a release or a change has an unreadable day; the text names file and line.
    """
    text = (folder / "icd10cm.csv").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("#", "code,"))]
    releases = [_release(row) for row in rows(folder / "icd10cm_releases.csv")]
    changes = {
        row["code"]: _Change(row.day("first_day"), row.day("last_day"), row["source"])
        for row in rows(folder / "icd10cm_changes.csv")
    }
    return CodeSet(lines, releases, changes)


def _release(row: Row) -> Release:
    first_day, last_day = row.day("first_day"), row.day("last_day")
    if first_day is None or last_day is None:
        raise row.bad("first_day and last_day are dates")
    return Release(row["release"], row["name"], first_day, last_day)
