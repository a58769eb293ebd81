"""Numbers that change by date, one TOML file each, every value with its first day and its source."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from palpate_validator.dated import BadData, DatedValue, Timeline

PARAMETERS = Path(__file__).parent / "parameters"


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


def _read(path: Path) -> Parameter:
    text = path.read_text("utf-8")
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadData(path, text, None, f"not TOML: {error}") from error
    unknown = raw.keys() - {"title", "unit", "verified_through", "value"}
    if unknown:
        key = min(unknown)
        raise BadData(path, text, key, f"`{key}` is not a key of a parameter file")
    for key in ("title", "unit", "verified_through", "value"):
        if key not in raw:
            raise BadData(path, text, None, f"`{key}` is missing")
    try:
        timeline = Timeline(_value(row) for row in raw["value"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadData(path, text, "[[value]]", f"each [[value]] needs from, value and source: {error}") from error
    return Parameter(path.stem, raw["title"], raw["unit"], raw["verified_through"], timeline)


def _value(row: dict[str, Any]) -> DatedValue:
    value = row["value"]
    if isinstance(value, list):
        value = frozenset(value)
    start, end, source = row["from"], row.get("through"), row["source"]
    if not isinstance(start, date) or not (end is None or isinstance(end, date)):
        raise TypeError("from and through are dates, written without quotes")
    if not isinstance(source, str) or not source.strip():
        raise ValueError("a source is a citation in words")
    return DatedValue(value, start, end, source)
