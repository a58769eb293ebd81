"""Ending tasks: whatever they are at, and whoever swallows what they are told."""

import asyncio
from typing import Any

import pytest

from palpate_runtime.tasks import ended


@pytest.mark.parametrize("steps", range(0, 60, 3))
async def test_it_ends_a_task_at_any_step_of_a_redis_command(async_redis: Any, steps: int) -> None:
    # With a time-out, as the services have it: the sending is under `wait_for` then, and swallows cancellations.
    async_redis.connection_pool.connection_kwargs["socket_timeout"] = 5

    async def command_then_wait() -> None:
        for _ in range(3):
            await async_redis.ping()
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(command_then_wait()) for _ in range(5)]
    for _ in range(steps):
        await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await ended(*tasks)
    assert all(task.done() for task in tasks)


async def test_it_ends_a_task_that_takes_a_cancellation_for_nothing() -> None:
    deaf = asyncio.Event()

    async def hard_of_hearing() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            deaf.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(hard_of_hearing())
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await ended(task)
    assert deaf.is_set()
    assert task.cancelled()


async def test_it_waits_for_tasks_that_tidy_up_and_cares_for_no_error() -> None:
    tidied = asyncio.Event()

    async def tidy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            tidied.set()

    async def fails() -> None:
        raise ValueError("of its own")

    await ended()
    tasks = asyncio.create_task(tidy()), asyncio.create_task(fails())
    await asyncio.sleep(0)
    await ended(*tasks)
    assert tidied.is_set()
    assert isinstance(tasks[1].exception(), ValueError)
