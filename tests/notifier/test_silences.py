"""A silence has a reason, an end and a limit, and leaves its trace."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from palpate_notifier.actions import NotPossible
from palpate_notifier.database import Sessions
from palpate_notifier.silences import end_silence, in_force, silence
from palpate_notifier.tables import AuditEntry
from tests.notifier.conftest import Clock
from tests.notifier.stories import Story

NOON = datetime(2026, 11, 3, 17, 0, tzinfo=UTC)


@pytest.fixture
def story(sessions: Sessions, tmp_path: Path) -> Story:
    return Story.begin(sessions, Clock(NOON), tmp_path)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no reason": ({"reason": "  "}, "sentence why"),
    "an end that is past": ({"ends_at": NOON}, "A silence ends"),
    "an end too far away": ({"ends_at": NOON + timedelta(days=31)}, "within 30 days"),
    "everything": ({"rule": None}, "what is to be silent"),
}


@pytest.mark.parametrize(("change", "says"), REFUSED.values(), ids=REFUSED.keys())
async def test_no_silence_without(story: Story, change: dict[str, Any], says: str) -> None:
    values: dict[str, Any] = {"reason": "A known fault.", "ends_at": NOON + timedelta(days=1), "rule": "mod-gn"}
    async with story.sessions.begin() as session:
        with pytest.raises(NotPossible, match=says):
            await silence(session, story.by("pat"), **(values | change))
        assert await in_force(session, NOON) == []


async def test_it_is_in_force_until_it_ends_and_its_maker_is_known(story: Story) -> None:
    end = NOON + timedelta(days=1)
    async with story.sessions.begin() as session:
        made = await silence(session, story.by("pat"), reason=" A known fault. ", ends_at=end, rule="mod-gn")
    assert (made.reason, made.created_by) == ("A known fault.", "pat")
    async with story.sessions() as session:
        assert [each.id for each in await in_force(session, NOON)] == [made.id]
        assert await in_force(session, end) == []
        [entry] = await session.scalars(select(AuditEntry))
    assert (entry.actor, entry.action, entry.detail["rule"]) == ("pat", "silenced", "mod-gn")


async def test_one_that_has_ended_cannot_be_ended(story: Story) -> None:
    async with story.sessions.begin() as session:
        made = await silence(session, story.by("pat"), reason="x", ends_at=NOON + timedelta(hours=1), rule="mod-gn")
    story.clock.forward(minutes=10)
    async with story.sessions.begin() as session:
        await end_silence(session, made.id, story.by("ada"))
        assert await in_force(session, story.clock()) == []
        with pytest.raises(NotPossible, match="ended already"):
            await end_silence(session, made.id, story.by("ada"))
