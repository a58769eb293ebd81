"""The consumer on a real server: it starts at the beginning, heals, takes over and gives up in good order."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from palpate_runtime.commit import Commit, Outcome
from palpate_runtime.consumer import Entry, Failures, StreamConsumer, TransientError
from palpate_runtime.servers import broker_for
from palpate_runtime.settings import RuntimeSettings
from palpate_runtime.tasks import ended
from palpate_schemas.streams import dead

STREAM, GROUP, OUT = "claims.created", "validator", "claims.passed"


def settings(url: str, **changes: Any) -> RuntimeSettings:
    quick = {"block_ms": 50, "reclaim_idle_ms": 200, "reclaim_every_ms": 50, "max_deliveries": 3, "batch_size": 100}
    return RuntimeSettings(redis_url=url, **{**quick, **changes})


class Copier:
    """Publishes each entry's event as it is; raises for those that hold a word."""

    def __init__(self, redis: Any, *, breaks_on: bytes = b"never") -> None:
        self._commit = Commit(redis, STREAM, GROUP, dedupe_ttl_s=60, version_ttl_s=60)
        self.breaks_on = breaks_on
        self.away = 0

    async def __call__(self, entries: Sequence[Entry]) -> Failures:
        if self.away:
            self.away -= 1
            raise TransientError("away")
        good = [entry for entry in entries if self.breaks_on not in entry.event]
        await self._commit([Outcome(entry.id, OUT, entry.event) for entry in good])
        return {e.id: ValueError("SECRET NAME") for e in entries if self.breaks_on in e.event}


@asynccontextmanager
async def consuming(
    url: str, handler: Callable[[Sequence[Entry]], Awaitable[Failures]], **changes: Any
) -> AsyncIterator[StreamConsumer]:
    configured = settings(url, **changes)
    broker = broker_for(configured)
    consumer = StreamConsumer(broker, STREAM, GROUP, configured, handler)
    await broker.connect()
    task = asyncio.create_task(consumer.supervise())
    try:
        yield consumer
    finally:
        await ended(task)
        await consumer.stop()
        await broker.stop()


async def until(happened: Callable[[], Awaitable[Any]], within: float = 40.0) -> Any:
    async with asyncio.timeout(within):
        while not (result := await happened()):  # noqa: ASYNC110 - what is awaited happens in Redis
            await asyncio.sleep(0.02)
        return result


async def published(redis: Any) -> list[bytes]:
    return [fields[b"event"] for _, fields in await redis.xrange(OUT)]


async def test_what_was_published_before_the_first_start_is_read(async_redis: Any, redis_url: str) -> None:
    for number in range(250):
        await async_redis.xadd(STREAM, {"event": str(number)})
    async with consuming(redis_url, Copier(async_redis)):
        await until(lambda: _has(async_redis, 250))
    assert await published(async_redis) == [str(number).encode() for number in range(250)]


async def _has(redis: Any, count: int) -> bool:
    return bool(await redis.xlen(OUT) >= count)


async def test_a_restart_goes_on_where_it_was(async_redis: Any, redis_url: str) -> None:
    for name in ("first", "second"):
        await async_redis.xadd(STREAM, {"event": name})
        async with consuming(redis_url, Copier(async_redis)):
            await until(lambda: _has(async_redis, 1 if name == "first" else 2))  # noqa: B023
    assert await published(async_redis) == [b"first", b"second"]


async def test_an_entry_whose_json_has_a_string_data_is_not_mistaken_for_an_envelope(
    async_redis: Any, redis_url: str
) -> None:
    body = json.dumps({"data": "text", "headers": {"a": "b"}}).encode()
    await async_redis.xadd(STREAM, {"event": body})
    async with consuming(redis_url, Copier(async_redis)):
        await until(lambda: _has(async_redis, 1))
    assert await published(async_redis) == [body]


async def test_it_heals_when_everything_is_flushed(async_redis: Any, redis_url: str) -> None:
    async with consuming(redis_url, Copier(async_redis)) as consumer:
        await async_redis.xadd(STREAM, {"event": "before"})
        await until(lambda: _has(async_redis, 1))
        await async_redis.flushall()
        await async_redis.xadd(STREAM, {"event": "after"})
        await until(lambda: _has(async_redis, 1))
        await until(consumer.is_consuming)
    assert await published(async_redis) == [b"after"]


async def test_it_heals_when_the_group_is_destroyed(async_redis: Any, redis_url: str) -> None:
    async with consuming(redis_url, Copier(async_redis)) as consumer:
        await until(consumer.is_consuming)
        await async_redis.xgroup_destroy(STREAM, GROUP)
        await async_redis.xadd(STREAM, {"event": "after"})
        await until(lambda: _has(async_redis, 1))


async def test_entries_of_a_dead_consumer_are_taken_over(async_redis: Any, redis_url: str) -> None:
    await async_redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    for number in range(150):
        await async_redis.xadd(STREAM, {"event": str(number)})
    await async_redis.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=150)
    async with consuming(redis_url, Copier(async_redis)):
        await until(lambda: _has(async_redis, 150))
    assert sorted(await published(async_redis)) == sorted(str(number).encode() for number in range(150))


async def test_what_fails_every_time_is_buried_with_its_reason_and_bytes(async_redis: Any, redis_url: str) -> None:
    copier = Copier(async_redis, breaks_on=b"poison")
    async with consuming(redis_url, copier):
        for body in ("good 1", "poison of SECRET NAME", "good 2"):
            await async_redis.xadd(STREAM, {"event": body})
        [(_, fields)] = await until(lambda: async_redis.xrange(dead(STREAM)))
    letter = json.loads(fields[b"event"])
    assert letter["attempts"] == 3
    assert letter["error"].startswith("ValueError at ")
    assert "SECRET" not in letter["error"]
    assert base64.b64decode(letter["original_base64"]) == b"poison of SECRET NAME"
    assert await published(async_redis) == [b"good 1", b"good 2"]
    assert (await async_redis.xpending(STREAM, GROUP))["pending"] == 0


async def test_what_killed_its_consumers_is_buried_without_being_tried_again(async_redis: Any, redis_url: str) -> None:
    await async_redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    await async_redis.xadd(STREAM, {"event": "killer"})
    [(_, [(entry_id, _)])] = await async_redis.xreadgroup(GROUP, "dead", {STREAM: ">"})
    await async_redis.xclaim(STREAM, GROUP, "dead", 0, [entry_id], retrycount=3)
    async with consuming(redis_url, Copier(async_redis)):
        [(_, fields)] = await until(lambda: async_redis.xrange(dead(STREAM)))
    assert json.loads(fields[b"event"])["error"].startswith("did not come back")
    assert await published(async_redis) == []


async def test_the_attempts_of_one_are_known_however_many_of_ours_lie_between(async_redis: Any, redis_url: str) -> None:
    await async_redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    for number in range(12):
        await async_redis.xadd(STREAM, {"event": str(number)})
    [(_, entries)] = await async_redis.xreadgroup(GROUP, "me", {STREAM: ">"})
    ids = [entry_id for entry_id, _ in entries]
    # The first and the last are a dead consumer's, and the last has killed three; what lies between is in our hands.
    await async_redis.xclaim(STREAM, GROUP, "dead", 0, [ids[0]], idle=120_000)
    await async_redis.xclaim(STREAM, GROUP, "dead", 0, [ids[-1]], idle=120_000, retrycount=3)
    async with consuming(redis_url, Copier(async_redis), consumer="me", reclaim_idle_ms=60_000):
        await until(lambda: async_redis.xrange(dead(STREAM)))
        await until(lambda: async_redis.xrange(OUT))
    assert await published(async_redis) == [b"0"]
    [(_, fields)] = await async_redis.xrange(dead(STREAM))
    assert json.loads(fields[b"event"])["entry_id"] == ids[-1].decode()


async def test_something_outside_that_is_away_costs_no_attempt(async_redis: Any, redis_url: str) -> None:
    copier = Copier(async_redis)
    copier.away = 3
    async with consuming(redis_url, copier, max_deliveries=1, reclaim_idle_ms=60_000):
        await async_redis.xadd(STREAM, {"event": "patient"})
        await until(lambda: _has(async_redis, 1))
    assert await async_redis.xlen(dead(STREAM)) == 0


async def test_stopping_leaves_no_idle_consumer_behind(async_redis: Any, redis_url: str) -> None:
    async with consuming(redis_url, Copier(async_redis)) as consumer:
        await until(consumer.is_consuming)
    assert await async_redis.xinfo_consumers(STREAM, GROUP) == []


async def _counts(redis: Any) -> list[int]:
    return [each["times_delivered"] for each in await redis.xpending_range(STREAM, GROUP, "-", "+", 1000)]


async def test_waiting_for_something_outside_costs_no_attempt_however_long(async_redis: Any, redis_url: str) -> None:
    """A database away for longer than the reclaim time, with a second consumer that would take the entries over."""
    away, other = Copier(async_redis), Copier(async_redis)
    away.away = 1_000_000
    for number in range(20):
        await async_redis.xadd(STREAM, {"event": str(number)})
    async with consuming(redis_url, away, consumer="a", reclaim_idle_ms=1_500, max_deliveries=2):
        await until(lambda: _pending(async_redis, 20))
        async with consuming(redis_url, other, consumer="b", reclaim_idle_ms=1_500, max_deliveries=2):
            await asyncio.sleep(3.5)
            assert await _counts(async_redis) == [1] * 20
            away.away = 0
            await until(lambda: _has(async_redis, 20))
    assert await async_redis.xlen(dead(STREAM)) == 0


async def _pending(redis: Any, count: int) -> bool:
    groups = await redis.xinfo_groups(STREAM)
    return bool(groups and groups[0]["pending"] == count)


async def test_what_is_in_hand_at_a_stop_is_handed_back_at_no_cost(async_redis: Any, redis_url: str) -> None:
    away = Copier(async_redis)
    away.away = 1_000_000
    for number in range(20):
        await async_redis.xadd(STREAM, {"event": str(number)})
    async with consuming(redis_url, away, consumer="a", reclaim_idle_ms=60_000):
        await until(lambda: _pending(async_redis, 20))
        await asyncio.sleep(0.3)
    assert await _counts(async_redis) == [0] * 20
    async with consuming(redis_url, Copier(async_redis), consumer="b", reclaim_idle_ms=60_000):
        await until(lambda: _has(async_redis, 20), within=5)


async def test_an_entry_that_kills_is_buried_and_its_neighbours_are_not(async_redis: Any, redis_url: str) -> None:
    class Killer(Copier):
        async def __call__(self, entries: Sequence[Entry]) -> Failures:
            if any(b"killer" in entry.event for entry in entries):
                await asyncio.Event().wait()  # as far as the batch goes, the process is gone
            return await super().__call__(entries)

    await async_redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    for number in range(30):
        await async_redis.xadd(STREAM, {"event": "killer" if number == 10 else str(number)})
    await async_redis.xreadgroup(GROUP, "first", {STREAM: ">"}, count=30)
    for attempt in range(8):
        async with consuming(
            redis_url, Killer(async_redis), consumer=f"c{attempt}", reclaim_idle_ms=100, stop_within_s=0.1
        ):
            await asyncio.sleep(0.5)
            # What a kill leaves behind: pending entries, and nobody who hands them back.
            held = [each["message_id"] for each in await async_redis.xpending_range(STREAM, GROUP, "-", "+", 100)]
            counts = dict(zip(held, await _counts(async_redis), strict=True))
        for entry_id, count in counts.items():
            await async_redis.xclaim(STREAM, GROUP, "dead", 0, [entry_id], idle=1_000, retrycount=count, justid=True)
        if not held:
            break
    assert sorted(await published(async_redis)) == sorted(str(n).encode() for n in range(30) if n != 10)
    [(_, fields)] = await async_redis.xrange(dead(STREAM))
    letter = json.loads(fields[b"event"])
    assert letter["error"].startswith("did not come back")
    assert base64.b64decode(letter["original_base64"]) == b"killer"


async def test_a_handler_that_breaks_altogether_buries_instead_of_looping(async_redis: Any, redis_url: str) -> None:
    async def broken(_entries: Sequence[Entry]) -> Failures:
        raise KeyError("SECRET NAME")

    async with consuming(redis_url, broken):
        await async_redis.xadd(STREAM, {"event": "x"})
        [(_, fields)] = await until(lambda: async_redis.xrange(dead(STREAM)))
    assert json.loads(fields[b"event"])["error"].startswith("KeyError at ")


async def test_it_says_that_it_does_not_consume_while_it_cannot(async_redis: Any, redis_url: str) -> None:
    copier = Copier(async_redis)
    async with consuming(redis_url, copier) as consumer:
        await until(consumer.is_consuming)
        copier.away = 1_000_000
        await async_redis.xadd(STREAM, {"event": "x"})
        await until(lambda: _is_not(consumer))
        assert consumer.is_alive()
        copier.away = 0
        await until(consumer.is_consuming)


async def _is_not(consumer: StreamConsumer) -> bool:
    return not await consumer.is_consuming()


async def test_it_trims_what_is_finished(async_redis: Any, redis_url: str) -> None:
    async with consuming(redis_url, Copier(async_redis), retain_s=0, trim_every_s=0.1):
        for number in range(50):
            await async_redis.xadd(STREAM, {"event": str(number)})
        await until(lambda: _has(async_redis, 50))
        await until(lambda: _empty(async_redis))


async def _empty(redis: Any) -> bool:
    return bool(await redis.xlen(STREAM) == 0)


async def test_an_entry_that_reaches_us_while_we_leave_is_not_lost(async_redis: Any, redis_url: str) -> None:
    """Deleting a consumer discards what is pending with it: an entry that came after the look was never judged."""

    class ReachedWhileLeaving(StreamConsumer):
        async def _hand_back(self) -> int:
            found = await super()._hand_back()
            # The read that was under way when we stopped is answered now, between the look and the leaving.
            await async_redis.xadd(STREAM, {"event": "late"})
            await async_redis.xreadgroup(GROUP, self.name, {STREAM: ">"})
            return found

    broker = broker_for(settings(redis_url))
    leaving = ReachedWhileLeaving(broker, STREAM, GROUP, settings(redis_url), Copier(async_redis))
    await broker.connect()
    await leaving._ensure_group()
    await leaving.stop()
    await broker.stop()
    assert (await async_redis.xpending(STREAM, GROUP))["pending"] == 1

    async with consuming(redis_url, Copier(async_redis), consumer="heir"):
        await until(lambda: _has(async_redis, 1))
    assert await published(async_redis) == [b"late"]


async def test_a_batch_that_is_cut_off_while_it_waits_is_held_no_longer(async_redis: Any, redis_url: str) -> None:
    copier = Copier(async_redis)
    copier.away = 1_000
    async with consuming(redis_url, copier) as consumer:
        await async_redis.xadd(STREAM, {"event": "patient"})
        waiting = asyncio.create_task(consumer._handle([Entry(STREAM, "1-0", b"cut off")]))
        await until(lambda: _true(copier.away < 999))
        before = consumer._held
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert consumer._held == before - 1


async def _true(condition: bool) -> bool:
    return condition
