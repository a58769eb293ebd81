"""Numbers that change by date, one TOML file each, every value with its first day and its source."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from palpate_validator.dated import BadData, DatedValue, Timeline, line_of, toml_line

PARAMETERS = Path(__file__).parent / "parameters"

_KEYS = ("title", "unit", "verified_through", "value")
_ROW_KEYS = {"from", "through", "value", "source"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number or list over time."""

    name: str
    title: str
    unit: str
    verified_through: date
    """The last day up to which somebody checked that nothing had changed."""
    timeline: Timeline


def load_parameters(folder: Path = PARAMETERS) -> Mapping[str, Parameter]:
    """Every parameter of a folder, by name.

    Raises:
        BadData: a file is not TOML, lacks a key, or has a value without a start or a source.
    """
    return {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}


def every_code(name: str) -> frozenset[str]:
    """All codes that a parameter of lists of codes names on any day: what a rule about them is triggered by."""
    dated = _read(PARAMETERS / f"{name}.toml").timeline
    return frozenset(code for each in dated.values for code in each.value)


def _read(path: Path) -> Parameter:
    text = path.read_text("utf-8")
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadData(path, text, None, f"not TOML: {error}", line=toml_line(error)) from error
    if unknown := raw.keys() - set(_KEYS):
        key = min(unknown)
        raise BadData(path, text, key, f"`{key}` is not a key of a parameter file")
    for key in _KEYS:
        if key not in raw:
            raise BadData(path, text, None, f"`{key}` is missing")
    for key in ("title", "unit"):
        if not isinstance(raw[key], str):
            raise BadData(path, text, key, f"`{key}` is text")
    if type(raw["verified_through"]) is not date:
        raise BadData(path, text, "verified_through", "`verified_through` is a date, written without quotes")
    return Parameter(path.stem, raw["title"], raw["unit"], raw["verified_through"], _timeline(path, text, raw["value"]))


def _timeline(path: Path, text: str, rows: object) -> Timeline:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BadData(path, text, "value", "`value` needs at least one [[value]]")
    values = []
    for nth, row in enumerate(rows):
        try:
            values.append(_value(row))
        except ValueError as error:
            raise BadData(path, text, None, str(error), line=_line_of_row(text, nth)) from error
    try:
        return Timeline(values)
    except ValueError as error:
        raise BadData(path, text, "[[value]]", str(error)) from error


def _line_of_row(text: str, nth: int) -> int:
    heads = [number for number, line in enumerate(text.splitlines(), start=1) if line.strip().startswith("[[value]]")]
    return heads[nth] if nth < len(heads) else line_of(text, "value")


def _value(row: dict[str, Any]) -> DatedValue:
    if missing := {"from", "value", "source"} - row.keys():
        raise ValueError(f"each [[value]] needs from, value and source; {min(missing)} is missing")
    if unknown := row.keys() - _ROW_KEYS:
        raise ValueError(f"a [[value]] has from, through, value and source, not {min(unknown)}")
    value, start, end, source = row["value"], row["from"], row.get("through"), row["source"]
    if type(start) is not date or not (end is None or type(end) is date):
        raise ValueError("from and through are dates, written without quotes")
    if end is not None and end < start:
        raise ValueError(f"through ({end}) lies before from ({start})")
    if not isinstance(source, str) or not source.strip():
        raise ValueError("a source is a citation in words")
    return DatedValue(frozenset(value) if isinstance(value, list) else value, start, end, source)
