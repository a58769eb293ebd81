"""CMS place-of-service codes by date, and where hands-on manual therapy is plausible."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from palpate_validator.dated import BEGINNING
from palpate_validator.tables import TABLES, Row, rows
from palpate_validator.visit import Line

ManualTherapy = Literal["plausible", "doubtful", "facility", "telehealth"]


@dataclass(frozen=True, slots=True)
class Place:
    """One place-of-service code."""

    code: str
    name: str
    first_day: date
    last_day: date | None
    manual_therapy: ManualTherapy
    """Whether hands-on therapy is plausible there; `facility` is none for a Medicare private practice."""

    def in_force(self, day: date) -> bool:
        """Whether CMS had the code on a date of service."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


def read_places(path: Path) -> dict[str, Place]:
    """Places by code.

    Raises:
        BadData: a row is not readable; the text names file and line.
    """
    return {row["code"]: _place(row) for row in rows(path)}


def _place(row: Row) -> Place:
    manual_therapy = row["manual_therapy"]
    if manual_therapy not in {"plausible", "doubtful", "facility", "telehealth"}:
        raise row.bad(f"manual_therapy is plausible, doubtful, facility or telehealth, not {manual_therapy!r}")
    return Place(row["code"], row["name"], row.day("first_day") or BEGINNING, row.day("last_day"), manual_therapy)  # type: ignore[arg-type] # checked above


_PLACES = read_places(TABLES / "place_of_service.csv")


def place_of(line: Line) -> Place | None:
    """Where a line was given, by the codes that CMS had on its date of service; None for a code that was none."""
    place = _PLACES.get(line.place_of_service)
    return place if place is not None and place.in_force(line.service_date) else None
