"""streaQ, a job a claim, on Redis Streams.

streaq run bench.workers.on_streaq:worker
python -m bench.workers.on_streaq FILE
"""

import asyncio
import sys

from streaq import Worker

from bench.workers.judging import URL, events, judged
from palpate_schemas.streams import EVENT_FIELD

worker = Worker(redis_url=URL)


@worker.task(ttl=0)
async def judge(raw: str) -> None:
    """Judge one claim and publish its verdict."""
    stream, event = judged(raw)
    await worker.redis.xadd(stream, field_values={EVENT_FIELD.decode(): event})


async def feed(file: str) -> None:
    """A job for each event."""
    async with worker:
        for raw in events(file):
            await judge.enqueue(raw)


if __name__ == "__main__":
    asyncio.run(feed(sys.argv[1]))
