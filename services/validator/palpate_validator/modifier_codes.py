"""Which two-character modifiers there are, by date of service."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from palpate_validator.dated import BEGINNING
from palpate_validator.tables import TABLES, Row, rows


@dataclass(frozen=True, slots=True)
class ModifierCode:
    """One modifier, and the dates of service on which it is one."""

    code: str
    first_day: date
    last_day: date | None

    def in_force(self, day: date) -> bool:
        """Whether it is a modifier on a date of service."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


def read_modifiers(path: Path) -> dict[str, ModifierCode]:
    """Modifiers by code.

    Raises:
        BadData: a row is not readable; the text names file and line.
    """
    return {row["modifier"]: _modifier(row) for row in rows(path)}


def _modifier(row: Row) -> ModifierCode:
    if len(row["modifier"]) != 2 or row["set"] not in {"cpt", "hcpcs"}:
        raise row.bad("a modifier has two characters, and its set is cpt or hcpcs")
    return ModifierCode(row["modifier"], row.day("first_day") or BEGINNING, row.day("last_day"))


_MODIFIERS = read_modifiers(TABLES / "modifiers.csv")


def modifier_named(code: str) -> ModifierCode | None:
    """The modifier of that code on any date; None where the table does not know it."""
    return _MODIFIERS.get(code)


def all_in_force(codes: tuple[str, ...], day: date) -> bool:
    """Whether every one of some modifiers is on the list, on a date of service."""
    life = _shared_life(codes)
    return life is not None and life[0] <= day <= life[1]


@lru_cache(maxsize=1024)
def _shared_life(codes: tuple[str, ...]) -> tuple[date, date] | None:
    """The first and last day on which all of them are modifiers; None where one is not known."""
    known = [modifier for code in codes if (modifier := modifier_named(code)) is not None]
    if len(known) < len(codes):
        return None
    return max(each.first_day for each in known), min(each.last_day or date.max for each in known)


def is_certainly_none(code: str) -> bool:
    """Whether a code that the table does not know is no modifier for sure.

    The CPT set is closed and the only one of two digits; letters may be a payer's or a state's own.
    """
    return code.isdigit() and code not in _MODIFIERS
