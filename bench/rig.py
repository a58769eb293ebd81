"""Real servers and real worker processes on loopback, ended by whoever started them; and how fast a backlog shrinks."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psutil
from redis import Redis

from palpate_cli.stack import is_ready
from palpate_runtime.embedded import EmbeddedRedis, free_port
from palpate_runtime.parents import ends_with_us
from palpate_schemas.streams import CLAIMS_CREATED, CLAIMS_FAILED, CLAIMS_PASSED, EVENT_FIELD, VALIDATOR_GROUP

REPOSITORY = Path(__file__).parents[1]
OUTCOMES = (CLAIMS_PASSED, CLAIMS_FAILED)
WARM_AFTER = 600
"""So many claims warm caches and are not counted; half of a backlog that is small."""

_FEED_AT_ONCE = 500
_LOOK_EVERY_S = 0.005
_START_WITHIN_S = 60.0
_STUCK_AFTER_S = 60.0


class Stuck(RuntimeError):
    """A worker did nothing for a minute, or ended; its own last words are in the text."""


class Worker:
    """A process of its own, with what it prints in a file."""

    def __init__(self, name: str, argv: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        self.name, self._log = name, folder / f"{name}.log"
        with self._log.open("ab") as sink:
            self.process = subprocess.Popen(
                argv,
                stdout=sink,
                stderr=sink,
                cwd=REPOSITORY,
                env={**os.environ, **env},
                start_new_session=True,
                preexec_fn=ends_with_us(),  # noqa: PLW1509 - no threads here
            )
        self._seen = psutil.Process(self.process.pid)

    def cpu_s(self) -> float:
        """Seconds of processor time so far, its children's too."""
        total = 0.0
        for each in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                total += times.user + times.system
        return total

    def rss_bytes(self) -> int:
        """Memory in use now."""
        return sum(each.memory_info().rss for each in self._family())

    def check(self) -> None:
        """Complain if it has ended.

        Raises:
            Stuck: it has.
        """
        if self.process.poll() is not None:
            raise Stuck(f"{self.name} ended with {self.process.returncode}:\n{self.last_words()}")

    def last_words(self) -> str:
        return self._log.read_text("utf-8", "replace")[-3000:]

    def stop(self) -> None:
        """SIGTERM to all of its processes, SIGKILL after five seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
                # Children of one that is gone are in its group still.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                return

    def _family(self) -> list[psutil.Process]:
        return [self._seen, *self._seen.children(recursive=True)]


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one measurement."""
    with tempfile.TemporaryDirectory(prefix="palpate-bench-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def redis_server(folder: Path, *, fsync: str = "everysec") -> Iterator[EmbeddedRedis]:
    """An empty Redis as `palpate up` starts it; `fsync` is `always`, `everysec` or `none` (no append-only file)."""
    options = ("--appendonly", "no") if fsync == "none" else ("--appendfsync", fsync)
    with EmbeddedRedis(folder / "redis", extra=options) as server:
        yield server


@contextlib.contextmanager
def validators(url: str, folder: Path, count: int = 1, **settings: object) -> Iterator[list[Worker]]:
    """So many of Palpate's validators, as `palpate serve validator` runs them, once they consume."""
    with contextlib.ExitStack() as stack:
        running, ports = [], []
        for number in range(count):
            ports.append(free_port())
            env = {
                "PALPATE_REDIS_URL": url,
                "PALPATE_HTTP_PORT": str(ports[-1]),
                "PALPATE_CONSUMER": f"validator-{number}",
                "PALPATE_TABLES": str(folder / "no-tables"),
                "PALPATE_LOG_FORMAT": "json",
                **{f"PALPATE_{key.upper()}": str(value) for key, value in settings.items()},
            }
            argv = [sys.executable, "-m", "palpate_cli", "serve", "validator"]
            running.append(Worker(f"validator-{number}", argv, folder, env))
            stack.callback(running[-1].stop)
        for worker, port in zip(running, ports, strict=True):
            until(lambda port=port: is_ready(port), [worker])  # type: ignore[misc]
        yield running


def until(happened: Callable[[], bool], workers: Iterable[Worker], within_s: float = _START_WITHIN_S) -> None:
    """Wait for something.

    Raises:
        Stuck: a worker has ended, or it took too long.
    """
    deadline = time.monotonic() + within_s
    while not happened():
        for worker in workers:
            worker.check()
            if time.monotonic() > deadline:
                raise Stuck(f"{worker.name} took too long:\n{worker.last_words()}")
        time.sleep(_LOOK_EVERY_S)


def feed(redis: "Redis", events: Iterable[bytes], stream_of: Callable[[int], str] = lambda _: CLAIMS_CREATED) -> int:
    """XADD events as a practice-management system does, many to a round trip; how many there were."""
    numbered, fed = enumerate(events), 0
    while chunk := list(islice(numbered, _FEED_AT_ONCE)):
        pipe = redis.pipeline(transaction=False)
        for number, event in chunk:
            pipe.xadd(stream_of(number), {EVENT_FIELD: event})
        pipe.execute()
        fed += len(chunk)
    return fed


_POUR = """
-- KEYS: a list of events, then the streams that they go to in turn.  ARGV: field
for number, event in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  redis.call('XADD', KEYS[2 + (number - 1) % (#KEYS - 1)], '*', ARGV[1], event)
end
redis.call('DEL', KEYS[1])
"""


def feed_at_once(redis: "Redis", events: Iterable[bytes], streams: Sequence[str]) -> None:
    """A backlog that is suddenly there: workers that already wait begin together, and nobody feeds while they work."""
    waiting = iter(events)
    while chunk := list(islice(waiting, _FEED_AT_ONCE)):
        redis.rpush("bench.waiting", *chunk)
    redis.eval(_POUR, 1 + len(streams), "bench.waiting", *streams, EVENT_FIELD)


def outcomes(redis: "Redis", streams: Sequence[str] = OUTCOMES) -> Callable[[], int]:
    """How many verdicts there are."""
    return lambda: sum(int(redis.xlen(stream)) for stream in streams)


def create_group(redis: "Redis", stream: str = CLAIMS_CREATED) -> None:
    """The consumer group at 0, for workers that do not see to it themselves."""
    redis.xgroup_create(stream, VALIDATOR_GROUP, id="0", mkstream=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a backlog shrank."""

    per_second: float
    cpu_us: float
    """Microseconds of the workers' processor time a claim: what a busy machine distorts least."""
    server_cpu_us: float
    """The same of Redis."""


def pace(
    answered_now: Callable[[], int],
    workers: Sequence[Worker],
    claims: int,
    *,
    server: EmbeddedRedis,
    warm_after: int = WARM_AFTER,
) -> Pace:
    """Wait until all of the backlog is answered, and say how fast it went once warm.

    The start of a process is not counted: the clock runs from the first look at which so many are answered; from now on
    with `warm_after` 0, for workers that were ready before the backlog was there.

    Raises:
        Stuck: nothing was answered for a minute, or a worker ended.
    """
    if server.process is None:
        raise Stuck("the server does not run")
    engine = psutil.Process(server.process.pid)
    first = _look(0, workers, engine) if warm_after == 0 else None
    answered, moved = 0, time.monotonic()
    while answered < claims or first is None:
        if (now_answered := answered_now()) != answered:
            answered, moved = now_answered, time.monotonic()
            if first is None and answered >= min(warm_after, claims / 2):
                first = _look(answered, workers, engine)
        for worker in workers:
            worker.check()
            if time.monotonic() - moved > _STUCK_AFTER_S:
                raise Stuck(f"{answered} of {claims} answered, then nothing:\n{worker.last_words()}")
        if answered < claims:
            time.sleep(_LOOK_EVERY_S)
    last = _look(answered, workers, engine)
    counted, seconds = last.answered - first.answered, last.at - first.at
    if counted <= 0:
        raise Stuck(f"all {claims} claims were answered at once: too few to measure a pace")
    return Pace(
        counted / seconds,
        (last.workers_cpu_s - first.workers_cpu_s) / counted * 1e6,
        (last.server_cpu_s - first.server_cpu_s) / counted * 1e6,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """How far it was at one moment."""

    answered: int
    at: float
    workers_cpu_s: float
    server_cpu_s: float


def _look(answered: int, workers: Sequence[Worker], server: psutil.Process) -> _Look:
    at, times = time.monotonic(), server.cpu_times()
    return _Look(answered, at, sum(worker.cpu_s() for worker in workers), times.user + times.system)
