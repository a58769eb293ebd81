"""Palpate's validator beside the bare loop and beside other ways to run the same engine, one worker process each."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from bench import claims
from bench.asked import Asked, Section
from bench.environments import NotInstalled, python_of, version_of
from bench.figures import Figure, figures, number, table
from bench.rig import (
    OUTCOMES,
    REPOSITORY,
    Pace,
    Worker,
    create_group,
    feed,
    outcomes,
    pace,
    redis_server,
    scratch,
    validators,
)
from bench.svg import bars

BARE, BARE_MODELS = "bare loop, no rules", "the same, reading with pydantic"
PALPATE, TEXTBOOK = "Palpate's validator", "FastStream, textbook"


@dataclass(frozen=True, slots=True)
class Framework:
    """Another way to run the engine."""

    module: str
    command: tuple[str, ...]
    """After `python -m`."""
    package: str
    group: str = ""
    """Its virtual environment; `own` is Palpate's."""
    divisor: int = 4
    """Its backlog is so many times smaller than Palpate's."""


OTHERS = {
    TEXTBOOK: Framework(
        "textbook", ("faststream", "run", "bench.workers.textbook:app"), "faststream", "own", divisor=3
    ),
    "taskiq-redis": Framework(
        "on_taskiq", ("taskiq", "worker", "bench.workers.on_taskiq:broker", "--workers", "1"), "taskiq-redis"
    ),
    "arq": Framework("on_arq", ("arq", "bench.workers.on_arq.WorkerSettings"), "arq", "arq"),
    "streaq": Framework("on_streaq", ("streaq", "run", "bench.workers.on_streaq:worker"), "streaq"),
    "celery": Framework("on_celery", ("celery", "-A", "bench.workers.on_celery", "worker", "--pool", "solo"), "celery"),
    "dramatiq": Framework("on_dramatiq", ("dramatiq", "bench.workers.on_dramatiq", "--processes", "1"), "dramatiq"),
}
QUEUES = tuple(name for name in OTHERS if name != TEXTBOOK)


def run(asked: Asked) -> Section:
    """Every contestant once a round, in turn."""
    ready, missing = _installed()
    rounds: list[dict[str, Pace]] = []
    for turn in range(asked.rounds):
        count = asked.claims
        paces = {BARE: bare(count * 2), BARE_MODELS: bare(count * 2, "models"), PALPATE: palpate(count)}
        for name, python in ready.items():
            paces[name] = other(OTHERS[name], python, asked.share(OTHERS[name].divisor))
        rounds.append(paces)
        print(
            f"  round {turn + 1}: " + ", ".join(f"{name} {number(each.per_second)}/s" for name, each in paces.items())
        )
    versions = {name: version_of(python, OTHERS[name].package) for name, python in ready.items()}
    section = _section(rounds, versions)
    section.text += missing
    return section


def bare(count: int, *how: str) -> Pace:
    """The limit."""
    with scratch() as folder, redis_server(folder) as server, Redis.from_url(server.url) as redis:
        create_group(redis)
        feed(redis, claims.events(count))
        argv = [sys.executable, "-m", "bench.workers.bare", server.url, "claims.created", *how]
        with _running("bare", argv, folder, server.url) as worker:
            return pace(outcomes(redis, OUTCOMES), [worker], count, server=server)


def palpate(count: int, **settings: object) -> Pace:
    """The service as it is deployed."""
    with scratch() as folder, redis_server(folder) as server, Redis.from_url(server.url) as redis:
        create_group(redis)
        feed(redis, claims.events(count))
        with validators(server.url, folder, **settings) as workers:
            return pace(outcomes(redis), workers, count, server=server)


def other(framework: Framework, python: Path, count: int) -> Pace:
    """Another framework's worker on a backlog of its own kind."""
    with scratch() as folder, redis_server(folder) as server, Redis.from_url(server.url) as redis:
        if framework.module == "textbook":
            create_group(redis)
        file = folder / "events.jsonl"
        file.write_bytes(b"\n".join(claims.events(count)))
        feeding = [str(python), "-m", f"bench.workers.{framework.module}", str(file)]
        with _running("feeding", feeding, folder, server.url) as feeder:
            if feeder.process.wait(300):
                raise RuntimeError(f"{framework.package} could not be fed:\n{feeder.last_words()}")
        argv = [str(python), "-m", *framework.command]
        with _running(framework.module, argv, folder, server.url) as worker:
            return pace(outcomes(redis), [worker], count, server=server)


@contextlib.contextmanager
def _running(name: str, argv: Sequence[str], folder: Path, url: str):  # type: ignore[no-untyped-def] # noqa: ANN202
    worker = Worker(name, argv, folder, {"PALPATE_REDIS_URL": url, "PYTHONPATH": str(REPOSITORY)})
    try:
        yield worker
    finally:
        worker.stop()


def _installed() -> tuple[dict[str, Path], list[str]]:
    """The interpreter of each, and a sentence for each that has none: the others are still worth measuring."""
    ready, missing = {}, []
    for name, each in OTHERS.items():
        try:
            ready[name] = Path(sys.executable) if each.group == "own" else python_of(each.group)
        except NotInstalled as error:
            missing.append(f"{name} was not measured: {error}")
    return ready, missing


def _section(rounds: Sequence[dict[str, Pace]], versions: dict[str, str]) -> Section:
    def by(value: Callable[[Pace], float]) -> dict[str, Figure]:
        return figures([{name: value(each) for name, each in paces.items()} for paces in rounds])

    speed, cpu, server = by(lambda p: p.per_second), by(lambda p: p.cpu_us), by(lambda p: p.server_cpu_us)
    best = max((name for name in QUEUES if name in speed), key=lambda name: speed[name].median, default=None)
    section = Section("The validator beside others")
    section.text.append(
        "One worker process each on its own Redis (append-only, `everysec`) with a waiting backlog; start-up and the "
        "first 600 claims are not counted. All but the bare loop judge by the same engine with the full rule book and "
        "publish the whole verdict. The bare loop reads each claim as Palpate does, judges nothing and publishes "
        "130 bytes. Only Palpate's commit is exactly once."
    )
    section.text.append(
        table(
            [
                "",
                "claims/s: median (least - most)",
                "to the bare loop",
                "by the workers' CPU",
                "Palpate is",
                "worker's CPU, µs a claim",
                "Redis' CPU, µs a claim",
            ],
            [
                [
                    f"{name} {versions.get(name, '')}".strip(),
                    str(each),
                    f"{each.to(speed[BARE]):.3f}",
                    f"{cpu[BARE].to(cpu[name]):.3f}",
                    f"{speed[PALPATE].to(each):.1f} x",
                    number(cpu[name].median),
                    number(server[name].median),
                ]
                for name, each in speed.items()
            ],
        )
    )
    section.plots["service.svg"] = bars(
        "One process, the same engine",
        [(name, each.median, min(each.rounds), max(each.rounds)) for name, each in speed.items()],
        "claims a second",
    )
    section.bars += [
        ("validator to the bare loop", speed[PALPATE].to(speed[BARE]), 0.5, True),
        ("validator to FastStream's textbook way", speed[PALPATE].to(speed[TEXTBOOK]), 8.0, True),
    ]
    if best is not None:
        wanted = f"validator to the best task queue ({best})"
        section.bars.append((wanted, speed[PALPATE].to(speed[best]), 10.0, True))
    return section
