"""People as rows of a CSV file, as a practice-management system or a spreadsheet writes it.

The first row names the columns, in any order: the keys of `[[person]]` in the directory file.  What is a table there
is two columns here (`quiet_from` and `quiet_to`).  An empty cell is a key that is not there; several values in a cell
stand with a space between them, which needs no quotes, whatever separates the cells.

```csv
id,npi,name,email,practices,roles,cover,quiet_from,quiet_to,away
ada,1245319599,"Ada Quist, PT",ada@harbor.example,1497758544,clinician,ben,19:00,7:00,2026-12-21/2027-01-02
```

A cell is text, and nothing in it is ever computed.  This module knows rows and cells; what a value has to be is said
once, by the models of the directory.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

Where = tuple[str | int, ...]
"""A place in a `[[person]]`, as pydantic names it: `("quiet_hours", "from")`."""

DELIMITERS = ",;\t"


class WrongTable(ValueError):
    """A CSV file that cannot be read as people: `<file>:<line>: column <name>: <what>; <how to mend it>`."""


def _text(cell: str) -> str:
    return cell


def _number(cell: str) -> str:
    if not re.fullmatch(r"[0-9]{10}", cell):
        raise ValueError(f"{cell!r} is no NPI")
    return cell


def _words(cell: str) -> list[str]:
    if re.search(r"[,;|]", cell):
        raise ValueError(f"{cell!r} is not one value")
    return cell.split()


def _numbers(cell: str) -> list[str]:
    return [_number(word) for word in _words(cell)]


def _absences(cell: str) -> list[dict[str, str]]:
    absences = [dict(zip(("from", "through"), word.split("/"), strict=False)) for word in _words(cell)]
    if cell.count("/") != len(absences) or not all(len(absence) == 2 for absence in absences):
        raise ValueError(f"{cell!r} does not say from when and through when")
    return absences


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: the key of a person that it fills, how a cell becomes its value, and what to write there."""

    key: tuple[str, ...]
    mend: str
    read: Callable[[str], object] = _text


_NPI = "an NPI is ten digits; where a spreadsheet has rounded it (1.2E+09), make the column text and enter it again"
_CLOCK = "write a time such as 07:30"

COLUMNS = {
    "id": _Column(("id",), "write small letters, digits, dot, hyphen and underscore, e.g. ada.quist"),
    "npi": _Column(("npi",), _NPI, _number),
    "name": _Column(("name",), "write a name of at most 120 letters on one line"),
    "email": _Column(("email",), "write one address, e.g. ada@harbor.example"),
    "practice": _Column(("practice",), _NPI, _number),
    "practices": _Column(("practices",), f"put a space between two of them; {_NPI}", _numbers),
    "roles": _Column(("roles",), "put a space between two of them, e.g. clinician manager", _words),
    "timezone": _Column(("timezone",), "write a zone of the tz database"),
    "cover": _Column(("cover",), "write the id of somebody else in the directory"),
    "away": _Column(
        ("away",), "write days as 2026-12-21/2027-01-02, first and last; put a space between two of them", _absences
    ),
    "quiet_from": _Column(("quiet_hours", "from"), _CLOCK),
    "quiet_to": _Column(("quiet_hours", "to"), _CLOCK),
    "digest_at": _Column(("digest_at",), _CLOCK),
    "channels": _Column(("channels",), "put a space between two of them, e.g. email webhook", _words),
    "webhook_url": _Column(("webhook", "url"), "write an address that begins with https://"),
    "webhook_secret_file": _Column(("webhook", "secret_file"), "write the path of the file that holds the secret"),
    "openid_subject": _Column(("openid_subject",), "write the account's `sub` as the provider shows it"),
}
"""Every column there is.  Apprise addresses hold passwords, which do not belong in a file that spreadsheets pass on."""

NEEDED = ("id", "name", "email")

_NOT_HERE = {
    "apprise": "an Apprise address holds a password: write this person into the directory file instead",
    "quiet_hours": "write two columns, quiet_from and quiet_to",
    "webhook": "write two columns, webhook_url and webhook_secret_file",
}
_AS_TEXT = re.compile(r'="([^"]*)"')
"""How exports keep a spreadsheet from taking a number for a number."""
_NOT_COMPUTED = re.compile(r"#(?:REF!|NAME\?|N/A|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!|#+)|Err:\d+")
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?\r?\n?', re.IGNORECASE)
"""A first line by which some exports tell Excel the separator."""


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the file, not yet checked."""

    file: Path
    line: int
    """The first line of the row, from 1."""
    person: dict[str, Any]
    """As it would stand in a `[[person]]`."""

    @property
    def place(self) -> str:
        """`<file>:<line>`."""
        return f"{self.file}:{self.line}"

    def refusal(self, where: Where, what: str) -> str:
        """What is said of a value that the models refuse.

        Args:
            where: The key in the person, as pydantic names it; empty for the person as a whole.
            what: What is wrong with it.
        """
        name = _column_of(where)
        return f"{self.place}: {what}" if name is None else _refusal(self.place, name, what)


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read a CSV file of people, separated by comma, semicolon or tab: whichever its header is.

    Raises:
        WrongTable: the file cannot be read, is not UTF-8 (or UTF-16 with its mark), has no header or nobody below it,
            or a column or a cell makes no sense.
    """
    records = _records(path, _decoded(path))
    header_line, header = next(records, (1, []))
    names = _header(f"{path}:{header_line}", header)
    rows = tuple(Row(path, line, _person(f"{path}:{line}", names, cells)) for line, cells in records)
    if not rows:
        raise WrongTable(f"{path}:{header_line}: nobody stands below the header; export the file again")
    return rows


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WrongTable(
            f"{path}: cannot be read ({type(error).__name__}); `people` is relative to its file"
        ) from error
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WrongTable(f"{path}:{line}: not UTF-8; save the sheet as `CSV UTF-8`") from error


def _records(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """First line and cells of every row that has something in it."""
    first, rest = 1, text
    if said := _SEPARATOR_LINE.match(text):
        first, rest = 2, text[said.end() :]
    reader = csv.reader(io.StringIO(rest, newline=""), delimiter=said[1] if said else _delimiter(rest), strict=True)
    line = first
    try:
        for cells in reader:
            bare = [_bare(cell) for cell in cells]
            if any(bare):
                yield line, bare
            line = first + reader.line_num
    except csv.Error as error:
        raise WrongTable(f"{path}:{line}: not CSV ({error}); a quote within quotes is written twice") from error


def _bare(cell: str) -> str:
    as_text = _AS_TEXT.fullmatch(cell.strip())
    return (as_text[1] if as_text else cell).strip()


def _delimiter(text: str) -> str:
    """Whatever the header names most columns by.  Cells below it may hold anything; the names of columns hold none."""
    header = next((line for line in text.splitlines() if line.strip()), "")

    def names_by(delimiter: str) -> int:
        return sum(_name(cell.strip('" ')) in COLUMNS for cell in header.split(delimiter))

    return max(DELIMITERS, key=names_by)


def _header(place: str, cells: Sequence[str]) -> list[str]:
    """The names of the columns; an empty one where there is none."""
    names = [_name(cell) for cell in cells]
    for written, name in zip(cells, names, strict=True):
        if name and name not in COLUMNS:
            raise WrongTable(f"{place}: there is no column {written!r}; {_instead(name)}")
        if name and names.count(name) > 1:
            raise WrongTable(f"{place}: the column {name} is there twice; delete one of them")
    for name in NEEDED:
        if name not in names:
            raise WrongTable(
                f"{place}: no column {name}; the first row names the columns: {', '.join(NEEDED)} and more"
            )
    return names


def _name(written: str) -> str:
    return re.sub(r"[\s-]+", "_", written.strip().lower())


def _instead(name: str) -> str:
    if name in _NOT_HERE:
        return _NOT_HERE[name]
    near = get_close_matches(name, COLUMNS, n=1)
    return f"is it {near[0]}?" if near else f"there is {', '.join(COLUMNS)}; delete what is none of them"


def _person(place: str, names: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    person: dict[str, Any] = {}
    for index, cell in enumerate(cells):
        name = names[index] if index < len(names) else ""
        if cell and not name:
            what = f"a value stands in cell {index + 1}, which has no name above it"
            raise WrongTable(f"{place}: {what}; put quotes around a value that holds the separator")
        if cell:
            _put(person, COLUMNS[name].key, _value(place, name, cell))
    for name in NEEDED:
        if name not in person:
            raise WrongTable(_refusal(place, name, "empty"))
    return person


def _value(place: str, name: str, cell: str) -> object:
    if cell.startswith("="):
        raise WrongTable(f"{place}: column {name}: a formula; write its value: nothing is computed here")
    if _NOT_COMPUTED.fullmatch(cell):
        raise WrongTable(f"{place}: column {name}: {cell} is what a spreadsheet shows for an error; write the value")
    try:
        return COLUMNS[name].read(cell)
    except ValueError as error:
        raise WrongTable(_refusal(place, name, str(error))) from error


def _put(person: dict[str, Any], key: Sequence[str], value: object) -> None:
    for part in key[:-1]:
        person = person.setdefault(part, {})
    person[key[-1]] = value


def _column_of(where: Where) -> str | None:
    """The column that fills a key or the first part of it."""
    keys = tuple(part for part in where if isinstance(part, str))
    fitting = (name for name, column in COLUMNS.items() if keys and column.key == keys[: len(column.key)])
    around = (name for name, column in COLUMNS.items() if keys and column.key[: len(keys)] == keys)
    return next(fitting, None) or next(around, None)


def _refusal(place: str, name: str, what: str) -> str:
    return f"{place}: column {name}: {what}; {COLUMNS[name].mend}"
