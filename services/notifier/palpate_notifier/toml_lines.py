"""Where in a TOML file a value stands.  The standard library reads TOML without saying so; a refusal has to say it."""

import re
from collections.abc import Iterator

Path = tuple[str | int, ...]
"""Keys and, for arrays of tables, positions from 0: `("root", "routes", 1, "match")`."""

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_TOKEN = re.compile(r'"""(?:\\.|[^\\])*?(?:"""|$)|\'\'\'.*?(?:\'\'\'|$)|"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*|[\[\]{}]')


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, of every table and key.  What is written inline stands on the line of its key."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in _statements(text):
        if header := _HEADER.match(line):
            table = _table(counts, _parts(header[2]), is_array=header[1] == "[[")
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            path = table
            for part in _parts(key[1]):
                path = (*path, part)
                found.setdefault(path, number)
    return found


def line_of(found: dict[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest thing around it that has one."""
    while path and path not in found:
        path = path[:-1]
    return found.get(path, 1)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Lines that begin something: those within an array or a table that spans lines are left out."""
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if depth == 0:
            yield number, line
        if depth == 0 and _HEADER.match(line):
            continue
        for found in _TOKEN.findall(line):
            depth += (found in {"[", "{"}) - (found in {"]", "}"})


def _table(counts: dict[Path, int], parts: list[str], *, is_array: bool) -> Path:
    path: Path = ()
    for index, part in enumerate(parts):
        path = (*path, part)
        if is_array and index == len(parts) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = (*path, counts[path] - 1)
    return path


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
