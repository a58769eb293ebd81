"""Sources that cannot read Redis are told by webhook: at least once, however often their server is away."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from standardwebhooks import Webhook as Verifier

from palpate_cli.dlq import Filters, letters, settled
from palpate_intake.http.delivering import AT_ONCE, Deliverer
from palpate_intake.http.outbound import Next, Outbound, Outgoing, Policy, after
from palpate_intake.http.sources import Book, Sources
from palpate_intake.settings import IntakeSettings
from palpate_runtime.attempt import Attempt, Sent
from palpate_runtime.tasks import ended
from palpate_schemas.events import ClaimFailed, ClaimPassed
from tests.intake.http.conftest import ACME_URI, OTHER_URI, SOURCES, Start, publish, until
from tests.intake.http.test_claims import REJECTION
from tests.processes import eventually, services, serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Server(ThreadingHTTPServer):
    """As the standard library's, which has five connections wait at most and lets the sixth run into a time-out."""

    request_queue_size = 64


class Receiver:
    """A PMS's real HTTP server, which answers as it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.connections: set[Any] = set()
        self.statuses: dict[str, int] = {}
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.connections.add(self.client_address)
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    # Its sender died in the middle; no receiver takes that for a delivery.
                    self.close_connection = True
                    return
                receiver.calls.append(({key.lower(): value for key, value in self.headers.items()}, body))
                self.send_response(receiver.statuses.get(json.loads(body)["id"], receiver.status))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Quiet."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def ids(self) -> list[str]:
        return [json.loads(body)["id"] for _, body in self.calls]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    with serving(made.server):
        yield made


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "acme.secret"
    path.write_text(SECRET + "\n", "utf-8")
    return path


def sources(url: str) -> str:
    """Acme with a webhook, whose secret lies beside the sources file."""
    return SOURCES.replace(
        f'source = "{ACME_URI}"', f'source = "{ACME_URI}"\nwebhook = {{ url = "{url}", secret_file = "acme.secret" }}'
    )


QUICK = {"webhook_private_addresses": True, "webhook_timeout_s": 2, "retry_first_s": 0.05, "retry_longest_s": 0.1}


async def called(receiver: Receiver, count: int) -> None:
    async def enough() -> bool:
        return len(receiver.calls) >= count

    await until(enough)


async def emptied(redis: "Redis") -> None:
    """Until nothing waits for a webhook."""

    async def empty() -> bool:
        return not redis.keys("palpate:webhook:*:events")

    await until(empty)


async def test_each_answer_is_sent_signed_and_no_other_sources(
    start: Start, redis: "Redis", receiver: Receiver, secret: Path
) -> None:
    correction = {
        "specversion": "1.0", "id": "c-1", "source": "urn:palpate:notifier", "type": "correction.requested",
        "data": {
            "case_id": "k", "claim_id": "CLM-1", "version": 1, "practice": "1", "rendering_npi": "1",
            "source_event": {"source": ACME_URI, "id": "e-1"}, "at": "2026-11-24T12:00:00Z",
        },
    }  # fmt: skip
    async with start(sources(receiver.url), **QUICK):
        publish(redis, ClaimFailed, answer_id="v-1")
        publish(redis, ClaimPassed, answer_id="v-2", claim_id="CLM-2")
        publish(redis, ClaimPassed, answer_id="v-3", source=OTHER_URI)
        redis.xadd("claims.rejected", {"event": json.dumps(REJECTION)})
        redis.xadd("corrections", {"event": json.dumps(correction)})
        await called(receiver, 4)
        await emptied(redis)
    assert sorted(receiver.ids) == ["c-1", "r-1", "v-1", "v-2"]
    for headers, body in receiver.calls:
        said = Verifier(SECRET).verify(body, headers)
        assert (headers["webhook-id"], headers["content-type"]) == (said["id"], "application/cloudevents+json")
    by_id = {json.loads(body)["id"]: body for _, body in receiver.calls}
    # As it stands on the stream, byte for byte; a rejection without the bytes that were sent, which may hold PHI.
    assert by_id["v-1"] == redis.xrange("claims.failed")[0][1][b"event"]  # type: ignore[index]
    assert json.loads(by_id["r-1"])["data"]["original_base64"] == ""


async def test_connections_are_used_again(start: Start, redis: "Redis", receiver: Receiver, secret: Path) -> None:
    for number in range(40):
        publish(redis, ClaimFailed, answer_id=f"v-{number}", claim_id=f"CLM-{number}")
    async with start(sources(receiver.url), **QUICK):
        await called(receiver, 40)
        await emptied(redis)
    assert len(receiver.connections) <= AT_ONCE


async def test_a_server_that_was_away_is_told_when_it_is_back_and_nothing_is_lost_over_a_restart(
    start: Start, redis: "Redis", receiver: Receiver, secret: Path
) -> None:
    receiver.status = 503
    async with start(sources(receiver.url), **QUICK):
        for number in range(20):
            publish(redis, ClaimFailed, answer_id=f"v-{number}", claim_id=f"CLM-{number}")
        await called(receiver, 3)
    assert redis.xpending("claims.failed", "intake")["pending"] == 0  # type: ignore[index]
    receiver.status, failed = 204, len(receiver.calls)
    async with start(sources(receiver.url), **QUICK):
        await emptied(redis)
    assert sorted(set(receiver.ids[failed:])) == sorted(f"v-{number}" for number in range(20))


def test_killed_in_the_middle_it_sends_the_rest_when_it_is_there_again(
    redis_url: str, redis: "Redis", receiver: Receiver, secret: Path, tmp_path: Path
) -> None:
    (tmp_path / "sources.toml").write_text(sources(receiver.url), "utf-8")
    settings = {key: str(value) for key, value in QUICK.items()} | {
        "sources": str(tmp_path / "sources.toml"), "webhook_timeout_s": "0.5", "redis_timeout_s": "0.5",
        "batch_size": "20", "reclaim_idle_ms": "300", "reclaim_every_ms": "100",
    }  # fmt: skip
    before, meanwhile = ({f"v-{number}" for number in some} for some in (range(120), range(120, 150)))
    with services(redis_url, tmp_path, 1, "intake", **settings) as started:
        for name in before:
            publish(redis, ClaimFailed, answer_id=name, claim_id=name)
        eventually(lambda: len(receiver.calls) > 20, within=20, what="some of them")
        started["intake"].kill()
        for name in meanwhile:
            publish(redis, ClaimFailed, answer_id=name, claim_id=name)
        started["intake"].start()
        everything = before | meanwhile
        eventually(lambda: set(receiver.ids) == everything, within=40, what=lambda: f"{len(set(receiver.ids))} of 150")
        eventually(lambda: not redis.keys("palpate:webhook:*"), within=20, what="an empty queue")


async def test_a_verdict_that_comes_while_the_sources_file_is_empty_reaches_its_webhook(
    start: Start, redis: "Redis", receiver: Receiver, secret: Path
) -> None:
    async with start(sources(receiver.url), **QUICK) as intake:
        await asyncio.to_thread(intake.sources.write_text, "", "utf-8")
        publish(redis, ClaimFailed, answer_id="v-1")
        await called(receiver, 1)
    assert receiver.ids == ["v-1"]


async def test_one_event_that_is_refused_holds_up_no_other(
    start: Start, redis: "Redis", receiver: Receiver, secret: Path
) -> None:
    receiver.statuses["v-0"] = 400
    async with start(sources(receiver.url), **QUICK):
        for number in range(5):
            publish(redis, ClaimFailed, answer_id=f"v-{number}", claim_id=f"CLM-{number}")

        async def others() -> bool:
            return {"v-1", "v-2", "v-3", "v-4"} <= set(receiver.ids) and receiver.ids.count("v-0") > 1

        await until(others)
        del receiver.statuses["v-0"]
        await emptied(redis)


async def test_what_no_server_takes_in_time_is_a_dead_letter_that_can_be_sent_again(
    start: Start, redis: "Redis", receiver: Receiver, secret: Path
) -> None:
    receiver.status = 500
    async with start(sources(receiver.url), **{**QUICK, "give_up_after_s": 0.2}):
        publish(redis, ClaimFailed, answer_id="v-1")
        await called(receiver, 1)

        async def buried() -> bool:
            return bool(redis.xlen("webhooks.dead"))

        await until(buried)
        [letter] = letters(redis, Filters(stream="webhooks"), (None,))
        assert (letter.letter.stream, letter.letter.error, letter.named["event_id"]) == (
            "claims.failed", "webhook: 500", "v-1",
        )  # fmt: skip
        receiver.status, failed = 204, len(receiver.calls)
        assert settled(redis, letter, "replay")
        await called(receiver, failed + 1)
        await emptied(redis)
    assert receiver.ids[-1] == "v-1"


async def test_what_waited_too_long_is_given_up_without_asking_a_server_that_is_away_for_each(
    start: Start, redis: "Redis", closed_port: int, secret: Path
) -> None:
    async with start(sources(f"http://127.0.0.1:{closed_port}/"), **QUICK, give_up_after_s=0.5):
        for number in range(250):
            publish(redis, ClaimFailed, answer_id=f"v-{number}", claim_id=f"CLM-{number}")

        async def buried() -> bool:
            return bool(redis.xlen("webhooks.dead") == 250)

        await until(buried)
        await emptied(redis)
    given_up = letters(redis, Filters(stream="webhooks", limit=500), (None,))
    assert {letter.named["event_id"] for letter in given_up} == {f"v-{number}" for number in range(250)}
    assert redis.keys("palpate:webhook:*") == []


async def test_what_waited_too_long_is_given_up_though_every_round_breaks_off(
    redis: "Redis", async_redis: Any, tmp_path: Path
) -> None:
    class Broken(Sources):
        def now(self) -> Book:
            raise RuntimeError("a fault of ours")

    (tmp_path / "sources.toml").write_text(SOURCES, "utf-8")
    names = [f"v-{number}" for number in range(3)]
    waited = [outgoing(event_id=each, age=timedelta(days=9), event=json.dumps({"id": each})) for each in names]
    await Outbound(async_redis, ACME_URI).put(waited, NOW - timedelta(days=9))
    settings = IntakeSettings(sources=tmp_path / "sources.toml", retry_first_s=0.05)
    deliverer = Deliverer(lambda: async_redis, Broken(settings.sources), settings, lambda: NOW)
    delivering = asyncio.create_task(deliverer.run())
    await emptied(redis)
    await ended(delivering)
    given_up = letters(redis, Filters(stream="webhooks"), (None,))
    assert sorted(str(letter.named["event_id"]) for letter in given_up) == names


async def test_a_secret_that_is_empty_is_tried_again_once_it_is_one(
    start: Start, redis: "Redis", receiver: Receiver, secret: Path
) -> None:
    await asyncio.to_thread(secret.write_text, "whsec_\n", "utf-8")
    async with start(sources(receiver.url), **QUICK):
        publish(redis, ClaimFailed, answer_id="v-1")

        async def tried_twice() -> bool:
            waiting: dict[bytes, bytes] = next(map(redis.hgetall, redis.keys("palpate:webhook:*:events")), {})
            return any(json.loads(each)["attempts"] > 1 for each in waiting.values())

        await until(tried_twice)
        await asyncio.to_thread(secret.write_text, SECRET, "utf-8")
        await emptied(redis)
    assert receiver.ids == ["v-1"]


async def test_what_waited_too_long_is_sent_all_the_same_when_the_server_is_there(
    start: Start, redis: "Redis", receiver: Receiver, secret: Path, async_redis: Any
) -> None:
    waited = outgoing(event_id="v-1", age=timedelta(days=9), event='{"id": "v-1"}')
    await Outbound(async_redis, ACME_URI).put([waited], NOW - timedelta(days=9))
    async with start(sources(receiver.url), **QUICK):
        await emptied(redis)
    assert (receiver.ids, redis.xlen("webhooks.dead")) == (["v-1"], 0)


async def test_a_server_that_says_gone_is_asked_once(
    start: Start, redis: "Redis", receiver: Receiver, secret: Path
) -> None:
    receiver.status = 410
    async with start(sources(receiver.url), **QUICK):
        publish(redis, ClaimFailed, answer_id="v-1")
        await called(receiver, 1)
        await emptied(redis)
    assert (len(receiver.calls), redis.xlen("webhooks.dead")) == (1, 1)


async def test_an_address_of_this_network_is_not_called_unless_that_is_allowed(
    start: Start, redis: "Redis", receiver: Receiver, secret: Path
) -> None:
    async with start(sources(receiver.url), **{**QUICK, "webhook_private_addresses": False, "give_up_after_s": 0.1}):
        publish(redis, ClaimFailed, answer_id="v-1")
        await until(lambda: asyncio.to_thread(redis.xlen, "webhooks.dead"))
    [letter] = letters(redis, Filters(stream="webhooks"), (None,))
    assert letter.letter.error == "webhook: address not allowed"
    assert receiver.calls == []


async def test_a_source_whose_server_hangs_holds_up_no_other(
    start: Start, redis: "Redis", receiver: Receiver, secret: Path
) -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        writer.close()

    let_go = asyncio.Event()
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    hanging = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    text = sources(receiver.url).replace(
        f'source = "{OTHER_URI}"',
        f'source = "{OTHER_URI}"\nwebhook = {{ url = "{hanging}", secret_file = "acme.secret" }}',
    )
    async with start(text, **{**QUICK, "webhook_timeout_s": 30, "stop_within_s": 0.2}):
        publish(redis, ClaimFailed, answer_id="v-1", source=OTHER_URI)
        await until(lambda: asyncio.to_thread(redis.smismember, "palpate:webhooks", [OTHER_URI.encode()]))
        publish(redis, ClaimFailed, answer_id="v-2")
        await called(receiver, 1)
    let_go.set()
    server.close()
    await server.wait_closed()
    assert receiver.ids == ["v-2"]


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = Policy(timedelta(seconds=5), timedelta(hours=1), timedelta(days=3))


def outgoing(*, attempts: int = 1, age: timedelta = timedelta(0), event_id: str = "v-1", event: str = "{}") -> Outgoing:
    return Outgoing(
        id=event_id, stream="claims.failed", entry_id="1-0", since=NOW - age, attempts=attempts, event=event
    )


@pytest.mark.parametrize(
    ("attempt", "waits", "step"),
    [
        (Attempt(Sent.ACCEPTED), outgoing(), Next(delivered=True)),
        (Attempt(Sent.LATER), outgoing(attempts=1), Next(due=NOW + timedelta(seconds=5))),
        (Attempt(Sent.UNKNOWN), outgoing(attempts=2), Next(due=NOW + timedelta(seconds=10))),
        (Attempt(Sent.REFUSED, "404"), outgoing(attempts=3), Next(due=NOW + timedelta(seconds=20))),
        (Attempt(Sent.LATER), outgoing(attempts=40), Next(due=NOW + timedelta(hours=1))),
        (Attempt(Sent.REFUSED, "410", bounced=True), outgoing(), Next(given_up=True)),
        (
            Attempt(Sent.LATER),
            outgoing(age=timedelta(days=3) - timedelta(seconds=1)),
            Next(due=NOW + timedelta(seconds=5)),
        ),
        (Attempt(Sent.LATER), outgoing(age=timedelta(days=3)), Next(given_up=True)),
        (Attempt(Sent.ACCEPTED), outgoing(age=timedelta(days=9)), Next(delivered=True)),
    ],
)
def test_what_follows_an_attempt(attempt: Attempt, waits: Outgoing, step: Next) -> None:
    assert after(attempt, waits, POLICY, NOW) == step


async def test_an_event_is_queued_once_taken_by_one_and_due_again_when_its_taker_dies(async_redis: Any) -> None:
    queue, lease = Outbound(async_redis, ACME_URI), timedelta(seconds=60)
    await queue.put([outgoing()], NOW)
    await queue.put([outgoing(attempts=7), outgoing(event_id="v-2")], NOW)
    assert [each.id for each in await queue.take(10, NOW, lease)] == ["v-1", "v-2"]
    assert await queue.take(10, NOW + timedelta(seconds=59), lease) == []
    taken = await queue.take(10, NOW + lease, lease)
    assert [(each.id, each.attempts) for each in taken] == [("v-1", 1), ("v-2", 1)]
    await queue.done(taken[0])
    # Somebody whose lease ran out before it knew: what is done stays done.
    await queue.later(taken[0], NOW)
    await queue.later(taken[1], NOW + timedelta(hours=1))
    assert await queue.take(10, NOW + timedelta(minutes=59), lease) == []
    assert [each.id for each in await queue.old(10, NOW)] == ["v-2"]
    assert await queue.old(10, NOW - timedelta(seconds=1)) == []
