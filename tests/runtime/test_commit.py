"""The commit on a real server: what is acknowledged is published, once, and nothing else is."""

from typing import Any

import pytest
from redis.exceptions import ResponseError

from palpate_runtime.commit import NO_KEY, Commit, Committed, Outcome

STREAM, GROUP, OUT = "claims.created", "validator", "claims.passed"


@pytest.fixture
async def commit(async_redis: Any) -> Commit:
    await async_redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    return Commit(async_redis, STREAM, GROUP, dedupe_ttl_s=60, version_ttl_s=60)


async def delivered(redis: Any, count: int, consumer: str = "a") -> list[str]:
    """Publish entries and deliver them to a consumer; returns their ids."""
    for number in range(count):
        await redis.xadd(STREAM, {"event": str(number)})
    [(_, entries)] = await redis.xreadgroup(GROUP, consumer, {STREAM: ">"}, count=count)
    return [entry_id.decode() for entry_id, _ in entries]


def outcome(entry_id: str, *, key: str = NO_KEY, claim: str = NO_KEY, version: int = 1, to: str = OUT) -> Outcome:
    return Outcome(entry_id, to, f"outcome of {entry_id}".encode(), dedupe_key=key, version_key=claim, version=version)


async def test_it_publishes_and_acknowledges_together(async_redis: Any, commit: Commit) -> None:
    ids = await delivered(async_redis, 3)
    assert await commit([outcome(each) for each in ids]) == [Committed.PUBLISHED] * 3
    assert [fields[b"event"] for _, fields in await async_redis.xrange(OUT)] == [
        f"outcome of {each}".encode() for each in ids
    ]
    assert (await async_redis.xpending(STREAM, GROUP))["pending"] == 0


async def test_the_same_batch_again_changes_nothing(async_redis: Any, commit: Commit) -> None:
    ids = await delivered(async_redis, 2)
    await commit([outcome(each) for each in ids])
    assert await commit([outcome(each) for each in ids]) == [Committed.LOST] * 2
    assert await async_redis.xlen(OUT) == 2


async def test_a_zombie_that_lost_its_entry_publishes_nothing(async_redis: Any, commit: Commit) -> None:
    [entry_id] = await delivered(async_redis, 1, consumer="zombie")
    await async_redis.xclaim(STREAM, GROUP, "heir", 0, [entry_id])
    assert await commit([outcome(entry_id)]) == [Committed.PUBLISHED]
    assert await commit([outcome(entry_id)]) == [Committed.LOST]
    assert await async_redis.xlen(OUT) == 1


async def test_the_same_event_twice_is_one_event(async_redis: Any, commit: Commit) -> None:
    first, second = await delivered(async_redis, 2)
    answers = await commit([outcome(first, key="seen"), outcome(second, key="seen")])
    assert answers == [Committed.PUBLISHED, Committed.DUPLICATE]
    assert await async_redis.xlen(OUT) == 1
    assert (await async_redis.xpending(STREAM, GROUP))["pending"] == 0


async def test_an_older_version_than_the_last_judged_changes_nothing(async_redis: Any, commit: Commit) -> None:
    ids = await delivered(async_redis, 4)
    versions = [2, 1, 2, 10]
    answers = await commit([outcome(i, claim="claim", version=v) for i, v in zip(ids, versions, strict=True)])
    assert answers == [Committed.PUBLISHED, Committed.STALE, Committed.PUBLISHED, Committed.PUBLISHED]
    assert await async_redis.get("claim") == b"10"


async def test_a_wrong_key_is_refused_before_anything_is_written(async_redis: Any, commit: Commit) -> None:
    first, second = await delivered(async_redis, 2)
    await async_redis.set("not-a-stream", "x")
    with pytest.raises(ResponseError, match="not-a-stream"):
        await commit([outcome(first), outcome(second, to="not-a-stream")])
    assert await async_redis.xlen(OUT) == 0
    assert (await async_redis.xpending(STREAM, GROUP))["pending"] == 2


async def test_it_survives_a_server_that_forgot_the_script(async_redis: Any, commit: Commit) -> None:
    first, second = await delivered(async_redis, 2)
    await commit([outcome(first)])
    await async_redis.script_flush()
    assert await commit([outcome(second)]) == [Committed.PUBLISHED]


async def test_nothing_to_commit_asks_nothing(commit: Commit) -> None:
    assert await commit([]) == []


async def test_burying_takes_only_what_is_ours(async_redis: Any, commit: Commit) -> None:
    first, second = await delivered(async_redis, 2)
    await commit([outcome(first)])
    assert await commit.bury(f"{STREAM}.dead", [(first, b"letter 1"), (second, b"letter 2")]) == 1
    assert [fields[b"event"] for _, fields in await async_redis.xrange(f"{STREAM}.dead")] == [b"letter 2"]


async def test_what_cannot_be_buried_stays_pending(async_redis: Any, commit: Commit) -> None:
    [entry_id] = await delivered(async_redis, 1)
    await async_redis.set(f"{STREAM}.dead", "not a stream")
    with pytest.raises(ResponseError, match=r"claims\.created\.dead"):
        await commit.bury(f"{STREAM}.dead", [(entry_id, b"letter")])
    assert (await async_redis.xpending(STREAM, GROUP))["pending"] == 1
    await async_redis.delete(f"{STREAM}.dead")
    assert await commit.bury(f"{STREAM}.dead", [(entry_id, b"letter")]) == 1
