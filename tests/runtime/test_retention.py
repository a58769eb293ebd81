"""Retention on a real server: only what everybody has finished goes, and what somebody else took away shows."""

from typing import Any

import pytest

from palpate_runtime.commit import Commit, Outcome, ledger_key
from palpate_runtime.retention import MOST_COUNTED, Books, Retention, reason_of

STREAM, GROUP, OUT = "claims.created", "validator", "claims.passed"


@pytest.fixture
async def retention(async_redis: Any) -> Retention:
    found = Retention(async_redis, STREAM, GROUP)
    await found.create_group()
    return found


async def added(redis: Any, count: int) -> list[str]:
    return [(await redis.xadd(STREAM, {"event": str(number)})).decode() for number in range(count)]


async def read(redis: Any, count: int, group: str = GROUP) -> list[str]:
    [(_, entries)] = await redis.xreadgroup(group, "a", {STREAM: ">"}, count=count)
    return [entry_id.decode() for entry_id, _ in entries]


async def finish(redis: Any, ids: list[str]) -> None:
    await Commit(redis, STREAM, GROUP)([Outcome(each, OUT, b"{}") for each in ids])


async def books(retention: Retention) -> Books:
    found = await retention.audit()
    assert found is not None
    return found


async def test_only_what_is_finished_goes(async_redis: Any, retention: Retention) -> None:
    ids = await added(async_redis, 6)
    await finish(async_redis, (await read(async_redis, 4))[:2])
    assert await retention.trim(retain_s=-60) == 2
    assert [each.decode() for each, _ in await async_redis.xrange(STREAM)] == ids[2:]


async def test_nothing_that_another_group_has_not_finished_goes(async_redis: Any, retention: Retention) -> None:
    await async_redis.xgroup_create(STREAM, "pms", id="0")
    await added(async_redis, 5)
    await finish(async_redis, await read(async_redis, 5))
    await read(async_redis, 3, "pms")
    assert await retention.trim(retain_s=-60) == 0
    assert await async_redis.xack(STREAM, "pms", *[each for each, _ in await async_redis.xrange(STREAM, count=2)]) == 2
    assert await retention.trim(retain_s=-60) == 2


async def test_what_is_finished_stays_as_long_as_it_should(async_redis: Any, retention: Retention) -> None:
    await added(async_redis, 3)
    await finish(async_redis, await read(async_redis, 3))
    assert await retention.trim(retain_s=60) == 0
    assert await retention.trim(retain_s=-60) == 3


async def test_a_stream_that_no_group_reads_is_left_alone(async_redis: Any) -> None:
    await async_redis.xadd("corrections", {"event": "1"})
    assert await Retention(async_redis, "corrections", GROUP).trim(retain_s=-60) == 0


async def test_a_long_stream_is_trimmed_to_the_entry(async_redis: Any, retention: Retention) -> None:
    pipe = async_redis.pipeline(transaction=False)
    for number in range(1_050):
        pipe.xadd(STREAM, {"event": str(number)})
    await pipe.execute()
    await finish(async_redis, await read(async_redis, 1_047))
    assert await retention.trim(retain_s=-60) == 1_047
    assert await async_redis.xlen(STREAM) == 3


async def test_the_books_balance_while_all_goes_well(async_redis: Any, retention: Retention) -> None:
    await added(async_redis, 10)
    ids = await read(async_redis, 6)
    await finish(async_redis, ids[:4])
    await Commit(async_redis, STREAM, GROUP).bury(f"{STREAM}.dead", [(ids[4], b"letter")])
    await retention.trim(retain_s=-60)
    found = await books(retention)
    assert (found.vanished, found.waiting, found.pending, found.length) == (0, 4, 1, 5)


@pytest.mark.parametrize("way", ["maxlen", "xdel", "xtrim", "ack by hand"])
async def test_what_vanished_unread_shows_once_with_its_place(async_redis: Any, retention: Retention, way: str) -> None:
    await finish(async_redis, await _one(async_redis))
    ids = await added(async_redis, 5)
    seen = (await books(retention)).delivered
    if way == "maxlen":
        await async_redis.xadd(STREAM, {"event": "x"}, maxlen=1, approximate=False)
    elif way == "xdel":
        await async_redis.xdel(STREAM, *ids)
    elif way == "xtrim":
        await async_redis.xtrim(STREAM, maxlen=0, approximate=False)
    else:
        await async_redis.xack(STREAM, GROUP, *await read(async_redis, 5))
    found = await books(retention)
    assert (found.new, found.vanished) == (5, 5)
    assert found.before == seen
    again = await books(retention)
    assert (again.new, again.vanished) == (0, 5)


async def _one(redis: Any) -> list[str]:
    await added(redis, 1)
    return await read(redis, 1)


async def test_a_pending_entry_that_was_deleted_shows(async_redis: Any, retention: Retention) -> None:
    await added(async_redis, 2)
    first, _ = await read(async_redis, 2)
    await async_redis.xdel(STREAM, first)
    assert (await books(retention)).vanished == 0
    await async_redis.xautoclaim(STREAM, GROUP, "b", min_idle_time=0)
    assert (await books(retention)).vanished == 1


async def test_what_was_taken_before_the_first_start_shows(async_redis: Any) -> None:
    await added(async_redis, 4)
    await async_redis.xtrim(STREAM, maxlen=1, approximate=False)
    retention = Retention(async_redis, STREAM, GROUP)
    assert await retention.create_group() is False
    assert (await books(retention)).vanished == 3


async def test_among_too_many_to_count_it_shows_at_least_what_was_never_finished(
    async_redis: Any, retention: Retention
) -> None:
    await added(async_redis, MOST_COUNTED + 20)
    await async_redis.xtrim(STREAM, maxlen=MOST_COUNTED + 10, approximate=False)
    found = await books(retention)
    assert (found.waiting, found.vanished) == (None, 10)


async def test_a_group_that_comes_back_begins_new_books(async_redis: Any, retention: Retention) -> None:
    await added(async_redis, 5)
    await finish(async_redis, await read(async_redis, 5))
    await async_redis.xgroup_destroy(STREAM, GROUP)
    assert await retention.create_group() is True
    assert (await books(retention)).vanished == 0
    await finish(async_redis, await read(async_redis, 5))
    assert (await books(retention)).vanished == 0
    await added(async_redis, 1)
    await async_redis.xtrim(STREAM, maxlen=0, approximate=False)
    assert (await books(retention)).vanished == 1


async def test_a_stream_that_was_made_anew_is_no_loss_for_ever(async_redis: Any, retention: Retention) -> None:
    await added(async_redis, 5)
    await finish(async_redis, await read(async_redis, 5))
    await async_redis.delete(STREAM)
    await async_redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    await added(async_redis, 2)
    assert (await books(retention)).vanished == 0
    await async_redis.xtrim(STREAM, maxlen=0, approximate=False)
    assert (await books(retention)).vanished == 2


async def test_without_a_group_there_are_no_books(async_redis: Any) -> None:
    assert await Retention(async_redis, STREAM, GROUP).audit() is None
    await async_redis.xadd(STREAM, {"event": "1"})
    assert await Retention(async_redis, STREAM, GROUP).audit() is None
    assert await async_redis.exists(ledger_key(STREAM, GROUP)) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NOGROUP No such key", "group_gone"),
        ("READONLY You can't write against a read only replica.", "read_only"),
        ("LOADING Redis is loading the dataset in memory", "loading"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "out_of_memory"),
        ("MISCONF Redis is configured to save RDB snapshots", "cannot_persist"),
        ("CLUSTERDOWN Hash slot not served", "cluster_down"),
        ("something else", "error"),
    ],
)
def test_an_error_of_redis_has_a_reason_in_a_word(text: str, reason: str) -> None:
    assert reason_of(Exception(text)) == reason
