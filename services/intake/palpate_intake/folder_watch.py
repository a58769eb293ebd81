"""Claim files from a folder onto the stream, one after another, until told to stop.

A file is filed away when Redis has confirmed every readable claim of it.  Until then it stays in `work/`, and is read
again after whatever happened: the same claims are the same events.  What is away, Redis or the file system, is waited
for, and said once.
"""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import BinaryIO, Protocol, TypeVar

import structlog
from redis.exceptions import RedisError
from watchfiles import watch

from palpate_intake.files import open_files
from palpate_intake.folder import Folder, Taken
from palpate_intake.folder_errors import Unread
from palpate_intake.outcome import Outcome, ReadClaim, Unreadable, unreadable
from palpate_intake.publishing import batches, event_of
from palpate_intake.reading import read_claims
from palpate_runtime.logs import describe
from palpate_schemas.events import ClaimEvent
from palpate_schemas.rejection import RejectionError

LOOK_EVERY_S = 5.0
"""Between looks where nothing tells of changes: a network drive, or a watcher that died elsewhere."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0

_ANOTHER_SOURCE = (
    "this event is of another source than this folder's: watch with --source set to it, or with --any-source where "
    "events of several are put here"
)
_LOOKS_TO_SETTLE = 4
"""In the time that a file has to rest."""
_SHORTEST_PAUSE_S = 0.05

log = structlog.get_logger()

_Result = TypeVar("_Result")


class Publishes(Protocol):
    """What takes the events on: `publishing.Publisher`."""

    def publish(self, events: list[ClaimEvent], /) -> object:
        """Publish; returns when Redis has confirmed all of them."""
        ...


class Stopped(Exception):
    """Told to stop in the middle of a file, which stays in `work/`."""


@dataclass
class Watcher:
    """One process's work on one folder."""

    folder: Folder
    connect: Callable[[], Publishes]
    """Called until it succeeds once; Redis need not be there yet."""
    source: str
    read: Callable[[BinaryIO, str], Iterator[Outcome]] = read_claims
    any_source: bool = False
    """Whether events that a file holds may name another source than this one."""
    stop: Event = field(default_factory=Event)
    published: int = 0
    unread: int = 0
    """Claims, over all files, that could not be read."""
    _publisher: Publishes | None = None
    _untakable: int = 0
    _passed_over: set[str] = field(default_factory=set)
    """What has been said of files that are left alone."""

    def run(self) -> None:
        """Until `stop` is set."""
        with suppress(Stopped):
            while not self.stop.is_set():
                self._patiently("folder_away", self._run_at_changes)

    def _run_at_changes(self) -> None:
        """Now, whenever something has changed, and every few seconds whatever happened."""
        self.run_once()
        for _ in _changes_in(self.folder.incoming, self.stop):
            self.run_once()

    def run_once(self) -> None:
        """What is there now; what may still be written is waited for."""
        pause = self.folder.settle_s / _LOOKS_TO_SETTLE
        with suppress(Stopped):
            self._patiently("folder_away", self._take_all)
            while self.folder.waiting and not self.stop.wait(max(pause, _SHORTEST_PAUSE_S)):
                self._patiently("folder_away", self._take_all)

    def _take_all(self) -> None:
        while not self.stop.is_set() and (taken := self.folder.take(time.monotonic())) is not None:
            try:
                self._read(taken)
            except Stopped:
                log.info("file_left_in_work", count=1)
                raise
            finally:
                taken.release()
        if self.folder.untakable > self._untakable:
            log.error("file_not_taken", count=self.folder.untakable, reason="it may not be read by this user")
        self._untakable = self.folder.untakable
        self._tell_of_passed_over()

    def _tell_of_passed_over(self) -> None:
        """Once for each mark, not for each file: senders that rename make many, and a name may be a patient's."""
        for mark in sorted(self.folder.passed_over - self._passed_over):
            log.info("file_passed_over", reason=f"{mark} in its name: it is being written, or is no claim")
            self._passed_over.add(mark)

    def _read(self, taken: Taken) -> None:
        """Read, publish and file away; once more where it has changed meanwhile."""
        started = time.monotonic()
        while True:
            before, digest = taken.look(), taken.digest()
            published, unread = self._publish_all(taken)
            if taken.look() == before:
                break
            log.warning("file_changed_while_read", published=published)
            self._let_settle(taken)
        errors = unread.as_json(taken.name, digest, published) if unread.count else None
        self._patiently("folder_away", lambda: self._file_away(taken, errors))
        self.published, self.unread = self.published + published, self.unread + unread.count
        log.info(
            "file_read",
            file_digest=digest[:12],
            outcome="failed" if errors else "done",
            published=published,
            rejected=unread.count,
            duration_ms=round((time.monotonic() - started) * 1000),
        )

    def _let_settle(self, taken: Taken) -> None:
        """Wait until its sender has done with it; reading it again and again meanwhile would publish it as often."""
        look = taken.look()
        while not self.stop.wait(max(self.folder.settle_s, _SHORTEST_PAUSE_S)) and (now := taken.look()) != look:
            look = now

    def _file_away(self, taken: Taken, errors: str | None) -> None:
        try:
            self.folder.file_away(taken, errors)
        except FileNotFoundError:
            if taken.path.exists() or not self.folder.work.exists():
                raise
            # Somebody has taken it out of work/; what could be read of it is published.
            log.warning("file_vanished", count=1)

    def _publish_all(self, taken: Taken) -> tuple[int, Unread]:
        published, unread = 0, Unread()
        for batch in batches(self._events(taken, unread)):
            self._patiently("redis_away", lambda batch=batch: self._publish(batch))  # type: ignore[misc] # bound now
            published += len(batch)
        if not published and not unread.count:
            unread.add(unreadable(taken.name, "the file", "there is no claim in it"), "", "")
        return published, unread

    def _events(self, taken: Taken, unread: Unread) -> Iterator[ClaimEvent]:
        for found in self._claims(taken):
            if self.stop.is_set():
                raise Stopped
            if isinstance(found, Unreadable):
                unread.add(found, str(taken.path), taken.name)
            else:
                yield found

    def _claims(self, taken: Taken) -> Iterator[ClaimEvent | Unreadable]:
        """Every claim of a file; where we have a fault with it, that we have one."""
        try:
            for name, stream in open_files([str(taken.path)]):
                for outcome in self.read(stream, name):
                    yield outcome if isinstance(outcome, Unreadable) else self._event(outcome)
        except Exception as error:  # noqa: BLE001 - one file that we have a fault with must not stop the others
            log.error("file_unreadable", **describe(error))
            why = f"reading broke off ({type(error).__name__}): what came before is published; please report this"
            yield unreadable(taken.name, "the file", why)

    def _event(self, read: ReadClaim) -> ClaimEvent | Unreadable:
        """The event of a claim, unless it is somebody else's: its verdict would be told them, under their numbers."""
        event = event_of(read, self.source, datetime.now(UTC))
        if event.source == self.source or self.any_source:
            return event
        reasons = (RejectionError(pointer="/source", reason=_ANOTHER_SOURCE),)
        return Unreadable(read.file, read.position, reasons, read.claim.claim_id, read.structure)

    def _publish(self, events: list[ClaimEvent]) -> None:
        if self._publisher is None:
            self._publisher = self.connect()
        self._publisher.publish(events)

    def _patiently(self, away: str, action: Callable[[], _Result]) -> _Result:
        """Do it, however often it takes; say once that it waits and once that it goes on.

        Raises:
            Stopped: told to stop before it was done.
        """
        pause = 0.0
        while not self.stop.is_set():
            try:
                result = action()
            except (RedisError, OSError) as error:
                if not pause:
                    log.warning(away, reason=_in_words(error), **describe(error))
                pause = min(max(FIRST_PAUSE_S, pause * 2), LONGEST_PAUSE_S)
                self.stop.wait(pause)
            else:
                if pause:
                    log.info(away.replace("away", "back"))
                return result
        raise Stopped


def _changes_in(folder: Path, stop: Event) -> Iterator[object]:
    """Whenever something has changed in a folder, and every few seconds whatever happened.

    Raises:
        OSError: the system has no more watches to give, or the folder is gone.
    """
    try:
        yield from watch(
            folder, recursive=False, watch_filter=None, stop_event=stop, debounce=100,
            rust_timeout=int(LOOK_EVERY_S * 1000), yield_on_timeout=True, raise_interrupt=False,
        )  # fmt: skip
    except RuntimeError as error:
        raise OSError(errno.EIO, "the folder is no longer watched") from error


def _in_words(error: Exception) -> str | None:
    """What the system calls it, which names no file: `No space left on device`."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else None
