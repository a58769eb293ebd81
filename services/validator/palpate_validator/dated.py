"""Values that hold from a day, each with its source: the law as data."""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

BEGINNING = date(1, 1, 1)
"""Stands for "as long as anybody remembers" where a source gives no first day."""


class BadData(ValueError):
    """A data file that start-up refuses; its text begins with the file's name and line."""

    def __init__(self, path: Path, text: str, key: str | None, problem: str, *, line: int | None = None) -> None:
        super().__init__(f"{path}:{line_of(text, key) if line is None else line}: {problem}")


def line_of(text: str, key: str | None) -> int:
    """The 1-based line that begins with `key`, else the first one that holds it; 1 when none does."""
    if key:
        lines = list(enumerate(text.splitlines(), start=1))
        begins = (n for n, line in lines if line.lstrip(' ["').startswith(key))
        return next(chain(begins, (n for n, line in lines if key in line)), 1)
    return 1


def toml_line(error: tomllib.TOMLDecodeError) -> int:
    """The line that the TOML reader names in its message; the last words are `(at line 3, column 1)`."""
    match = re.search(r"at line (\d+)", str(error))
    return int(match[1]) if match else 1


@dataclass(frozen=True, slots=True)
class DatedValue:
    """A value in force from `start` until the next value's start, or through `end` where one is written."""

    value: Any
    start: date
    end: date | None
    source: str

    def evidence(self, name: str) -> dict[str, Any]:
        """The value and since when it holds, as a finding shows them."""
        shown: dict[str, Any] = {name: self.value}
        if self.start != BEGINNING:
            shown[f"{name}_since"] = self.start
        return shown


class Timeline:
    """The values of one name over time.  Days before the first, or after a written end, have none."""

    __slots__ = ("_starts", "values")

    def __init__(self, values: Iterable[DatedValue]) -> None:
        self.values = tuple(sorted(values, key=lambda dated: dated.start))
        self._starts = [dated.start for dated in self.values]
        for earlier, later in zip(self.values, self.values[1:], strict=False):
            if earlier.start == later.start or (earlier.end is not None and earlier.end >= later.start):
                raise ValueError(f"two values hold on {later.start}")

    def on(self, day: date) -> DatedValue | None:
        """The value in force on `day`, or None."""
        at = bisect_right(self._starts, day) - 1
        if at < 0:
            return None
        dated = self.values[at]
        return dated if dated.end is None or day <= dated.end else None

    def changes(self) -> set[date]:
        """Every day on which the value becomes another one, or none."""
        ends = {date.fromordinal(v.end.toordinal() + 1) for v in self.values if v.end is not None}
        return {v.start for v in self.values} | ends
