"""arq, a job a claim.

arq bench.workers.on_arq.WorkerSettings
python -m bench.workers.on_arq FILE
"""

import asyncio
import sys
from typing import Any, ClassVar

from arq import create_pool
from arq.connections import RedisSettings

from bench.workers.judging import URL, events, judged
from palpate_schemas.streams import EVENT_FIELD


async def judge(context: dict[str, Any], raw: str) -> None:
    """Judge one claim and publish its verdict."""
    stream, event = judged(raw)
    await context["redis"].xadd(stream, {EVENT_FIELD: event})


class WorkerSettings:
    """arq's own name for how a worker runs."""

    functions: ClassVar = [judge]
    redis_settings = RedisSettings.from_dsn(URL)
    keep_result = 0
    poll_delay = 0.05
    """A tenth of its default: otherwise it would mostly wait."""


async def feed(file: str) -> None:
    """A job for each event."""
    pool = await create_pool(WorkerSettings.redis_settings)
    for raw in events(file):
        await pool.enqueue_job("judge", raw)
    await pool.aclose()


if __name__ == "__main__":
    asyncio.run(feed(sys.argv[1]))
