"""A folder that claim files are put into: `in/`, `work/`, `done/` and `failed/`, each move between them one rename.

A file in `work/` belongs to whoever holds its lock.  The lock ends with its process, however that ends: what a watcher
was busy with when it was killed is taken up by the next one that looks, and never by two at once.
"""

import fcntl
import hashlib
import os
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple

ERRORS_SUFFIX = ".errors.json"
"""Of the file beside a failed one that says why."""

UNFINISHED_SUFFIXES = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~", ERRORS_SUFFIX)
"""Of files that are being written or are no claims: left where they are.  So is a file whose name begins with a dot."""

_LONGEST_NAME = 255
"""Bytes, on every file system in use."""
_LONGEST_SUFFIX = 20
_NOT_OPEN = -1
_MODE = 0o770
"""Of folders that are made here: claims are nobody else's to read."""


class WrongFolder(ValueError):
    """A folder that cannot be watched; the text says why and what to do."""


class Look(NamedTuple):
    """What changes when somebody writes to a file."""

    inode: int
    size: int
    written_ns: int

    @classmethod
    def at(cls, status: os.stat_result) -> "Look":
        """Of a file's status."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass
class Taken:
    """A file in `work/` that this process holds the lock of."""

    name: str
    path: Path
    lock: int = field(repr=False)
    """The open file that the lock is on."""

    def look(self) -> Look:
        """As it is now: a sender that did not wait may still be writing to it."""
        return Look.at(os.fstat(self.lock))

    def digest(self) -> str:
        """SHA-256 of its content, by which a log line names it: the file's name may be a patient's."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def release(self) -> None:
        """Let go of it, if that has not been done.  In `work/` it is then anybody's."""
        lock, self.lock = self.lock, _NOT_OPEN
        if lock != _NOT_OPEN:
            os.close(lock)


class Folder:
    """The four folders below one, and what may be taken from them.

    Args:
        path: The folder.  What is missing of the four is made.
        settle_s: A file is taken when it has not changed for so long.

    Raises:
        WrongFolder: it cannot be written to, or the four are not on one file system.
    """

    def __init__(self, path: Path, settle_s: float) -> None:
        self.incoming, self.work = path / "in", path / "work"
        self.done, self.failed = path / "done", path / "failed"
        self.settle_s = settle_s
        self.waiting = 0
        """Files that the last `take` left in `in/`, because they may still be written or their name is at work."""
        self.untakable = 0
        """Files that the last `take` could not open."""
        self.passed_over: set[str] = set()
        """Of the files that were left alone for their names, what of the name says so: `.` or `.crdownload`."""
        self._seen: dict[str, tuple[Look, float]] = {}
        self._next: deque[tuple[str, Look]] = deque()
        self._prepare(path)

    def _prepare(self, path: Path) -> None:
        folders = (self.incoming, self.work, self.done, self.failed)
        try:
            for each in (path, *folders):
                each.mkdir(_MODE, parents=True, exist_ok=True)
            devices = {each.stat().st_dev for each in folders}
        except OSError as error:
            raise WrongFolder(
                f"{path} cannot be used ({error.strerror}): name a folder that may be written to"
            ) from error
        if len(devices) > 1:
            raise WrongFolder(
                f"in, work, done and failed below {path} are not on one file system, so files cannot be moved between "
                "them at once: put them on one"
            )

    def take(self, now: float) -> Taken | None:
        """The next file to read, now in `work/`: what a dead watcher left first, then what came first.

        Args:
            now: Seconds of a clock that only goes forward.
        """
        self.untakable = 0
        with _locked(self.work):
            return self._left_behind() or self._arrived(now)

    def _left_behind(self) -> Taken | None:
        """A file in `work/` that nobody holds."""
        for entry in sorted(os.scandir(self.work), key=lambda each: each.name):
            if entry.is_file(follow_symlinks=False) and (taken := self._hold(entry.name, self.work)):
                return taken
        return None

    def _arrived(self, now: float) -> Taken | None:
        """A file in `in/` that has settled.  One of the same name that is at work goes first."""
        if not self._next:
            self._look_around(now)
        while self._next:
            name, look = self._next.popleft()
            refused = self.untakable
            if self._is_still(name, look) and (taken := self._moved_to_work(name)):
                del self._seen[name]
                return taken
            # Its namesake will be done, or somebody else's lock on it will end, or it will have settled anew.
            self.waiting += self.untakable == refused
        return None

    def _look_around(self, now: float) -> None:
        """See what has settled: once for all that has, or ten thousand files would be looked at ten thousand times."""
        candidates = self._candidates()
        self._seen = {name: self._seen[name] for name, _ in candidates if name in self._seen}
        self._next.extend((name, look) for name, look in candidates if self._settled(name, look, now))
        self.waiting = len(candidates) - len(self._next)

    def _is_still(self, name: str, look: Look) -> bool:
        try:
            return Look.at((self.incoming / name).lstat()) == look and not (self.work / name).exists()
        except FileNotFoundError:
            return False

    def _candidates(self) -> list[tuple[str, Look]]:
        """The files in `in/` that are claims by their name, the oldest first."""
        found: list[tuple[str, Look]] = []
        for entry in os.scandir(self.incoming):
            with suppress(FileNotFoundError):  # another watcher was first
                if not entry.is_file(follow_symlinks=False):
                    continue
                if (mark := _unfinished_mark(entry.name)) is not None:
                    self.passed_over.add(mark)
                else:
                    found.append((entry.name, Look.at(entry.stat(follow_symlinks=False))))
        return sorted(found, key=lambda each: (each[1].written_ns, each[0]))

    def _settled(self, name: str, look: Look, now: float) -> bool:
        """Whether we have seen it unchanged for long enough.  Its own date says nothing: copying may keep it."""
        before = self._seen.get(name)
        if before is None or before[0] != look:
            self._seen[name] = (look, now)
            return self.settle_s <= 0
        return now - before[1] >= self.settle_s

    def _moved_to_work(self, name: str) -> Taken | None:
        taken = self._hold(name, self.incoming)
        if taken is None:
            return None
        target = self.work / name
        taken.path.rename(target)
        if _is_what(taken.lock, target):
            return Taken(name, target, taken.lock)
        # Another file was put into its place meanwhile; one that is a claim file is taken from there next.
        os.close(taken.lock)
        self.untakable += 1
        return None

    def _hold(self, name: str, folder: Path) -> Taken | None:
        """The lock on a file; None where it may not be read, and where another has it or has just moved it on."""
        path = folder / name
        try:
            # Neither a link nor a pipe that takes the file's place meanwhile is followed or waited for.
            lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError:
            self.untakable += 1
            return None
        with suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_what(lock, path):
                return Taken(name, path, lock)
        os.close(lock)
        return None

    def file_away(self, taken: Taken, errors: str | None = None) -> Path:
        """Move a file to `done/`, or to `failed/` with what was wrong with it beside; nothing there is overwritten.

        Args:
            taken: The file; it is let go of.
            errors: The text of the file beside it.  It is written first: a file in `failed/` has its reasons.

        Raises:
            OSError: it is still in `work/`, and held.
        """
        folder = self.done if errors is None else self.failed
        with _locked(folder):
            target = next(path for name in _names(taken.name) if not (path := folder / name).exists())
            if errors is not None:
                _write_at_once(target.with_name(target.name + ERRORS_SUFFIX), errors)
            taken.path.rename(target)
        taken.release()
        return target


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Alone with a folder, among all watchers: between looking for a free name and the rename nobody takes it."""
    lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _is_what(lock: int, path: Path) -> bool:
    """Whether an open file is the regular one that lies at a path."""
    there, held = path.lstat(), os.fstat(lock)
    return stat.S_ISREG(held.st_mode) and (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


def _unfinished_mark(name: str) -> str | None:
    """What of a name says that it is being written or is no claim; None for one that is taken."""
    if name.startswith("."):
        return "."
    return next((each for each in UNFINISHED_SUFFIXES if name.lower().endswith(each)), None)


def _names(name: str) -> Iterator[str]:
    """A name, then the same with 2, 3, ... before its ending; short enough for the reasons' file beside it."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - of a name, not of a path
    if len(suffix) > _LONGEST_SUFFIX:
        stem, suffix = name, ""
    for number in count(1):
        ending = suffix if number == 1 else f".{number}{suffix}"
        room = _LONGEST_NAME - len(ERRORS_SUFFIX) - len(os.fsencode(ending))
        yield os.fsdecode(os.fsencode(stem)[:room]) + ending


def _write_at_once(path: Path, text: str) -> None:
    """Write a file that is never seen half written.  Its folder is locked, so one name is enough for that."""
    unfinished = path.with_name(".errors.tmp")
    unfinished.write_text(text, "utf-8")
    unfinished.rename(path)
