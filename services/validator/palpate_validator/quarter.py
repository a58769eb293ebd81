"""A quarter of the calendar: how CMS publishes its tables."""

import re
from datetime import date, timedelta
from typing import NamedTuple, Self


class Quarter(NamedTuple):
    """One quarter; in order of time, and written `2026Q3`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`2026Q3` as a quarter.

        Raises:
            ValueError: it is written another way.
        """
        match = re.fullmatch(r"(\d{4})Q([1-4])", text)
        if match is None:
            raise ValueError(f"a quarter is written like 2026Q3, not {text!r}")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """The quarter that a day falls into."""
        return cls(day.year, (day.month + 2) // 3)

    @property
    def first_day(self) -> date:
        """The day that the quarter begins."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        """The day that the quarter ends."""
        following = date(self.year + self.number // 4, 3 * (self.number % 4) + 1, 1)
        return following - timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"
