"""taskiq on Redis Streams (taskiq-redis), a job a claim.

taskiq worker bench.workers.on_taskiq:broker --workers 1
python -m bench.workers.on_taskiq FILE
"""

import asyncio
import sys

from redis.asyncio import Redis
from taskiq_redis import RedisStreamBroker

from bench.workers.judging import URL, events, judged
from palpate_schemas.streams import EVENT_FIELD

broker = RedisStreamBroker(URL)
redis = Redis.from_url(URL)


@broker.task(task_name="judge")
async def judge(raw: str) -> None:
    """Judge one claim and publish its verdict."""
    stream, event = judged(raw)
    await redis.xadd(stream, {EVENT_FIELD: event})


async def feed(file: str) -> None:
    """A job for each event."""
    await broker.startup()
    for raw in events(file):
        await judge.kiq(raw)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(feed(sys.argv[1]))
