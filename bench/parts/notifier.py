"""How many cases a second the notifier writes into SQLite and into PostgreSQL."""

import contextlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from redis import Redis

from bench import claims
from bench.asked import Asked, Section
from bench.figures import figures, number, table
from bench.rig import Worker, feed, is_ready, pace, redis_server, scratch, until
from bench.svg import bars
from palpate_cli.stack import EXAMPLE_DIRECTORY
from palpate_runtime.commit import ledger_key
from palpate_runtime.embedded import free_port
from palpate_schemas.lean import to_json
from palpate_schemas.streams import CLAIMS_FAILED, CLAIMS_PASSED, NOTIFIER_GROUP
from palpate_validator.book import shipped_rule_book
from palpate_validator.verdicts import answer
from tests.faults.servers import Postgres

SQLITE, POSTGRES = "SQLite", "PostgreSQL"


def run(asked: Asked) -> Section:
    """Both databases once a round, in turn."""
    count = asked.share(3)
    verdicts = list(failed(count))
    rounds = []
    for turn in range(asked.rounds):
        rounds.append({})
        with scratch() as folder:
            rounds[-1][SQLITE] = recorded(verdicts, folder, f"sqlite+aiosqlite:///{folder / 'cases.db'}")
        with scratch() as folder, Postgres() as postgres:
            rounds[-1][POSTGRES] = recorded(verdicts, folder, postgres.url)
        print(f"  round {turn + 1}: " + ", ".join(f"{name} {number(each)}/s" for name, each in rounds[-1].items()))
    speed = figures(rounds)
    section = Section("Cases")
    section.text.append(
        f"{count:,} `claim.failed` events of as many claims, one notifier process; a case, its audit entries and its "
        "notices in one transaction each. Nothing is mailed meanwhile: the group's waiting time is an hour."
    )
    section.text.append(table(["database", "cases/s"], [[name, str(each)] for name, each in speed.items()]))
    section.plots["notifier.svg"] = bars(
        "Cases opened by one notifier",
        [(name, each.median, min(each.rounds), max(each.rounds)) for name, each in speed.items()],
        "a second",
    )
    return section


def failed(count: int) -> Iterator[bytes]:
    """So many `claim.failed` events, each of a claim of its own."""
    book, now, found, number_ = shipped_rule_book(), datetime.now(UTC), 0, 0
    while found < count:
        verdict = answer(claims.event(number_), "-", book, now)
        # One in ten has lost its modifiers; only those can fail.
        number_ += claims.WRONG_EACH
        if verdict.stream == CLAIMS_FAILED:
            found += 1
            yield to_json(verdict.event)


def recorded(verdicts: list[bytes], folder: Path, database_url: str) -> float:
    """Cases a second."""
    directory, port = folder / "directory.toml", free_port()
    directory.write_text(EXAMPLE_DIRECTORY, "utf-8")
    with redis_server(folder) as server, Redis.from_url(server.url) as redis, contextlib.ExitStack() as stack:
        for stream in (CLAIMS_FAILED, CLAIMS_PASSED):
            redis.xgroup_create(stream, NOTIFIER_GROUP, id="0", mkstream=True)
        env = {
            "PALPATE_REDIS_URL": server.url,
            "PALPATE_DATABASE_URL": database_url,
            "PALPATE_DIRECTORY": str(directory),
            "PALPATE_SMTP_PORT": str(free_port()),
            "PALPATE_GROUP_WAIT_S": "3600",
            "PALPATE_HTTP_PORT": str(port),
            "PALPATE_LOG_FORMAT": "json",
        }
        worker = Worker("notifier", [sys.executable, "-m", "palpate_cli", "serve", "notifier"], folder, env)
        stack.callback(worker.stop)
        until(lambda: is_ready(port), [worker])
        feed(redis, verdicts, lambda _: CLAIMS_FAILED)
        ledger = ledger_key(CLAIMS_FAILED, NOTIFIER_GROUP)

        def finished() -> int:
            return int(redis.hget(ledger, "finished") or 0)

        return pace(finished, [worker], len(verdicts), server=server, warm_after=0).per_second
