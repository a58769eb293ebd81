"""Of which cases nobody was told: what a server took counts, not what was meant to be said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from palpate_notifier.actions import acknowledge
from palpate_notifier.database import Sessions
from palpate_notifier.outbox import DeliveryStatus
from palpate_notifier.silences import silence
from palpate_notifier.tables import Delivery
from palpate_notifier.untold import NOBODY, STUCK, WAITS, untold_cases
from tests.notifier.conftest import Clock
from tests.notifier.stories import Story
from tests.notifier.verdicts import passed


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 3, 15, 0, tzinfo=UTC))


@pytest.fixture
def story(sessions: Sessions, clock: Clock, tmp_path: Path) -> Story:
    return Story.begin(sessions, clock, tmp_path)


async def found(story: Story, **later: float) -> list[tuple[str, str]]:
    async with story.sessions() as session:
        return [(each.what, each.claim_id) for each in await untold_cases(session, story.clock() + timedelta(**later))]


async def become(story: Story, status: DeliveryStatus) -> None:
    """What the sender writes of every message."""
    async with story.sessions.begin() as session:
        sent_at = story.clock() if status is DeliveryStatus.SENT else None
        await session.execute(update(Delivery).values(status=status, sent_at=sent_at))


async def test_what_waits_for_its_window_is_no_fault_and_what_waits_for_a_day_is(story: Story) -> None:
    await story.fail(1)
    assert await found(story, hours=23) == []
    assert await found(story, hours=25) == [(WAITS, "CLM-1")]


@pytest.mark.parametrize(
    ("status", "at_once", "after_a_day"),
    [
        (DeliveryStatus.QUEUED, [], [(STUCK, "CLM-1")]),
        (DeliveryStatus.SENDING, [], [(STUCK, "CLM-1")]),
        (DeliveryStatus.SENT, [], []),
        (DeliveryStatus.FAILED, [(NOBODY, "CLM-1")], [(NOBODY, "CLM-1")]),
        (DeliveryStatus.UNKNOWN, [(NOBODY, "CLM-1")], [(NOBODY, "CLM-1")]),
        (DeliveryStatus.CANCELLED, [(NOBODY, "CLM-1")], [(NOBODY, "CLM-1")]),
    ],
)
async def test_a_message_that_no_server_took_has_told_nobody(
    story: Story, status: DeliveryStatus, at_once: Any, after_a_day: Any
) -> None:
    await story.fail(1)
    await story.wait(minutes=2)
    await become(story, status)
    assert await found(story) == at_once
    assert await found(story, hours=25) == after_a_day


async def test_whoever_has_done_something_about_it_knows_of_it(story: Story) -> None:
    await story.fail(1)
    await story.wait(minutes=2)
    await become(story, DeliveryStatus.FAILED)
    case = await story.case()
    async with story.sessions.begin() as session:
        await acknowledge(session, case.id, case.row_version, story.by("ada"))
    assert await found(story) == []


async def test_a_message_of_an_earlier_time_does_not_tell_of_this_one(story: Story) -> None:
    await story.fail(1)
    await story.wait(minutes=2)
    await become(story, DeliveryStatus.SENT)
    await story.judge(passed(version=2))
    await story.wait(minutes=2)
    await story.fail(1, version=3)
    await story.wait(minutes=2)
    async with story.sessions.begin() as session:
        await session.execute(
            update(Delivery).where(Delivery.status == DeliveryStatus.QUEUED).values(status=DeliveryStatus.FAILED)
        )
    assert await found(story) == [(NOBODY, "CLM-1")]


async def test_what_a_silence_holds_back_is_no_fault_until_it_ends(story: Story) -> None:
    async with story.sessions.begin() as session:
        await silence(
            session, story.by("pat"), reason="a holiday", ends_at=story.clock() + timedelta(days=3), person="ada"
        )
    await story.fail(1)
    assert await found(story, days=2) == []
    assert await found(story, days=4) == [(WAITS, "CLM-1")]
