"""Scenarios of faults: which of them run, and the table of what came out.

`make test` runs those without the mark `slow`, each with few claims; `make faults` runs all, with many, and writes the
table to `docs/faults.md`.
"""

import os
import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from palpate_runtime.embedded import server_binary
from tests.faults.rig import FULL, Rig

COLUMNS = ("claims", "verdicts", "lost", "twice", "cases", "mails", "repeats", "seconds")
_rows: list[tuple[str, str, dict[str, Any]]] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long scenarios belong to `make faults`."""
    if FULL:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture
def rig(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A rig of its own; what it says goes into the table."""
    with Rig(tmp_path, **getattr(request, "param", {})) as made:
        yield made
        request.node.user_properties.append(("says", made.says))


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Keep one row a scenario."""
    if call.when == "call" and "faults" in item.path.parts:
        failed = "" if call.excinfo is None else type(call.excinfo.value).__name__
        found = getattr(item, "funcargs", {}).get("rig")
        says = found.says if isinstance(found, Rig) else getattr(item, "says", {})
        _rows.append((_title(item), failed, {"seconds": round(call.duration, 1), **says}))


def _title(item: pytest.Item) -> str:
    # What pytest names a parameter by itself says nothing.
    words = re.sub(r"\[\w+\d\]$", "", item.name).removeprefix("test_").replace("_", " ")
    return f"{words[0].upper()}{words[1:]}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table, and write it where `make faults` wants it."""
    if not _rows or not FULL:
        return
    lines = _table()
    for line in lines:
        terminalreporter.write_line(line)
    if path := os.environ.get("PALPATE_FAULTS_TABLE"):
        Path(path).write_text(_page(lines), "utf-8")


def _table() -> list[str]:
    head = ["scenario", "result", *COLUMNS]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * 2}{'---:|' * len(COLUMNS)}"]
    for title, failed, says in _rows:
        cells = [title, failed or "holds", *(str(says.get(column, "")) for column in COLUMNS)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _page(table: list[str]) -> str:
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {platform.python_version()}"
    held = sum(not failed for _, failed, _ in _rows)
    extra = [
        f"- {title}: {', '.join(f'{key} {value}' for key, value in more.items())}"
        for title, _, says in _rows
        if (more := {key: value for key, value in says.items() if key not in COLUMNS})
    ]
    return "\n".join(
        [
            "# Faults, and what came of them",
            "",
            "Written by `make faults`, which does real harm to real processes; not by hand.",
            "",
            "Every scenario has the same criteria: every claim has exactly one verdict, and it is the engine's;",
            "nothing is pending and nothing vanished; the cases equal what the verdicts ask for; everybody was told,",
            "a message that arrives twice has the same Message-ID, of one that may not have arrived the manager knows;",
            "no PHI canary, plain or in base64, is in a log, event, key of Redis, audit line, mail, metric, database.",
            "The one exception is `original_base64` of a rejection (`claims.rejected`) and of a dead letter (`.dead`):",
            "the sender's own bytes, held against what was sent to the byte.",
            "",
            f"{held} of {len(_rows)} hold. {when}, {server_binary().name}.",
            "",
            *table,
            "",
            "What else was measured:",
            "",
            *extra,
            "",
        ]
    )
