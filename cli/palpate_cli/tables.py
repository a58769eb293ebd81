"""`palpate tables`: CMS's NCCI files into a site's store, what lies there, and what a quarter changed."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from palpate_validator.quarter import Quarter
from palpate_validator.table_import import (
    Change,
    ImportedQuarter,
    ImportRefused,
    diff_quarters,
    import_files,
    list_quarters,
)
from palpate_validator.tables import StoredQuarter

DONE, REFUSED = 0, 2

console, errors = Console(), Console(stderr=True)


def import_tables(files: Sequence[Path], store: Path, *, quarter: str | None) -> int:
    """Read CMS's files into the store; 2 when they are refused, and then nothing was written."""
    return _refusing(lambda: _import(files, store, quarter))


def list_tables(store: Path) -> int:
    """Print every stored table; 2 when one was changed since it was imported."""
    return _refusing(lambda: _list(store))


def diff_tables(old: str, new: str, store: Path, *, program: str, setting: str, table: Literal["ptp", "mue"]) -> int:
    """Print what changed for 97140 between two stored quarters; 2 when one of them is not there."""

    def compare() -> None:
        earlier, later = Quarter.parse(old), Quarter.parse(new)
        changes = diff_quarters(store, earlier, later, program=program, setting=setting, table=table)
        for change in changes:
            _say(f"{change.kind:<8} {_row(change)}")
        _say(f"{len(changes)} change{'s' * (len(changes) != 1)} for 97140 from {earlier} to {later}.")

    return _refusing(compare)


def _refusing(act: Callable[[], None]) -> int:
    try:
        act()
    except (ImportRefused, LookupError, ValueError, OSError) as error:
        errors.print(f"[bold red]palpate:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        return REFUSED
    return DONE


def _import(files: Sequence[Path], store: Path, quarter: str | None) -> None:
    before = {each.path: each.digest for each in list_quarters(store)}
    for imported in import_files(files, store, quarter=Quarter.parse(quarter) if quarter else None):
        _say(f"{_name(imported.stored)}: {_outcome(imported, before.get(imported.stored.path))}")


def _outcome(imported: ImportedQuarter, digest_before: str | None) -> str:
    if digest_before == imported.stored.digest:
        return "was imported before from these very files; nothing has changed"
    kept = f"{imported.rows_kept} of {imported.rows_read} rows concern therapy and were kept"
    return kept if digest_before is None else f"{kept}; they take the place of what was imported before"


def _name(stored: StoredQuarter) -> str:
    return f"{stored.quarter} {stored.table} {stored.program} {stored.setting}"


def _list(store: Path) -> None:
    found = list_quarters(store)
    if not found:
        _say(f"No tables in {store}; the shipped ones are used. `palpate tables import FILE...` adds CMS's own.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("quarter", "table", "program", "setting", "SHA-256"):
        table.add_column(title, no_wrap=True)
    for each in found:
        table.add_row(str(each.quarter), each.table, each.program, each.setting, each.digest[:16])
    console.print(table)


def _row(change: Change) -> str:
    key = " ".join(change.key)
    if change.before is None or change.after is None:
        row: Mapping[str, str] = change.after or change.before or {}
        facts = ", ".join(f"{name} {row[name]}" for name in _FACTS if row.get(name))
        return f"{key}: {facts}" if facts else key
    differing = [name for name in change.after if change.before.get(name) != change.after[name]]
    words = (f"{name} {change.before.get(name) or 'none'} -> {change.after[name] or 'none'}" for name in differing)
    return f"{key}: {', '.join(words)}"


_FACTS = ("modifier_indicator", "deletion_date", "units", "adjudication_indicator")


def _say(text: str) -> None:
    console.print(escape(text), highlight=False, soft_wrap=True)
