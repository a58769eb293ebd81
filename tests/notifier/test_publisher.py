"""What the cases say, on `corrections`: each event once and in order, whatever breaks on the way."""

import json
from typing import Any

import pytest
from redis.exceptions import ResponseError
from sqlalchemy import select, update

from palpate_notifier.database import Sessions
from palpate_notifier.publisher import Publisher
from palpate_notifier.tables import OutgoingEvent
from tests.notifier.conftest import Clock


@pytest.fixture
def publisher(sessions: Sessions, async_redis: Any, clock: Clock) -> Publisher:
    return Publisher(sessions, lambda: async_redis, clock, remember_s=600)


async def say(sessions: Sessions, clock: Clock, *event_ids: str) -> None:
    async with sessions.begin() as session:
        session.add_all(
            OutgoingEvent(event_id=each, body=json.dumps({"id": each}), created_at=clock()) for each in event_ids
        )


async def published(redis: Any) -> list[str]:
    return [json.loads(fields[b"event"])["id"] for _, fields in await redis.xrange("corrections")]


async def test_each_is_published_once_and_in_order(
    publisher: Publisher, sessions: Sessions, async_redis: Any, clock: Clock
) -> None:
    await say(sessions, clock, "b", "a")
    assert await publisher.publish_due() == 2
    await say(sessions, clock, "c")
    assert await publisher.publish_due() == 1
    assert await publisher.publish_due() == 0
    assert await published(async_redis) == ["b", "a", "c"]


async def test_one_whose_publication_was_not_written_down_is_not_published_again(
    publisher: Publisher, sessions: Sessions, async_redis: Any, clock: Clock
) -> None:
    await say(sessions, clock, "a")
    await publisher.publish_due()
    async with sessions.begin() as session:
        await session.execute(update(OutgoingEvent).values(published_at=None))
    assert await publisher.publish_due() == 1
    assert await published(async_redis) == ["a"]


async def test_one_that_could_not_be_published_is_not_remembered_as_if_it_had_been(
    publisher: Publisher, sessions: Sessions, async_redis: Any, clock: Clock
) -> None:
    await async_redis.set("corrections", "not a stream")
    await say(sessions, clock, "a")
    with pytest.raises(ResponseError, match="corrections"):
        await publisher.publish_due()
    async with sessions() as session:
        assert (await session.scalars(select(OutgoingEvent.published_at))).all() == [None]
    await async_redis.delete("corrections")
    await publisher.publish_due()
    assert await published(async_redis) == ["a"]
