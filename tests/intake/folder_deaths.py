"""Lets a watcher die before each of its steps in turn, and looks at what the next one makes of it.

    python -m tests.intake.folder_deaths REDIS_URL FOLDER

A step is whatever the interpreter tells its audit hooks of (opening, locking, renaming, listing), and each publishing,
before and after.  The process ends there by `os._exit`, without a word, as `kill -9` ends it; its locks end with it.
Prints one JSON object a death: the step, and how the folder and the stream are when another watcher has looked.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redis import Redis

from palpate_intake.folder import Folder
from palpate_intake.folder_watch import Watcher
from palpate_intake.publishing import Publisher
from palpate_runtime.logs import configure
from palpate_schemas.events import ClaimEvent
from tests.intake.x12_text import x12
from tests.processes import events_on

AUDITED = frozenset({"open", "os.rename", "os.mkdir", "os.scandir", "fcntl.flock"})
DIED, LIVED = 9, 0
MOST_STEPS = 500

GOOD = x12()
PARTLY = GOOD.replace("CLM*C-1", "CLM*C-2") + x12(("CLM*C-1", "CLM*C-3*165***11:B:1*Y*A*Y*Y~"), ("HI*", ""))


class Deadline:
    """Counts steps, and ends the process before one of them."""

    def __init__(self, last: int) -> None:
        self._left = last

    def step(self, name: str) -> None:
        """One more."""
        self._left -= 1
        if self._left == 0:
            os.write(1, name.encode())
            os._exit(DIED)

    def audit(self, event: str, _arguments: object) -> None:
        """An audit hook."""
        if event in AUDITED:
            self.step(event)


class Publishing:
    """A publisher before and after whose work one may die."""

    def __init__(self, redis: "Redis", step: Callable[[str], None]) -> None:
        self._publisher, self._step = Publisher(redis), step

    def publish(self, events: Sequence[ClaimEvent], /) -> None:
        """Publish."""
        self._step("before publishing")
        self._publisher.publish(events)
        self._step("after publishing")


def watch(folder: Path, url: str, deadline: Deadline) -> None:
    """A watcher's work until its death."""
    with Redis.from_url(url) as redis:
        Watcher(Folder(folder, 0.0), lambda: Publishing(redis, deadline.step), "urn:pms:test").run_once()


def one_death(folder: Path, url: str, last: int) -> dict[str, Any] | None:
    """What is left of it all when a second watcher has followed one that died; None where that one lived."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "in").mkdir(parents=True)
    (folder / "in/good.837").write_text(GOOD)
    (folder / "in/partly.837").write_text(PARTLY)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 1)
        watch(folder, url, _armed(last))
        os._exit(LIVED)
    os.close(writer)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    step = os.read(reader, 100).decode()
    os.close(reader)
    if status == LIVED:
        return None
    assert status == DIED, status
    watch(folder, url, Deadline(0))
    return {"step": step, **_state(folder, url)}


def _armed(last: int) -> Deadline:
    deadline = Deadline(last)
    sys.addaudithook(deadline.audit)
    return deadline


def _state(folder: Path, url: str) -> dict[str, Any]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with Redis.from_url(url) as redis:
        events = events_on(redis, "claims.created")
        redis.flushall()
    return {
        "files": {path.relative_to(folder).as_posix(): path.read_text() for path in files},
        "events": sorted({(event["subject"], event["id"]) for event in events}),
    }


def main(url: str, folder: str) -> None:
    """Every death, until one watcher lives to the end."""
    configure("folder")
    for last in range(1, MOST_STEPS):
        state = one_death(Path(folder), url, last)
        if state is None:
            return
        print(json.dumps(state))  # noqa: T201 - its answer
    sys.exit("it takes more steps than that")


if __name__ == "__main__":
    main(*sys.argv[1:])
