"""Ending tasks for certain."""

import asyncio
from typing import Any

AGAIN_AFTER_S = 0.5
"""Long enough for a task that heard us to tidy up before it is asked again."""


async def ended(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks, and wait until they are over, however they end.

    One cancellation is not enough: redis-py sends through `asyncio.wait_for`, which on Python 3.11 takes a cancellation
    that meets the end of the sending for nothing (redis-py issue 2028), and the task goes on as if nobody had asked.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_AFTER_S)
