"""CMS's own NCCI files, read into a site's store of quarters.

The files lie behind a licence click-through, so each site downloads its own: the four parts of the practitioner or
hospital procedure-to-procedure edits, and the medically-unlikely-edit tables, of Medicare or Medicaid, as they come
(zip, TXT, XLSX or CSV).  What a file holds is told by its rows, not by where they begin: notices, wrapped titles and a
column that Medicaid's files lack are passed over.

A store holds one CSV a table, program, setting and quarter, in the shape of the shipped tables, with the rows that
concern manual therapy.  Its first line names the quarter and the SHA-256 of the rest.  Older quarters are kept.
"""

import csv
import hashlib
import io
import os
import re
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Literal

from palpate_validator.quarter import Quarter
from palpate_validator.tables import StoredQuarter, load_tables, rows, stored_quarters
from palpate_validator.visit import MANUAL_THERAPY

Table = Literal["ptp", "mue"]
Row = tuple[str, ...]

_PARTS = 4
"""CMS splits the Medicare edits of a setting into f1 to f4; a quarter without one of them would lack edits."""

_SUFFIXES = (".txt", ".csv", ".xlsx")
"""Best first: CMS sends the same rows in several forms."""

_HEADERS: Mapping[Table, Row] = {
    "ptp": (
        "program", "setting", "column1", "column2", "modifier_indicator", "effective_date", "deletion_date",
        "rationale",
    ),
    "mue": ("program", "setting", "code", "units", "adjudication_indicator", "rationale"),
}  # fmt: skip

_SETTINGS = {
    "practitioner": re.compile(r"ccipra|practitioner", re.IGNORECASE),
    "outpatient_hospital": re.compile(r"ccioph|hospital", re.IGNORECASE),
    "dme_supplier": re.compile(r"\bdme|_dme", re.IGNORECASE),
}
_CODE = re.compile(r"[A-Z0-9]{5}")
_DAY = re.compile(r"\d{8}")
_PART = re.compile(r"-f(\d+)(?!\d)", re.IGNORECASE)
_VERSION = re.compile(r"v(\d\d)([0-3])r", re.IGNORECASE)
_YEAR_QUARTER = re.compile(r"(20\d\d)[-_ ]?q([1-4])", re.IGNORECASE)
_QUARTER_YEAR = re.compile(r"q([1-4])[-_ ]?(20\d\d)", re.IGNORECASE)
_EFFECTIVE = re.compile(r"eff[-_ ]?(0[1-9]|1[0-2])-\d\d-(\d{4})", re.IGNORECASE)


class ImportRefused(ValueError):
    """A file that is not one of CMS's tables, or not whole; the text begins with its name."""


@dataclass(frozen=True, slots=True)
class ImportedQuarter:
    """What one import has written."""

    stored: StoredQuarter
    rows_read: int
    rows_kept: int
    sources: tuple[str, ...]
    """The files that it was read from."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs between two quarters; `before` or `after` is None where there was none."""

    key: Row
    """Both codes and the effective date of an edit; the code of a unit limit."""
    before: Mapping[str, str] | None
    after: Mapping[str, str] | None

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """What happened to it."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def import_files(paths: Iterable[Path], store: Path, *, quarter: Quarter | None = None) -> tuple[ImportedQuarter, ...]:
    """Read CMS's files into a store.

    Args:
        paths: Zip, TXT, CSV or XLSX files; all parts of a table at once.
        store: The folder to write into; made if it is not there.
        quarter: The quarter of the files, where their names do not tell it.

    Returns:
        What was written, in order of table, program and setting.

    Raises:
        ImportRefused: a file holds no such table, is unreadable, or a part or its quarter is missing.  Nothing has
            been written then.
    """
    groups: defaultdict[tuple[Table, str, str, Quarter], list[_Sheet]] = defaultdict(list)
    for path in paths:
        for sheet in _sheets(path, quarter):
            groups[sheet.table, sheet.program, sheet.setting, sheet.quarter].append(sheet)
    if not groups:
        raise ImportRefused("there is no file to import")
    for sheets in groups.values():
        _refuse_missing_parts(sheets)
    store.mkdir(parents=True, exist_ok=True)
    return tuple(_write(store, *group, groups[group]) for group in sorted(groups))


def list_quarters(store: Path) -> tuple[StoredQuarter, ...]:
    """Every table in a store, oldest quarter first; none where the folder is not there.

    Raises:
        BadData: a file was changed since it was written.
    """
    return stored_quarters(store)


def diff_quarters(  # noqa: PLR0917 - the contract of the command: two quarters, then what to look at
    store: Path,
    old: Quarter,
    new: Quarter,
    code: str | None = MANUAL_THERAPY,
    program: str = "medicare",
    setting: str = "practitioner",
    table: Table = "ptp",
) -> tuple[Change, ...]:
    """What changed from one stored quarter to another.

    Args:
        store: The store.
        old: The earlier quarter.
        new: The later quarter.
        code: Only rows of this code; None for all.
        program: `medicare` or `medicaid`.
        setting: `practitioner`, `outpatient_hospital` or `dme_supplier`.
        table: `ptp` or `mue`.

    Raises:
        LookupError: one of the quarters is not in the store.
    """
    before, after = (_keyed(store, each, (table, program, setting), code) for each in (old, new))
    changes = (Change(key, before.get(key), after.get(key)) for key in sorted(before.keys() | after.keys()))
    return tuple(change for change in changes if change.before != change.after)


def _keyed(
    store: Path, quarter: Quarter, wanted: tuple[Table, str, str], code: str | None
) -> dict[Row, Mapping[str, str]]:
    found = [
        each
        for each in stored_quarters(store)
        if each.quarter == quarter and (each.table, each.program, each.setting) == wanted
    ]
    if not found:
        raise LookupError(f"{' '.join(wanted)} of {quarter} is not in {store}")
    table: dict[Row, Mapping[str, str]] = {}
    for row in rows(found[0].path):
        codes = (row["column1"], row["column2"]) if wanted[0] == "ptp" else (row["code"],)
        if code is None or code in codes:
            # CMS repeats a key; the one with the later end is the one in force.
            key = (*codes, row["effective_date"]) if wanted[0] == "ptp" else codes
            if key not in table or _end(row) >= _end(table[key]):
                table[key] = dict(row)
    return table


def _end(row: Mapping[str, str]) -> str:
    return row.get("deletion_date") or "9999-12-31"


# -- one file of CMS's ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sheet:
    """One file's rows, read and understood."""

    name: str
    table: Table
    program: str
    setting: str
    quarter: Quarter
    part: int | None
    digest: str
    kept: set[Row] = field(default_factory=set)
    rows_read: int = 0


def _sheets(path: Path, quarter: Quarter | None) -> Iterator[_Sheet]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImportRefused(f"{path}: cannot be read ({error.strerror})") from error
    if path.suffix.lower() != ".zip":
        yield _sheet((path.name,), content, quarter)
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in _best_forms(archive.namelist()):
                yield _sheet((name, path.name), archive.read(name), quarter)
    except zipfile.BadZipFile as error:
        raise ImportRefused(f"{path.name}: not a whole zip file ({error})") from error


def _best_forms(names: Iterable[str]) -> list[str]:
    """Of each table in an archive the form that is read best."""
    by_stem: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in _SUFFIXES and not name.startswith("__MACOSX/"):
            by_stem[name[: -len(suffix)].lower()].append(name)
    return [
        min(forms, key=lambda name: _SUFFIXES.index(PurePosixPath(name).suffix.lower())) for forms in by_stem.values()
    ]


def _sheet(names: Sequence[str], content: bytes, quarter: Quarter | None) -> _Sheet:
    """A file's rows; `names` are its own and that of the archive it came in."""
    name = " in ".join(names)
    reading = _Reading(name)
    for number, row in _grid(names[0], content):
        reading.take(number, row)
    if not reading.pairs and not (reading.limits and "MUE" in reading.titles):
        raise ImportRefused(f"{name}: holds neither procedure-to-procedure edits nor medically unlikely edits")
    return _Sheet(
        name=name,
        table="ptp" if reading.pairs else "mue",
        program=_program(names, reading),
        setting=_setting(names, reading.titles),
        quarter=quarter or _quarter(names, reading.newest),
        part=_part(names),
        digest=hashlib.sha256(content).hexdigest(),
        kept=reading.kept_pairs if reading.pairs else reading.kept_limits,
        rows_read=reading.pairs or reading.limits,
    )


_TITLE_ROWS = 40
"""Notices and titles stand above this row."""


@dataclass(slots=True)
class _Reading:
    """What one pass over a file has found; the rows that do not concern therapy are only counted."""

    name: str
    titles: str = ""
    pairs: int = 0
    limits: int = 0
    kept_pairs: set[Row] = field(default_factory=set)
    kept_limits: set[Row] = field(default_factory=set)
    newest: str = ""
    """The latest effective date of an edit."""
    has_history_flag: bool = True
    has_indicator: bool = False

    def take(self, number: int, row: Sequence[str]) -> None:
        """Take in one row, whatever it is."""
        if _is_pair(row):
            self._take_pair(number, row)
        elif not self.pairs and _is_limit(row):
            self._take_limit(row)
        elif number <= _TITLE_ROWS:
            self.titles += " ".join(row) + " "

    def _take_pair(self, number: int, row: Sequence[str]) -> None:
        pair = _pair(self.name, number, row)
        self.has_history_flag = not _without_history_flag(row) if not self.pairs else self.has_history_flag
        self.pairs += 1
        self.newest = max(self.newest, pair[3])
        if MANUAL_THERAPY in pair[:2] or _therapy_codes().issuperset(pair[:2]):
            self.kept_pairs.add(pair)

    def _take_limit(self, row: Sequence[str]) -> None:
        self.limits += 1
        self.has_indicator |= _has_indicator(row)
        if row[0] in _therapy_codes():
            self.kept_limits.add(_limit(row))


@cache
def _therapy_codes() -> frozenset[str]:
    return frozenset(load_tables().services)


def _grid(name: str, content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The cells of a file, each row with its number."""
    if name.lower().endswith(".xlsx"):
        yield from _cells_of_a_workbook(name, content)
        return
    text = _text(content)
    if "\t" in text:
        # Quotation marks in the notices are not always in pairs, so a tab file is read line by line.
        for number, line in enumerate(text.splitlines(), start=1):
            yield number, [cell.strip().strip('"').strip() for cell in line.split("\t")]
    else:
        for cells in (reader := csv.reader(io.StringIO(text, newline=""))):
            yield reader.line_num, [cell.strip() for cell in cells]


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _cells_of_a_workbook(name: str, content: bytes) -> Iterator[tuple[int, list[str]]]:
    # Only a site that imports workbooks pays for loading it.
    import openpyxl  # type: ignore[import-untyped] # noqa: PLC0415 - it ships no types

    try:
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ImportRefused(f"{name}: not a readable workbook ({error})") from error
    for sheet in workbook.worksheets:
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield number, [_shown(cell) for cell in cells]
    workbook.close()


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return f"{cell:%Y%m%d}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


# -- edits ------------------------------------------------------------------------------------------------------------


def _is_pair(row: Sequence[str]) -> bool:
    return len(row) >= 5 and bool(_CODE.fullmatch(row[0]) and _CODE.fullmatch(row[1]))


def _without_history_flag(row: Sequence[str]) -> bool:
    """Whether the row lacks the column "in existence before 1996", as Medicaid's do."""
    return bool(_DAY.fullmatch(row[2]))


def _pair(name: str, number: int, row: Sequence[str]) -> Row:
    rest = [*(row[2:] if _without_history_flag(row) else row[3:]), "", "", "", ""]
    effective, deletion, indicator, rationale = rest[:4]
    try:
        start, end = _day(effective), "" if deletion in {"", "*"} else _day(deletion)
    except ValueError as error:
        raise ImportRefused(f"{name}:{number}: a date is written YYYYMMDD ({error})") from error
    if indicator not in {"0", "1", "9"}:
        raise ImportRefused(f"{name}:{number}: the modifier indicator is 0, 1 or 9, not {indicator!r}")
    return (row[0], row[1], indicator, start, end, " ".join(rationale.split()))


def _day(text: str) -> str:
    if not _DAY.fullmatch(text):
        raise ValueError(repr(text))
    return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()


# -- unit limits ------------------------------------------------------------------------------------------------------


def _is_limit(row: Sequence[str]) -> bool:
    return len(row) >= 2 and bool(_CODE.fullmatch(row[0])) and row[1].isdigit()


def _has_indicator(row: Sequence[str]) -> bool:
    """Whether the third cell is the adjudication indicator; Medicaid's tables have none."""
    return len(row) > 2 and row[2][:1] in {"1", "2", "3"}


def _limit(row: Sequence[str]) -> Row:
    # Medicaid's limits are judged line by line, which is what indicator 1 says.
    indicator, rationale = (row[2][0], row[3:4]) if _has_indicator(row) else ("1", row[2:3])
    return (row[0], row[1], indicator, " ".join(" ".join(rationale).split()))


# -- what a file is of ------------------------------------------------------------------------------------------------


def _program(names: Sequence[str], reading: _Reading) -> str:
    if any("medicaid" in name.lower() for name in names):
        return "medicaid"
    return "medicare" if (reading.has_history_flag if reading.pairs else reading.has_indicator) else "medicaid"


def _setting(names: Sequence[str], titles: str) -> str:
    for text in (*names, titles):
        for setting, words in _SETTINGS.items():
            if words.search(text):
                return setting
    raise ImportRefused(f"{names[0]}: neither its name nor its titles say practitioner, hospital or DME")


def _quarter(names: Sequence[str], newest: str) -> Quarter:
    """By the names; else the quarter of the newest edit, since every quarter has some that begin on its first day."""
    for name in names:
        if match := _VERSION.search(name):
            return Quarter(1994 + int(match[1]), int(match[2]) + 1)
        if match := _YEAR_QUARTER.search(name):
            return Quarter(int(match[1]), int(match[2]))
        if match := _QUARTER_YEAR.search(name):
            return Quarter(int(match[2]), int(match[1]))
        if match := _EFFECTIVE.search(name):
            return Quarter.of(date(int(match[2]), int(match[1]), 1))
    if newest:
        return Quarter.of(date.fromisoformat(newest))
    raise ImportRefused(f"{names[0]}: its name does not tell the quarter; say it")


def _part(names: Sequence[str]) -> int | None:
    match = next((match for name in names if (match := _PART.search(name))), None)
    return None if match is None else int(match[1])


def _refuse_missing_parts(sheets: Sequence[_Sheet]) -> None:
    there = {sheet.part for sheet in sheets if sheet.part is not None}
    missing = set(range(1, max(_PARTS, *there) + 1)) - there if there else set()
    if missing:
        named = ", ".join(f"f{part}" for part in sorted(missing))
        raise ImportRefused(f"{sheets[0].name}: {named} of this table is missing; import all parts at once")


# -- the store --------------------------------------------------------------------------------------------------------


def _write(  # noqa: PLR0917 - the five are one key and its sheets
    store: Path, table: Table, program: str, setting: str, quarter: Quarter, sheets: Sequence[_Sheet]
) -> ImportedQuarter:
    kept = sorted(set[Row]().union(*(sheet.kept for sheet in sheets)))
    body = _body(table, program, setting, kept, sheets)
    digest = hashlib.sha256(body).hexdigest()
    path = store / f"{table}_{program}_{setting}_{quarter}.csv"
    _replace(path, f"# {table} {program} {setting} {quarter} {digest}\n".encode() + body)
    return ImportedQuarter(
        stored=StoredQuarter(path, table, program, setting, quarter, digest),
        rows_read=sum(sheet.rows_read for sheet in sheets),
        rows_kept=len(kept),
        sources=tuple(sheet.name for sheet in sheets),
    )


def _body(table: Table, program: str, setting: str, kept: Iterable[Row], sheets: Iterable[_Sheet]) -> bytes:
    text = io.StringIO(newline="")
    for sheet in sheets:
        text.write(f"# from {sheet.name}, SHA-256 {sheet.digest}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADERS[table])
    writer.writerows((program, setting, *row) for row in kept)
    return text.getvalue().encode("utf-8")


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a reader sees the old one or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".importing-", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
