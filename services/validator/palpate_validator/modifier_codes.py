"""Which two-character modifiers there are, by date of service."""

from dataclasses import dataclass
from datetime import date
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


def is_certainly_none(code: str) -> bool:
    """Whether a code that the table does not know is no modifier for sure.

    The CPT set is closed and the only one of two digits; letters may be a payer's or a state's own.
    """
    return code.isdigit() and code not in _MODIFIERS
