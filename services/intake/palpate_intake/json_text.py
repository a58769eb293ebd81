"""JSON as it stands in a file: its values one by one, and the line of each of their parts.

A file may hold one value, one a line, several of many lines each, or a list of them: a list is opened and its members
given one by one.  A broken value does not take the ones after it along.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

from pydantic_core import from_json

LARGEST_VALUE = 64 * 1024 * 1024
"""Bytes of one value.  A claim is some 50 KB; this is room for a large Bundle, which is read as a whole."""

_TOKEN = re.compile(rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+(?:"|())|[\[\]{}]')
"""A text, a bracket, or (group 1) a text that its line does not close."""
_BRACKET = re.compile(rb"[\[\]{}]")
_OPENING = frozenset(b"[{")
_BLANK = b" \t\r\n,\x00\x1a\xef\xbb\xbf"
_PLACE = re.compile(r" at line ([0-9]+) column ([0-9]+)$")

_MENDING = (
    ("EOF", "the text ends in the middle of a value: it was cut off when it was copied or sent; send it whole"),
    ("trailing comma", "there is a comma after the last member: take it away"),
    ("expected `,` or `}`", "a comma or a closing brace is missing before this place"),
    ("expected `,` or `]`", "a comma or a closing bracket is missing before this place"),
    ("expected `:`", "a colon is missing between a name and its value"),
    ("key must be a string", "a name must stand in double quotes"),
    ("control character", "a line break or tab inside a text must be written as \\n or \\t"),
    ("invalid escape", "a backslash inside a text must be written twice"),
    ("trailing characters", "something stands after the end of the value: take it away"),
    ("unicode", "the text is not UTF-8: save or send the file as UTF-8"),
    ("recursion", "it is nested too deeply to be a claim"),
    ("invalid number", "this number is not written as JSON writes numbers (no leading zero, a digit after the point)"),
    ("number out of range", "this number is too large"),
)
_OTHERWISE = "a value is missing or not in double quotes here"


class Piece(NamedTuple):
    """One value as it stands in the file, or what stands in its place."""

    line: int
    """Where it begins, counted from 1."""
    raw: bytes
    value: Any = None
    """What it says, when it could be read."""
    fault: str | None = None
    """What is wrong with it and how to mend it; None when it could be read."""
    fault_line: int = 0
    fault_column: int = 0


Reader = Callable[[bytes], Any]
"""Reads a line that is a value of its own from its text; None where it is not one of the kind that it reads."""


def pieces(stream: BinaryIO, read_line: Reader | None = None, *, largest: int = LARGEST_VALUE) -> Iterator[Piece]:
    """Every value of a stream, one by one.

    Args:
        stream: JSON.
        read_line: Tried on each line that may be a value of its own, before the text is made JSON values: what it
            gives is the piece's value.
        largest: Bytes that one value may have.
    """
    return _Framing(read_line, largest).read(stream)


def parsed(raw: bytes, line: int, column: int = 0) -> Piece:
    """A value from its text, or what keeps it from being one.

    Args:
        raw: The text.
        line: The line of the file that it begins in.
        column: How many bytes of that line stand before it.
    """
    try:
        return Piece(line, raw, from_json(raw, allow_inf_nan=False))
    except ValueError as error:
        text = str(error)
        place = _PLACE.search(text)
        at_line, at_column = (int(place.group(1)), int(place.group(2))) if place else (1, 1)
        if at_line == 1:
            at_column += column
        mending = next((words for mark, words in _MENDING if mark in text), _OTHERWISE)
        return Piece(line, raw, fault=mending, fault_line=line + at_line - 1, fault_column=at_column)


def places(raw: bytes, line: int) -> dict[str, int]:
    """The line of every part of a value, by its RFC 6901 pointer."""
    found = {"": line}
    path: list[tuple[str, int]] = []
    """For each open object or list: the pointer of it, and the index of the next member (-1 in an object)."""
    name: str | None = None
    at = line
    for match in _PART.finditer(raw):
        token = match.group()
        if token == b"\n":
            at += 1
        elif token in b"}]":
            if path:
                path.pop()
            name = None
        elif token.endswith(b":"):
            name = _unquoted(token[:-1].rstrip())
        else:
            pointer = _member(path, name)
            if pointer is not None:
                found.setdefault(pointer, at)
            if token in b"{[":
                path.append((pointer or "", -1 if token == b"{" else 0))
            name = None
    return found


_PART = re.compile(rb'\n|[{}\[\]]|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+(?:"[ \t\r]*+:?|\\?)|[^\s{}\[\]",:]++')


def _member(path: list[tuple[str, int]], name: str | None) -> str | None:
    """The pointer of the value that begins here; counts the members of a list."""
    if not path:
        return None
    parent, index = path[-1]
    if index < 0:
        return None if name is None else f"{parent}/{name}"
    path[-1] = (parent, index + 1)
    return f"{parent}/{index}"


def _unquoted(token: bytes) -> str:
    return token[1:-1].decode("utf-8", "replace").replace("~", "~0").replace("/", "~1")


class _Framing:
    """Finds where values begin and end, line by line."""

    def __init__(self, read_line: Reader | None, largest: int) -> None:
        self._read_line, self._largest = read_line, largest
        self._depth = 0
        self._floor = 0
        """1 inside a list that has been opened, else 0."""
        self._parts: list[bytes] | None = None
        """What has been read of the value that is open."""
        self._size = 0
        self._began = self._column = 0

    def read(self, stream: BinaryIO) -> Iterator[Piece]:
        number = 0
        while line := stream.readline(LARGEST_VALUE + 1):
            number += 1
            if len(line) > LARGEST_VALUE:
                yield self._too_large(number)
                _skip_line(stream)
            elif len(line) <= self._largest and self._stands_alone(line):
                yield from self._alone(line, number)
            else:
                yield from self._scan(line, number)
        yield from self._ended(number)

    def _stands_alone(self, line: bytes) -> bool:
        """Whether a line may be a value of its own: one that begins as one where no other is open, or at column 1."""
        return (self._floor == 0 and self._parts is None and line.lstrip(_BLANK)[:1] == b"{") or (
            self._floor == 0 and self._parts is not None and line[:1] == b"{" and line.rstrip()[-1:] == b"}"
        )

    def _alone(self, line: bytes, number: int) -> Iterator[Piece]:
        if self._read_line is not None and self._parts is None and (value := self._read_line(line)) is not None:
            yield Piece(number, line.strip(_BLANK), value)
            return
        piece = parsed(line.strip(_BLANK), number)
        if piece.fault is None and self._parts is None:
            yield piece
        elif piece.fault is None and is_whole(piece.value):
            # A line that is a claim of its own ends a value before it that was never closed.
            yield self._closed(b"")
            yield piece
        else:
            yield from self._scan(line, number)

    def _scan(self, line: bytes, number: int) -> Iterator[Piece]:
        start = 0
        """Where in the line the open value, or what stands between values, begins."""
        for match in _brackets(line):
            token = match.group()
            if token in (b"{", b"["):
                if self._parts is None:
                    yield from self._between(line[start : match.start()], number)
                    start = match.start()
                    if token == b"[" and self._floor == 0:
                        self._floor = self._depth = 1
                        start = match.end()
                        continue
                    self._parts, self._size, self._began, self._column = [], 0, number, start
                self._depth += 1
            else:
                self._depth -= 1
                if self._parts is None:
                    yield from self._between(line[start : match.start()], number)
                    start = match.end()
                    self._depth = self._floor = 0
                elif self._depth <= self._floor:
                    yield self._closed(line[start : match.end()])
                    start = match.end()
        yield from self._rest(line[start:], number)

    def _rest(self, rest: bytes, number: int) -> Iterator[Piece]:
        """What is left of a line: part of the open value, or something between values."""
        if self._parts is None:
            yield from self._between(rest, number)
            return
        self._size += len(rest)
        if self._size <= self._largest:
            self._parts.append(rest)
        elif self._parts:
            self._parts.clear()

    def _between(self, text: bytes, number: int) -> Iterator[Piece]:
        if junk := text.strip(_BLANK):
            yield Piece(number, junk, fault="this is no JSON object", fault_line=number, fault_column=1)

    def _closed(self, rest: bytes) -> Piece:
        parts, self._parts = self._parts or [], None
        self._depth = self._floor
        if self._size + len(rest) > self._largest:
            return self._too_large(self._began)
        return parsed(b"".join([*parts, rest]).rstrip(), self._began, self._column)

    def _too_large(self, number: int) -> Piece:
        fault = f"this value is larger than {self._largest // 1024 // 1024} MiB: write each claim as a value of its own"
        return Piece(number, b"", fault=fault, fault_line=number, fault_column=1)

    def _ended(self, number: int) -> Iterator[Piece]:
        if self._parts is not None:
            yield self._closed(b"")
        elif self._floor:
            fault = "the list is not closed: the file was cut off, and members may be missing; send it whole"
            yield Piece(number, b"", fault=fault, fault_line=number, fault_column=1)


def is_whole(value: object) -> bool:
    """Whether a value is something that we read on its own, and not a part of something larger."""
    return isinstance(value, dict) and not value.keys().isdisjoint({"specversion", "claim_id", "claim", "resourceType"})


def _brackets(line: bytes) -> Iterator["re.Match[bytes]"]:
    """The brackets of a line that stand in no text.

    Behind a text that is not closed every quote is an escaped one and closes nothing either, so only brackets are
    looked for there: to try each of those quotes would take the square of the line's length.
    """
    for match in _TOKEN.finditer(line):
        if match.lastindex is not None:
            yield from _BRACKET.finditer(line, match.start() + 1)
            return
        if match.end() - match.start() == 1:
            yield match


def _skip_line(stream: BinaryIO) -> None:
    while (more := stream.readline(65_536)) and not more.endswith(b"\n"):
        pass
