"""Opening what a user names: files, folders, globs, `-` for stdin, and what is inside .gz and .zip.

A path that cannot be opened is given all the same: reading from it raises `UnreadableStream`, which `read_claims` turns
into an outcome like any other, so that one bad path does not stop the rest.
"""

import glob
import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO

from palpate_intake.outcome import UnreadableStream

STDIN = "-"
STDIN_NAME = "stdin"
READ_SUFFIXES = frozenset(
    {".json", ".jsonl", ".ndjson", ".837", ".837p", ".edi", ".x12", ".dat", ".clm", ".txt", ".gz", ".zip"}
)
"""Of a folder's files, those that may hold claims.  A file that is named itself is read whatever it is called."""

MOST_UNPACKED = 2 * 1024**3
"""Bytes that one packed file may unpack to, or that are read from a pipe."""
MOST_RATIO = 300
"""How many times larger than itself a packed file may become.  Text packs to a tenth; a bomb to a thousandth."""
_UNSUSPICIOUS = 16 * 1024**2
MOST_MEMBERS = 10_000

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)
"""What the standard library raises for a file that is missing, damaged, locked, or packed in a way it does not know."""


def open_files(paths: Iterable[str]) -> Iterator[tuple[str, BinaryIO]]:
    """Every stream that some paths lead to, with its name, in order; each is closed when the next is asked for.

    Args:
        paths: Files, folders (with all below them), globs, or `-`.
    """
    for path in paths:
        if path == STDIN:
            with _guarded(sys.stdin.buffer, STDIN_NAME, None) as stdin:
                yield from _unpacked(STDIN_NAME, stdin, packed_size=None)
            continue
        for file in _files(path):
            yield from _opened(file)


def _files(path: str) -> list[Path]:
    """The files that a path means; a path that leads to none stays itself, to be told of."""
    named = Path(path)
    if named.is_dir():
        below = sorted(each for each in named.rglob("*") if each.suffix.lower() in READ_SUFFIXES and each.is_file())
        return below or [named]
    if not named.exists() and glob.has_magic(path):
        found = glob.glob(path, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
        return sorted(Path(each) for each in found if Path(each).is_file()) or [named]
    return [named]


def _opened(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    name = str(path)
    try:
        file = path.open("rb")
    except OSError as error:
        yield name, _failing(_why(name, error))
        return
    with file:
        yield from _unpacked(name, file, packed_size=path.stat().st_size)


def _unpacked(name: str, stream: io.BufferedReader, packed_size: int | None) -> Iterator[tuple[str, BinaryIO]]:
    """What a stream holds: itself, or what is packed in it."""
    magic = _magic(stream)
    if magic.startswith(_GZIP_MAGIC):
        with gzip.GzipFile(fileobj=stream) as packed, _guarded(packed, name, packed_size) as unpacked:
            yield name, unpacked
    elif magic == _ZIP_MAGIC and packed_size is not None:
        yield from _members(name, stream)
    elif magic == _ZIP_MAGIC:
        yield name, _failing(f"{name} is a .zip, which cannot be read from a pipe: name the file instead")
    else:
        yield name, stream


def _magic(stream: io.BufferedReader) -> bytes:
    try:
        return stream.peek(4)[:4]
    except (OSError, UnreadableStream):
        return b""


def _members(name: str, stream: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    try:
        archive = zipfile.ZipFile(stream)
    except _DAMAGED as error:
        yield name, _failing(_why(name, error))
        return
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        for member in members[:MOST_MEMBERS]:
            inside = f"{name}/{member.filename}"
            try:
                packed = archive.open(member)
            except _DAMAGED as error:
                yield inside, _failing(_why(inside, error))
                continue
            with packed, _guarded(packed, inside, member.compress_size) as unpacked:
                yield inside, unpacked
        if len(members) > MOST_MEMBERS:
            yield name, _failing(f"{name} holds more than {MOST_MEMBERS} files: the rest was not read")


def _guarded(inner: "IO[bytes] | gzip.GzipFile", name: str, packed_size: int | None) -> io.BufferedReader:
    return io.BufferedReader(_Guarded(inner, name, packed_size), 65_536)


class _Guarded(io.RawIOBase):
    """A stream that says in one way what is wrong with it, and that does not unpack without end."""

    def __init__(self, inner: "IO[bytes] | gzip.GzipFile", name: str, packed_size: int | None) -> None:
        self._inner, self._name = inner, name
        self._given = 0
        by_ratio = MOST_UNPACKED if packed_size is None else max(_UNSUSPICIOUS, packed_size * MOST_RATIO)
        self._most = min(MOST_UNPACKED, by_ratio)

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, into: "bytearray | memoryview") -> int:  # type: ignore[override] # any writable buffer
        """Fill a buffer."""
        try:
            given = self._inner.read(len(into))
        except _DAMAGED as error:
            raise UnreadableStream(_why(self._name, error)) from error
        self._given += len(given)
        if self._given > self._most:
            raise UnreadableStream(f"{self._name} is larger than {self._most} bytes: the rest was not read")
        into[: len(given)] = given
        return len(given)


class _Failing(io.RawIOBase):
    """A stream that could not be opened."""

    def __init__(self, why: str) -> None:
        self._why = why

    def readable(self) -> bool:
        """It says that it can be read, and tells why not when it is."""
        return True

    def readinto(self, _into: "bytearray | memoryview") -> int:  # type: ignore[override] # any writable buffer
        """Tell."""
        raise UnreadableStream(self._why)


def _failing(why: str) -> BinaryIO:
    return io.BufferedReader(_Failing(why), 16)


def _why(name: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{name} is not there: check the path"
    if isinstance(error, IsADirectoryError):
        return f"{name} is a folder without a file that may hold claims"
    if isinstance(error, PermissionError):
        return f"{name} may not be read by this user"
    if isinstance(error, RuntimeError):
        return f"{name} is locked with a password, or packed in a way that is not read"
    return f"{name} is damaged or was cut off ({type(error).__name__}): send it again"
