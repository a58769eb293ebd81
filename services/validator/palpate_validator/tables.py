"""Long tables of codes, by date of service: NCCI pairs, medically unlikely units, and how each code counts."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from palpate_validator.dated import BEGINNING, BadData

TABLES = Path(__file__).parent / "tables"

Kind = Literal["timed_15", "untimed", "timed_other"]


@dataclass(frozen=True, slots=True)
class PtpEdit:
    """A pair of codes that one provider may not bill for one patient on one day without more."""

    column1: str
    column2: str
    modifier_allowed: bool
    """True when an NCCI-associated modifier can set the pair apart (indicator 1); False when none can (0)."""
    effective: date
    deletion: date | None
    rationale: str

    def active(self, day: date) -> bool:
        """Whether the pair is an edit on a date of service."""
        return self.effective <= day and (self.deletion is None or day <= self.deletion)


class PtpTable:
    """The procedure-to-procedure edits of one program and setting, past rows kept."""

    def __init__(self, edits: Iterable[PtpEdit]) -> None:
        self._by_pair: dict[tuple[str, str], list[PtpEdit]] = {}
        for edit in edits:
            self._by_pair.setdefault((edit.column1, edit.column2), []).append(edit)

    def edits(self, codes: Iterable[str], day: date) -> tuple[PtpEdit, ...]:
        """The active edits among some codes on a day, in the order of their columns."""
        ordered = sorted(set(codes))
        if len(ordered) < 2:
            return ()
        pairs = ((first, second) for first in ordered for second in ordered if first != second)
        return tuple(edit for pair in pairs for edit in self._by_pair.get(pair, ()) if edit.active(day))


@dataclass(frozen=True, slots=True)
class MueLimit:
    """The most units of a code that Medicare believes."""

    code: str
    units: int
    adjudication: Literal[1, 2, 3]
    """1: each line on its own.  2 (policy, absolute) and 3 (clinical): all lines of the day together."""
    rationale: str


@dataclass(frozen=True, slots=True)
class ServiceCode:
    """How a therapy code counts, and on which dates of service it exists."""

    code: str
    kind: Kind
    first_day: date
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that is looked up by code."""

    ptp: Mapping[str, PtpTable]
    """By program (`medicare`); practitioner setting, which is what an 837P is judged by."""
    mue: Mapping[str, Mapping[str, MueLimit]]
    """By program, then by code; practitioner setting."""
    services: Mapping[str, ServiceCode]
    ptp_quarter_end: date
    """Last day of the quarter that the PTP rows were published for."""

    def kind(self, code: str, day: date) -> Kind | None:
        """How a code counts on a day; None for a code that is not a therapy service then."""
        service = self.services.get(code)
        if service is None or day < service.first_day or (service.last_day is not None and day > service.last_day):
            return None
        return service.kind


def load_tables(folder: Path = TABLES) -> Tables:
    """The shipped tables.

    Raises:
        BadData: a row lacks a column or holds an unreadable value; the text names file and line.
    """
    ptp: dict[str, list[PtpEdit]] = {}
    for row in rows(folder / "ncci_ptp.csv"):
        if row["setting"] == "practitioner" and row["modifier_indicator"] != "9":
            # Indicator 9 marks a pair that was withdrawn on the day it began: never an edit.
            ptp.setdefault(row["program"], []).append(_ptp(row))
    mue: dict[str, dict[str, MueLimit]] = {}
    for row in rows(folder / "mue.csv"):
        if row["setting"] == "practitioner":
            mue.setdefault(row["program"], {})[row["code"]] = _mue(row)
    services = {row["code"]: _service(row) for row in rows(folder / "service_codes.csv")}
    return Tables(
        ptp={program: PtpTable(edits) for program, edits in ptp.items()},
        mue=mue,
        services=services,
        ptp_quarter_end=date(2024, 9, 30),
    )


class Row(dict[str, str]):
    """A CSV row that knows where it stands, for the error message."""

    def __init__(self, values: Mapping[str, str], path: Path, line: int) -> None:
        super().__init__(values)
        self.path, self.line = path, line

    def __missing__(self, key: str) -> str:
        raise self.bad(f"column `{key}` is missing")

    def bad(self, problem: str) -> BadData:
        """What start-up refuses the file with: its name, this line and the problem."""
        return BadData(self.path, "\n" * (self.line - 1) + "here", "here", problem)

    def day(self, key: str) -> date | None:
        """A column's date; None where it is empty."""
        try:
            return date.fromisoformat(self[key]) if self[key] else None
        except ValueError as error:
            raise self.bad(f"`{key}` is not a date: {self[key]!r}") from error


def rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV table, below its `#` notes and its header."""
    with path.open(encoding="utf-8", newline="") as file:
        notes = 0
        for line in file:
            if not line.startswith("#"):
                header = next(csv.reader([line]))
                break
            notes += 1
        for values in (reader := csv.DictReader(file, fieldnames=header)):
            yield Row(values, path, notes + 1 + reader.line_num)


def _ptp(row: Row) -> PtpEdit:
    if row["modifier_indicator"] not in {"0", "1"}:
        raise row.bad(f"modifier_indicator is 0, 1 or 9, not {row['modifier_indicator']!r}")
    return PtpEdit(
        column1=row["column1"],
        column2=row["column2"],
        modifier_allowed=row["modifier_indicator"] == "1",
        effective=row.day("effective_date") or BEGINNING,
        deletion=row.day("deletion_date"),
        rationale=row["rationale"],
    )


def _mue(row: Row) -> MueLimit:
    adjudication = {"1": 1, "2": 2, "3": 3}.get(row["adjudication_indicator"])
    if adjudication is None or not row["units"].isdigit():
        raise row.bad("units is a whole number and adjudication_indicator is 1, 2 or 3")
    return MueLimit(row["code"], int(row["units"]), adjudication, row["rationale"])  # type: ignore[arg-type] # one of 1, 2, 3


def _service(row: Row) -> ServiceCode:
    kind = row["kind"]
    if kind not in {"timed_15", "untimed", "timed_other"}:
        raise row.bad(f"kind is timed_15, untimed or timed_other, not {kind!r}")
    return ServiceCode(row["code"], kind, row.day("first_day") or BEGINNING, row.day("last_day"))  # type: ignore[arg-type] # checked above
