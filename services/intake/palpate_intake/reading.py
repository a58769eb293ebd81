"""Reading what practice-management systems write: a file's form is told by its content, its claims come one by one."""

import io
from collections.abc import Iterator
from typing import BinaryIO

from palpate_intake.hints import NO_HINTS, Hints
from palpate_intake.json_claims import read_json
from palpate_intake.outcome import Outcome, UnreadableStream, unreadable
from palpate_intake.x12_segments import looks_like_x12

FORMS = (
    "a claim event or its bare data as JSON, JSON lines of either, a FHIR R4 Claim or Bundle, or an X12 837P "
    "(which begins with ISA)"
)
_PEEK = 4096
_TELLING = 16
_MOST_BLANK = 1024 * 1024
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_claims(stream: BinaryIO, name: str, *, hints: Hints = NO_HINTS, lean: bool = False) -> Iterator[Outcome]:
    """Every claim of a file, lazily and in bounded memory.

    Args:
        stream: The file, from its beginning.
        name: What to call it in the outcomes.
        hints: What the caller knows and the file does not say.
        lean: Whether the caller only looks at the claims: they may be lean structures, read in a third of the time.

    Yields:
        A `ReadClaim` or an `Unreadable` for each claim; one `Unreadable` for a file that holds none.  Nothing is
        raised for what a file holds, and reading goes on after what cannot be read.
    """
    try:
        yield from _by_form(stream, name, hints, lean=lean)
    except UnreadableStream as error:
        yield unreadable(name, "the file", str(error))


def _by_form(stream: BinaryIO, name: str, hints: Hints, *, lean: bool) -> Iterator[Outcome]:
    start = _first_bytes(stream)
    whole = _Rejoined(start, stream)
    begins = start.removeprefix(_UTF8_MARK).lstrip(b" \t\r\n\x00\x1a")
    if not begins:
        yield unreadable(name, "line 1", f"{name} is empty")
    elif start.startswith(_UTF16_MARKS):
        yield unreadable(name, "line 1", f"{name} is written as UTF-16: save or send it as UTF-8")
    elif begins[:1] in {b"{", b"["}:
        yield from read_json(io.BufferedReader(whole, _PEEK * 16), name, hints, lean=lean)
    elif looks_like_x12(begins[:8].decode("latin-1")):
        from palpate_intake.x12 import read_x12  # noqa: PLC0415 - whoever has JSON does not wait for it

        yield from read_x12(io.BufferedReader(whole, _PEEK * 16), name, hints)
    else:
        yield unreadable(name, "line 1", f"{name} is none of what Palpate reads: {FORMS}")


def _first_bytes(stream: BinaryIO) -> bytes:
    """Enough of a stream to tell its form: some bytes that are not white space."""
    start = b""
    while len(start.strip()) < _TELLING and len(start) < _MOST_BLANK and (more := stream.read(_PEEK)):
        start += more
    return start


class _Rejoined(io.RawIOBase):
    """A stream whose beginning has been looked at, from its beginning."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, into: "bytearray | memoryview") -> int:  # type: ignore[override] # any writable buffer
        """Fill a buffer."""
        if self._start:
            given, self._start = self._start[: len(into)], self._start[len(into) :]
        else:
            given = self._rest.read(len(into))
        into[: len(given)] = given
        return len(given)
