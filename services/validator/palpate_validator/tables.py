"""Long tables of codes, by date of service: NCCI pairs, medically unlikely units, and how each code counts.

They ship with the package.  A site that has imported CMS's own quarters (`table_import`) has them used first.
"""

import csv
import hashlib
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from typing import Literal

from palpate_validator.dated import BEGINNING, BadData
from palpate_validator.quarter import Quarter
from palpate_validator.visit import MANUAL_THERAPY

TABLES = Path(__file__).parent / "tables"

SHIPPED_PTP_QUARTER = Quarter(2024, 3)
"""The quarter that the shipped PTP rows were published for (CMS v30.2)."""
SHIPPED_MUE_QUARTER = Quarter(2024, 3)

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
    sure_from: date = BEGINNING
    """First day on which it was certainly an edit; before it, the table does not say since when."""

    def active(self, day: date) -> bool:
        """Whether the pair is an edit on a date of service."""
        return self.effective <= day and (self.deletion is None or day <= self.deletion)

    @property
    def codes(self) -> frozenset[str]:
        """Both codes, whichever column each stands in."""
        return frozenset({self.column1, self.column2})


@dataclass(frozen=True, slots=True, eq=False)
class PtpQuarter:
    """The rows of one publication: those in force, and the whole past."""

    quarter: Quarter
    by_pair: Mapping[tuple[str, str], tuple[PtpEdit, ...]]
    withdrawn: frozenset[tuple[str, str, date]]
    """Pairs that were taken back as of the day they began (indicator 9), with that day."""


class PtpTable:
    """The procedure-to-procedure edits of one program in the practitioner setting, as published once or more often."""

    def __init__(self, imported: Sequence[PtpQuarter], shipped: PtpQuarter | None = None) -> None:
        published = [*imported, *([] if shipped is None else [shipped])]
        if not published:
            raise ValueError("a table of edits has at least one quarter")
        self._imported = sorted(imported, key=lambda each: each.quarter)
        self._newest = max(published, key=lambda each: each.quarter)
        # Several rules ask for the pairs of one visit, and most visits bill one of a few sets of codes.
        self._remembered = lru_cache(maxsize=4096)(self._histories)

    @property
    def last_day(self) -> date:
        """Last day of the newest quarter read."""
        return self._newest.quarter.last_day

    def quarter(self, day: date) -> Quarter:
        """The quarter whose rows judge a date of service."""
        return self._publication(day).quarter

    def edits(self, codes: Iterable[str], day: date) -> tuple[PtpEdit, ...]:
        """The active edits among some codes on a day, one a pair, in the order of their columns."""
        histories = self._remembered(frozenset(codes), self._publication(day))
        active = (self._active(history, day) for history in histories)
        return tuple(edit for edit in active if edit is not None)

    def partners(self, code: str, day: date) -> frozenset[str]:
        """Every code that has a row with `code` in the publication that judges a day, in force then or not."""
        pairs = (pair for pair in self._publication(day).by_pair if code in pair)
        return frozenset(other for pair in pairs for other in pair if other != code)

    @staticmethod
    def _histories(codes: frozenset[str], publication: PtpQuarter) -> tuple[tuple[PtpEdit, ...], ...]:
        """All rows of each pair that there ever was among some codes."""
        pairs = permutations(sorted(codes), 2)
        return tuple(publication.by_pair[pair] for pair in pairs if pair in publication.by_pair)

    def _active(self, history: Sequence[PtpEdit], day: date) -> PtpEdit | None:
        # An edit that CMS has since taken back as of its first day is not held against an older claim either.
        taken_back = self._newest.withdrawn
        active = (row for row in history if row.active(day))
        standing = [row for row in active if (row.column1, row.column2, row.effective) not in taken_back]
        return max(standing, key=lambda row: row.effective, default=None)

    def _publication(self, day: date) -> PtpQuarter:
        """The imported quarter of that day, else the next later one (it holds the past too), else the newest of all."""
        if not self._imported:
            return self._newest
        asked = Quarter.of(day)
        return next((each for each in self._imported if each.quarter >= asked), self._newest)


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

    def on(self, day: date) -> bool:
        """Whether it is a code on a date of service."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


class Kinds:
    """How the therapy codes count, by date of service."""

    def __init__(self, services: Iterable[ServiceCode]) -> None:
        known = tuple(services)
        ends = {each.last_day + timedelta(days=1) for each in known if each.last_day is not None}
        self._starts = sorted({BEGINNING, *(each.first_day for each in known), *ends})
        self._between = [{each.code: each.kind for each in known if each.on(day)} for day in self._starts]

    def on(self, day: date) -> Mapping[str, Kind]:
        """How each code counts that is a therapy service on a day."""
        return self._between[bisect_right(self._starts, day) - 1]


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that is looked up by code."""

    ptp: Mapping[str, PtpTable]
    """By program (`medicare`); practitioner setting, which is what an 837P is judged by."""
    mue: Mapping[str, Mapping[str, MueLimit]]
    """By program, then by code; practitioner setting, the shipped quarter or the newest imported one."""
    services: Mapping[str, ServiceCode]
    kinds: Kinds
    """The same, by date of service."""
    ptp_quarter_end: date
    """Last day of the newest quarter of Medicare PTP rows that was read."""
    mue_quarters: Mapping[str, Mapping[Quarter, Mapping[str, MueLimit]]]
    """By program, then by quarter, then by code: CMS's file holds the current values only, so each quarter is kept."""

    def kind(self, code: str, day: date) -> Kind | None:
        """How a code counts on a day; None for a code that is not a therapy service then."""
        return self.kinds.on(day).get(code)

    def mue_on(self, program: str, day: date) -> Mapping[str, MueLimit]:
        """A program's unit limits on a day: of the latest quarter begun by then, else of the earliest there is."""
        quarters = self.mue_quarters.get(program)
        if not quarters:
            return {}
        asked = Quarter.of(day)
        return quarters[max((each for each in quarters if each <= asked), default=min(quarters))]


def load_tables(folder: Path = TABLES, store: Path | None = None) -> Tables:
    """The shipped tables, with a site's imported quarters before them.

    Args:
        folder: Where the shipped tables are.
        store: A folder that `table_import.import_files` has written quarters into.

    Raises:
        BadData: a row lacks a column or holds an unreadable value, or a stored quarter is not as it was written;
            the text names file and line.
    """
    imported = () if store is None else stored_quarters(store)
    ptp: defaultdict[str, list[PtpQuarter]] = defaultdict(list)
    mue: defaultdict[str, dict[Quarter, Mapping[str, MueLimit]]] = defaultdict(dict)
    for program, limits in _by_program(rows(folder / "mue.csv")).items():
        mue[program][SHIPPED_MUE_QUARTER] = _limits(limits)
    for each in imported:
        if each.setting != "practitioner":
            continue
        if each.table == "ptp":
            ptp[each.program].append(ptp_quarter(each.quarter, rows(each.path)))
        else:
            mue[each.program][each.quarter] = _limits(rows(each.path))
    shipped = {
        program: ptp_quarter(SHIPPED_PTP_QUARTER, edits)
        for program, edits in _by_program(rows(folder / "ncci_ptp.csv")).items()
    }
    tables = {program: PtpTable(ptp[program], shipped.get(program)) for program in ptp.keys() | shipped.keys()}
    services = {row["code"]: _service(row) for row in rows(folder / "service_codes.csv")}
    return Tables(
        ptp=tables,
        mue={program: quarters[max(quarters)] for program, quarters in mue.items()},
        services=services,
        kinds=Kinds(services.values()),
        ptp_quarter_end=tables["medicare"].last_day,
        mue_quarters=mue,
    )


@dataclass(frozen=True, slots=True)
class StoredQuarter:
    """One imported table: a file of the store."""

    path: Path
    table: Literal["ptp", "mue"]
    program: str
    setting: str
    quarter: Quarter
    digest: str
    """SHA-256 of the rows, as written into the file's first line."""


def stored_quarters(store: Path) -> tuple[StoredQuarter, ...]:
    """Every quarter in a store, oldest first.

    Raises:
        BadData: a file's first line does not describe it, or its rows do not have the digest given there.
    """
    found = (_stored(path) for path in sorted(store.glob("*.csv")))
    return tuple(sorted(found, key=lambda each: (each.quarter, each.table, each.program, each.setting)))


def _stored(path: Path) -> StoredQuarter:
    content = path.read_bytes()
    first, _, body = content.partition(b"\n")
    match = _FIRST_LINE.fullmatch(first.decode("utf-8", "replace").strip())
    if match is None:
        raise BadData(path, "", None, "the first line is not: # ptp|mue program setting quarter sha256")
    table, program, setting, quarter, digest = match.groups()
    if hashlib.sha256(body).hexdigest() != digest:
        raise BadData(path, "", None, "the rows are not those that were imported (SHA-256 differs); import it again")
    return StoredQuarter(path, table, program, setting, Quarter.parse(quarter), digest)  # type: ignore[arg-type] # ptp or mue


_FIRST_LINE = re.compile(r"# (ptp|mue) (\w+) (\w+) (\d{4}Q[1-4]) ([0-9a-f]{64})")


def ptp_quarter(quarter: Quarter, published: "Iterable[Row]") -> PtpQuarter:
    """The practitioner rows of one publication.

    Indicator 9 marks a pair that was withdrawn on the day it began: never an edit.
    """
    by_pair: defaultdict[tuple[str, str], list[PtpEdit]] = defaultdict(list)
    withdrawn: set[tuple[str, str, date]] = set()
    for row in published:
        if row["setting"] != "practitioner":
            continue
        pair = (row["column1"], row["column2"])
        if row["modifier_indicator"] == "9":
            effective = row.day("effective_date")
            if effective is not None:
                withdrawn.add((*pair, effective))
        else:
            by_pair[pair].append(_ptp(row))
    dated = {pair: _with_starts(edits, quarter) for pair, edits in by_pair.items()}
    # A pair can be taken back and stand with the same first day (13121 with 13120 in 1996): then it stands.
    standing = {(edit.column1, edit.column2, edit.effective) for edits in dated.values() for edit in edits}
    return PtpQuarter(quarter, dated, frozenset(withdrawn - standing))


def _with_starts(edits: Iterable[PtpEdit], quarter: Quarter) -> tuple[PtpEdit, ...]:
    """A pair's rows in order of time, with what can be said of a start that the source left out.

    Rows that follow a deletion of the same pair began after it.  When exactly is not known, so such a row is sure only
    from the quarter it was published for; and so is every row without a start that does not concern 97140.
    """
    ordered = sorted(edits, key=lambda edit: edit.deletion or date.max)
    previous: PtpEdit | None = None
    dated: list[PtpEdit] = []
    for edit in ordered:
        if edit.effective != BEGINNING:
            placed = replace(edit, sure_from=edit.effective)
        elif previous is not None and previous.deletion is not None:
            placed = replace(edit, effective=previous.deletion + timedelta(days=1), sure_from=quarter.first_day)
        elif MANUAL_THERAPY in edit.codes:
            placed = edit
        else:
            placed = replace(edit, sure_from=quarter.first_day)
        dated.append(placed)
        previous = placed
    return tuple(dated)


class Row(dict[str, str]):
    """A CSV row that knows where it stands, for the error message."""

    def __init__(self, values: Mapping[str, str], path: Path, line: int) -> None:
        super().__init__(values)
        self.path, self.line = path, line

    def __missing__(self, key: str) -> str:
        raise self.bad(f"column `{key}` is missing")

    def bad(self, problem: str) -> BadData:
        """What start-up refuses the file with: its name, this line and the problem."""
        return BadData(self.path, "", None, problem, line=self.line)

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
        else:
            raise BadData(path, "", None, "there is no header line with the names of the columns")
        for values in (reader := csv.DictReader(file, fieldnames=header)):
            filled = {key: value for key, value in values.items() if value is not None}
            yield Row(filled, path, notes + 1 + reader.line_num)


def _by_program(table: Iterable[Row]) -> dict[str, list[Row]]:
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in table:
        grouped[row["program"]].append(row)
    return dict(grouped)


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


def _limits(table: Iterable[Row]) -> dict[str, MueLimit]:
    return {row["code"]: _mue(row) for row in table if row["setting"] == "practitioner"}


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
