"""A whole Palpate of real processes to do harm to, the oracle, and the pass criteria that every scenario shares.

The criteria: every claim has exactly one verdict, and it is the one that the engine gives; nothing is pending; nothing
vanished unread; the cases equal what the verdicts ask for; everybody was told, no message arrived more often than the
scenario allows, and a repeat has the same Message-ID; no PHI canary is in any output.
"""

import asyncio
import base64
import contextlib
import json
import os
import resource
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from redis.exceptions import RedisError
from sqlalchemy import select

from palpate_cli.stack import EXAMPLE_DIRECTORY, is_ready
from palpate_notifier.cases import LIVE
from palpate_notifier.database import open_database
from palpate_notifier.tables import CaseRow, Delivery, Notice, OutgoingEvent
from palpate_runtime.embedded import EmbeddedRedis
from palpate_runtime.retention import look
from palpate_runtime.servers import client_for
from palpate_runtime.settings import all_partitions, is_cluster
from palpate_schemas.streams import CORRECTIONS, READERS, dead, partition_of, partitioned
from palpate_validator.book import shipped_rule_book
from palpate_validator.verdicts import answer
from tests.faults.mail import Mails
from tests.notifier.verdicts import FIRST
from tests.processes import ServiceProcess, event, eventually
from tests.validator.claims import claim_with

FULL = os.environ.get("PALPATE_FAULTS") == "full"

CANARIES = ("ZAPHODCANARY", "1942-11-11", "MEMBERCANARY", "NOTECANARY", "RESPONSECANARY", "GOALCANARY", "SIGNERCANARY")


def _in_base64(word: str) -> list[bytes]:
    """What a word looks like inside of base64, wherever in a group of three bytes it begins."""
    shifted = [base64.b64encode(b"x" * shift + word.encode()) for shift in range(3)]
    return [coded[[0, 2, 3][shift] : len(coded) - 4] for shift, coded in enumerate(shifted)]


NEEDLES = [word.encode() for word in CANARIES] + [each for word in CANARIES for each in _in_base64(word)]

QUICK = {
    "BATCH_SIZE": "50",
    "BLOCK_MS": "200",
    "RECLAIM_IDLE_MS": "1000",
    "RECLAIM_EVERY_MS": "200",
    "REDIS_TIMEOUT_S": "1.5",
    "GROUP_WAIT_S": "0",
    "STORM_CASES": "100000",
    "MAILS_PER_HOUR": "100000",
    "SMTP_TIMEOUT_S": "2",
    "RETRY_FIRST_S": "0.2",
    "RETRY_LONGEST_S": "1",
    "LEASE_S": "4",
}


def size(short: int, full: int) -> int:
    """How many claims: a few in `make test`, many in `make faults`."""
    return full if FULL else short


def _npi(number: int) -> str:
    """A provider number whose check digit is right (Luhn over 80840 and the nine digits)."""
    digits = f"1{number:08d}"
    total = 24
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{digits}{-total % 10}"


CLINICS = tuple(_npi(number) for number in range(20))
"""Practices, each with somebody else to tell, so that there are many messages and not one."""


def directory() -> str:
    """Who is who, with a person for each clinic."""
    entries = "".join(
        f'[[practice]]\nnpi = "{npi}"\nname = "Clinic {n}"\nmanager = "pat"\nbiller = "m{n}"\n'
        f'[[person]]\nid = "m{n}"\nname = "Manager {n}"\nemail = "m{n}@clinic.example"\npractice = "{npi}"\n'
        for n, npi in enumerate(CLINICS)
    )
    return EXAMPLE_DIRECTORY + entries


def claim(number: int, *, version: int = 1, good: bool = True) -> dict[str, Any]:
    """A claim with a canary wherever PHI can stand; wrong in one way unless it is good."""
    return claim_with(
        lines=[{"modifiers": ["GP"] if good else []}],
        note={
            "text": f"Joint mobs gr III C4-C6 PA glides. {CANARIES[3]}",
            "response": CANARIES[4],
            "goals": CANARIES[5],
            "signed_by": {"name": CANARIES[6], "credentials": "PT"},
        },
        claim={
            "claim_id": f"CLM-{number}",
            "version": version,
            "billing_provider": {"npi": CLINICS[number // 3 % len(CLINICS)]},
            "patient": {"id": f"{CANARIES[2]}-{number % 97}", "name": CANARIES[0], "birth_date": CANARIES[1]},
        },
    )


@cache
def oracle(*, good: bool) -> str:
    """What the engine says of such a claim, asked directly."""
    found = answer(event(claim(0, good=good), event_id="0"), "x/1-0", shipped_rule_book(), FIRST)
    return str(found.event.type)


class _NotConfirmed(Exception):
    """No replica has it yet: the publisher sends it again."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that Redis has confirmed."""

    claim_id: str
    version: int
    good: bool


@dataclass
class Rig:
    """Redis, services, a mail server and a database, for one scenario."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    url: str = ""
    """Another Redis than the rig's own: a cluster, Sentinels."""
    database_url: str = ""
    redis_options: tuple[str, ...] = ()
    partitions: int = 1
    confirm: int = 0
    """How many replicas have to have a claim before its publisher takes it for sent."""
    server: EmbeddedRedis | None = None
    mails: Mails = field(default_factory=Mails)
    running: list[ServiceProcess] = field(default_factory=list)
    sent: dict[str, Sent] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    _sent_bytes: set[bytes] | None = None
    says: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> "Rig":
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "directory.toml").write_text(directory(), "utf-8")
        if not self.url:
            self.server = EmbeddedRedis(self.folder / "redis", extra=self.redis_options).start()
            self.url = self.server.url
        self.database_url = self.database_url or f"sqlite+aiosqlite:///{self.folder / 'cases.db'}"
        self.redis = client_for(self.url)
        self.mails.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.running:
            each.kill()
        self.mails.stop()
        self.redis.close()
        if self.server is not None:
            self.server.kill()

    # -- processes -------------------------------------------------------------------------------------------------

    def env(self, **changes: str) -> dict[str, str]:
        values = {
            **QUICK,
            "REDIS_URL": self.url,
            "PARTITIONS": str(self.partitions),
            "DATABASE_URL": self.database_url,
            "DIRECTORY": str(self.folder / "directory.toml"),
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.mails.port),
            **self.settings,
            **{key.upper(): value for key, value in changes.items()},
        }
        return {f"PALPATE_{key}": value for key, value in values.items()}

    def start(
        self, name: str, *, wait: bool = True, module: str = "", extra: dict[str, str] | None = None, **changes: str
    ) -> ServiceProcess:
        """Start a service; `module` is a launcher that does something to it first, `extra` its environment."""
        process = ServiceProcess(
            name, self.folder, self.env(**changes) | dict(extra or {}), label=f"{name}-{len(self.running)}"
        )
        if module:
            process.argv = ["-m", module, "serve", name]
        self.running.append(process)
        return process.start(wait=wait)

    def both(self, **changes: str) -> tuple[ServiceProcess, ServiceProcess]:
        validator = self.start("validator", wait=False, extra=None, **changes)
        notifier = self.start("notifier", wait=False, extra=None, **changes)
        for each in (validator, notifier):
            self.ready(each)
        return validator, notifier

    def ready(self, process: ServiceProcess, within: float = 40) -> float:
        """Wait until it is; returns how long that took."""
        started = time.monotonic()
        eventually(lambda: is_ready(process.port), within=within, what=f"ready\n{process.log_text()[-1500:]}")
        return time.monotonic() - started

    def not_ready(self, process: ServiceProcess, within: float = 20) -> None:
        eventually(lambda: not is_ready(process.port), within=within, what="readiness red")

    # -- claims ----------------------------------------------------------------------------------------------------

    @property
    def all_partitions(self) -> tuple[int | None, ...]:
        return all_partitions(self.url, self.partitions)

    def stream_of(self, name: str, patient: str) -> str:
        plain = self.partitions == 1 and not is_cluster(self.url)
        return partitioned(name, None if plain else partition_of(patient, self.partitions))

    def publish(self, numbers: "range | list[int]", *, version: int = 1, good: bool | None = None) -> None:
        """Publish claims, every third of them wrong, and remember those that Redis has confirmed."""
        for start in range(0, len(numbers), 500):
            # Redis Cluster has no transactions over slots, and needs none here.
            pipe = self.redis.pipeline(transaction=False)
            part = [self._event(number, version, good) for number in numbers[start : start + 500]]
            for stream, body, _, _ in part:
                pipe.xadd(stream, {"event": body})
            pipe.execute()
            self.sent.update({event_id: sent for _, _, event_id, sent in part})

    def _event(self, number: int, version: int, good: bool | None) -> tuple[str, bytes, str, Sent]:
        is_good = number % 3 != 0 if good is None else good
        body = claim(number, version=version, good=is_good)
        event_id = f"{number}.{version}"
        stream = self.stream_of("claims.created", body["patient"]["id"])
        kind = "claim.created" if version == 1 else "claim.corrected"
        return stream, event(body, event_id=event_id, kind=kind), event_id, Sent(f"CLM-{number}", version, is_good)

    @contextlib.contextmanager
    def load(self, count: int, *, per_s: float = 400.0, start: int = 0) -> Iterator[threading.Thread]:
        """Publish beside the test as a PMS does: one by one, again under the same id until it is confirmed."""

        def run() -> None:
            with client_for(self.url, timeout_s=3) as redis:
                begun = time.monotonic()
                for index in range(count):
                    stream, body, event_id, sent = self._event(start + index, 1, None)
                    while True:
                        try:
                            self._send(redis, stream, body)
                            break
                        except (RedisError, OSError, _NotConfirmed):
                            time.sleep(0.1)
                            if is_cluster(self.url):
                                with contextlib.suppress(RedisError, OSError):
                                    redis.nodes_manager.initialize()
                    self.sent[event_id] = sent
                    ahead = begun + index / per_s - time.monotonic()
                    if ahead > 0.002:
                        time.sleep(ahead)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield thread
        thread.join(300)
        assert not thread.is_alive(), "the PMS could not publish everything"

    def _send(self, redis: Any, stream: str, body: bytes) -> None:
        """XADD, and WAIT on the same connection where a replica has to have it."""
        if not self.confirm:
            redis.xadd(stream, {"event": body})
            return
        node = redis
        if is_cluster(self.url):
            node = redis.get_redis_connection(redis.get_node_from_key(stream))
        with node.pipeline(transaction=False) as pipe:
            pipe.xadd(stream, {"event": body}).execute_command("WAIT", self.confirm, 200).info("replication")
            _, replicas, info = pipe.execute()
        # A master whose replica has just become a master elsewhere is all that there is.
        if replicas < min(self.confirm, info["connected_slaves"]):
            raise _NotConfirmed

    def safely(self, count: Callable[[], int]) -> int:
        """A count, or -1 while Redis is away."""
        try:
            return count()
        except (RedisError, OSError):
            return -1

    # -- what came out ---------------------------------------------------------------------------------------------

    def count_answers(self) -> int:
        names = [partitioned(name, each) for name in OUTCOMES for each in self.all_partitions]
        return sum(int(self.redis.xlen(name)) for name in names)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [
            json.loads(fields[b"event"])
            for each in (self.all_partitions if name != CORRECTIONS else (None,))
            for _, fields in self._all_entries(partitioned(name, each))
        ]

    def events_of_partition(self, name: str, partition: int) -> list[Any]:
        found: Any = self.redis.xrange(partitioned(name, partition))
        return list(found)

    def settle(self, within: float = 60, *, notifier: bool = True, more: int = 0) -> None:
        """Wait until everything that was sent has been judged, recorded and told."""
        expected = len(self.sent) + more
        eventually(
            lambda: self.count_answers() >= expected,
            within=within,
            what=lambda: f"{self.count_answers()} of {expected} judged",
        )
        groups = {n: g for n, g in READERS.items() if g and (notifier or n == "claims.created")}
        eventually(lambda: all(self._done(n, g[0]) for n, g in groups.items()), within=30, what="nothing pending")
        if notifier:
            eventually(self._everybody_told, within=within, what="everybody told")

    def _done(self, stream: str, group: str) -> bool:
        for each in self.all_partitions:
            books = look(self.redis, partitioned(stream, each), group)
            if books is None or books.pending or books.waiting != 0:
                return False
        return True

    def _everybody_told(self) -> bool:
        """Asked without a lock where it is SQLite: looking must not hold up who writes."""
        time.sleep(0.1)
        if not self.database_url.startswith("sqlite"):
            found = self.database()
            return not (
                any(notice.status == "waiting" for notice in found.notices)
                or any(delivery.status in {"queued", "sending"} for delivery in found.deliveries)
                or any(outgoing.published_at is None for outgoing in found.outgoing)
            )
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / 'cases.db'}?mode=ro", uri=True)) as reader:
            return all(reader.execute(question).fetchone()[0] == 0 for question in _UNTOLD)

    async def _database(self) -> "Database":
        engine, sessions = open_database(self.database_url)
        try:
            async with sessions() as session:
                return Database(
                    cases=list((await session.scalars(select(CaseRow))).all()),
                    notices=list((await session.scalars(select(Notice))).all()),
                    deliveries=list((await session.scalars(select(Delivery))).all()),
                    outgoing=list((await session.scalars(select(OutgoingEvent))).all()),
                )
        finally:
            await engine.dispose()

    def database(self) -> "Database":
        return asyncio.run(self._database())

    # -- the pass criteria -----------------------------------------------------------------------------------------

    def check(
        self,
        *,
        notifier: bool = True,
        rejected: int = 0,
        vanished: int = 0,
        buried: int = 0,
        repeats: int = 0,
        unsent: int = 0,
        in_doubt: int = 0,
        only: Callable[[Sent], bool] = lambda _: True,
    ) -> None:
        """Hold everything against the oracle.  The numbers are what the scenario itself brings about."""
        self._check_verdicts(rejected, only)
        for stream, groups in READERS.items():
            for each in self.all_partitions:
                name = partitioned(stream, each)
                assert int(self.redis.xlen(dead(name))) == (buried if stream == "claims.created" else 0), name
                if groups and (notifier or stream == "claims.created"):
                    books = look(self.redis, name, groups[0])
                    assert books is not None, f"{name} has no group"
                    found = (books.pending, books.waiting, books.vanished)
                    assert found == (0, 0, vanished if stream == "claims.created" else 0), (name, found)
        if notifier:
            self._check_cases(repeats, unsent, in_doubt, only)
        self._check_phi()
        self.says |= {"claims": len(self.sent), "seconds": round(time.monotonic() - self.started, 1)}

    def _check_verdicts(self, rejected: int, only: Callable[[Sent], bool]) -> None:
        judged = Counter(e["data"]["source_event"]["id"] for n in OUTCOMES[:2] for e in self.events(n))
        wanted = {event_id: sent for event_id, sent in self.sent.items() if only(sent)}
        lost, twice = wanted.keys() - judged.keys(), [key for key, count in judged.items() if count > 1]
        assert not lost, f"{len(lost)} lost, e.g. {sorted(lost)[:5]}"
        assert not twice, f"{len(twice)} published twice, e.g. {twice[:5]}"
        assert not judged.keys() - self.sent.keys(), "verdicts on what nobody sent"
        for name in OUTCOMES[:2]:
            for each in self.events(name):
                sent = self.sent[each["data"]["source_event"]["id"]]
                assert each["type"] == oracle(good=sent.good), f"{sent}: {each['type']}"
                assert (each["data"]["claim_id"], each["data"]["version"]) == (sent.claim_id, sent.version)
        assert len(self.events("claims.rejected")) == rejected
        self.says |= {"verdicts": len(judged), "lost": len(lost), "twice": len(twice)}

    def _check_cases(self, repeats: int, unsent: int, in_doubt: int, only: Callable[[Sent], bool]) -> None:
        newest: dict[str, Sent] = {}
        ever_failed = set()
        for sent in self.sent.values():
            if not only(sent):
                continue
            if sent.claim_id not in newest or newest[sent.claim_id].version < sent.version:
                newest[sent.claim_id] = sent
            if not sent.good:
                ever_failed.add(sent.claim_id)
        database = self.database()
        assert len({case.claim_id for case in database.cases}) == len(database.cases), "two cases of one claim"
        live = {case.claim_id for case in database.cases if case.status in LIVE}
        assert live == {sent.claim_id for sent in newest.values() if not sent.good}
        assert {case.claim_id for case in database.cases} <= ever_failed
        # No alert is lost: who has a live case has had a notice of it, and that notice went out in a message.
        told = {notice.case_id for notice in database.notices if notice.status == "told"}
        assert {case.id for case in database.cases if case.status in LIVE} <= told
        waiting = [delivery for delivery in database.deliveries if delivery.status not in {"sent", "cancelled"}]
        doubtful = [delivery for delivery in waiting if in_doubt and delivery.last_error == "sender died twice"]
        assert len(doubtful) <= in_doubt, f"{len(doubtful)} messages whose sender died twice while handing them over"
        assert len(waiting) - len(doubtful) == unsent, [(each.status, each.last_error) for each in waiting]
        arrived = self.mails.by_id()
        # Of what may not have arrived, the manager has heard: it is in doubt, not lost.
        told_of = [each for each in database.deliveries if each.kind == "undelivered" and each.message_id in arrived]
        assert len(told_of) >= len(doubtful), f"{len(told_of)} of {len(doubtful)} doubts told"
        missing = {each.message_id for each in database.deliveries if each.status == "sent"} - arrived.keys()
        assert not missing, f"{len(missing)} messages never arrived"
        assert not arrived.keys() - {each.message_id for each in database.deliveries}
        again = {key: count for key, count in arrived.items() if count > 1}
        assert all(count == 2 for count in again.values()), again
        assert len(again) <= repeats, f"{len(again)} repeats"
        steps = self.events(CORRECTIONS)
        assert max(Counter(step["id"] for step in steps).values(), default=0) <= 1, "a correction published twice"
        requested = {step["data"]["claim_id"] for step in steps if step["type"] == "correction.requested"}
        assert live <= requested
        self.says |= {"cases": len(database.cases), "mails": sum(arrived.values()), "repeats": len(again)}
        if doubtful:
            self.says |= {"in doubt, and the manager told": len(doubtful)}

    def _check_phi(self) -> None:
        """No canary, plain or in base64, in anything that comes out."""
        for name, text in self.outputs():
            assert not (found := [word for word in NEEDLES if word in text]), f"{name}: {found}"

    def outputs(self) -> Iterator[tuple[str, bytes]]:
        """Everything that comes out, by name.

        Two fields are the sender's own bytes, for the sender: `original_base64` of a rejection and of a dead letter.
        They are held against what was sent, and everything around them is an output like any other.
        """
        yield from self._redis_outputs()
        for each in self.running:
            yield each.log_path.name, each.log_text().encode()
            if each.process is not None and each.process.poll() is None:
                for path in ("metrics", "readyz", "livez"):
                    yield f"/{path} of {each.log_path.stem}", _fetch(f"http://127.0.0.1:{each.port}/{path}")
        for number, raw in enumerate(self.mails.raw):
            yield f"mail {number}", raw
        for path in self.folder.glob("cases.db*"):
            yield path.name, path.read_bytes()

    def _redis_outputs(self) -> Iterator[tuple[str, bytes]]:
        keys: list[bytes] = list(self.redis.scan_iter(count=5_000))
        yield "the names of Redis's keys", b"\n".join(keys)
        for key in keys:
            name = key.decode()
            if name.startswith(("palpate:seen", "palpate:version", "palpate:rejected", "palpate:correction")):
                # Thousands, each a number: what could leak is in the name.
                continue
            kind: Any = self.redis.type(key)
            if kind == b"stream":
                # What was sent is not an output.
                if not name.startswith("claims.created") or ".dead" in name:
                    yield name, b"\n".join(self._without_the_original(name))
            elif kind == b"hash":
                found: Any = self.redis.hgetall(key)
                yield name, repr(found).encode()
            else:
                value: Any = self.redis.get(key)
                yield name, value

    def _without_the_original(self, name: str) -> Iterator[bytes]:
        may_quote = name.startswith("claims.rejected") or name.endswith(".dead")
        for _, fields in self._all_entries(name):
            raw = b"\n".join(item for pair in fields.items() for item in pair)
            event = json.loads(fields[b"event"]) if may_quote else {}
            holder = event.get("data", event)
            if may_quote and (original := holder.pop("original_base64")):
                raw = json.dumps(event, ensure_ascii=False).encode()
                assert base64.b64decode(original, validate=True) in self._was_sent(), f"{name} quotes what nobody sent"
            yield raw

    def _was_sent(self) -> set[bytes]:
        if self._sent_bytes is None:
            self.remember_what_was_sent()
        return self._sent_bytes or set()

    def remember_what_was_sent(self) -> None:
        """Every event that lies on a stream that is read, as it was written there."""
        names = [partitioned(stream, each) for stream in READERS for each in self.all_partitions]
        self._sent_bytes = {
            fields.get(b"event", b"") for name in dict.fromkeys(names) for _, fields in self._all_entries(name)
        }

    def _all_entries(self, name: str) -> Iterator[Any]:
        start = "-"
        while True:
            entries: Any = self.redis.xrange(name, start, "+", count=2_000)
            yield from entries
            if len(entries) < 2_000:
                return
            start = f"({entries[-1][0].decode()}"

    def logged(self, name: str) -> list[dict[str, Any]]:
        """Log lines of that name, of every process."""
        return [line for each in self.running for line in each.log_lines() if line["event"] == name]


_UNTOLD = (
    "select count(*) from notices where status = 'waiting'",
    "select count(*) from deliveries where status in ('queued', 'sending')",
    "select count(*) from outgoing_events where published_at is null",
)
OUTCOMES = ("claims.passed", "claims.failed", "claims.rejected")


@dataclass
class Database:
    """What the notifier has written down."""

    cases: list[CaseRow]
    notices: list[Notice]
    deliveries: list[Delivery]
    outgoing: list[OutgoingEvent]


def _fetch(url: str) -> bytes:
    """What a service says, whatever it says: one that is not ready says so with 503."""
    answer = httpx.get(url, timeout=10)
    return b"\n".join([*(f"{key}: {value}".encode() for key, value in answer.headers.items()), answer.content])


def limit_files(process_id: int, size_bytes: int) -> None:
    """A disk that is full: no file of that process may grow beyond this (-1: no limit)."""
    limit = resource.RLIM_INFINITY if size_bytes < 0 else size_bytes
    resource.prlimit(process_id, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def freeze(process_id: int) -> None:
    """SIGSTOP."""
    os.kill(process_id, signal.SIGSTOP)


def thaw(process_id: int) -> None:
    """SIGCONT."""
    os.kill(process_id, signal.SIGCONT)
