"""Loops that rest between rounds, wait for what is away, and end when they are told to."""

import asyncio

import pytest
import structlog
from sqlalchemy.exc import IntegrityError, OperationalError

from palpate_notifier.database import Outage
from palpate_notifier.waking import Wake


def locked() -> OperationalError:
    return OperationalError("BEGIN", {}, Exception("locked"))


async def test_a_call_ends_the_rest_and_one_from_before_the_round_does_not() -> None:
    wake = Wake()
    wake.call()
    async with asyncio.timeout(5):
        await wake.rest(60)
    wake.listen()
    resting = asyncio.create_task(wake.rest(60))
    await asyncio.sleep(0)
    assert not resting.done()
    wake.call()
    async with asyncio.timeout(5):
        await resting


async def test_a_rest_ends_by_itself() -> None:
    await Wake().rest(0.01)


@pytest.mark.parametrize("steps", range(4))
async def test_a_cancellation_that_meets_the_call_is_not_taken_for_it(steps: int) -> None:
    wake = Wake()
    resting = asyncio.create_task(wake.rest(60))
    for _ in range(3):
        await asyncio.sleep(0)
    wake.call()
    for _ in range(steps):
        await asyncio.sleep(0)
    was_over = resting.done()
    resting.cancel()
    [outcome] = await asyncio.gather(resting, return_exceptions=True)
    # Either the rest was over before, or whoever cancelled is heard.
    assert was_over or isinstance(outcome, asyncio.CancelledError)


def test_an_outage_is_said_once_and_its_end_once() -> None:
    outage = Outage()
    with structlog.testing.capture_logs() as logs:
        for error in (locked(), locked(), None, None, OSError("refused")):
            with outage.waited_for():
                if error is not None:
                    raise error
    assert [line["event"] for line in logs] == ["database_away", "database_back", "database_away"]


def test_what_will_not_pass_goes_on_up() -> None:
    with pytest.raises(IntegrityError), Outage().waited_for():
        raise IntegrityError("INSERT", {}, Exception("unique"))


def test_what_else_is_waited_for_is_named() -> None:
    with Outage(KeyError, away="corrections_waiting", back=None).waited_for():
        raise KeyError
    with pytest.raises(KeyError), Outage().waited_for():
        raise KeyError
