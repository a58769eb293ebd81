"""An audit that is only added to, and shows it when somebody did otherwise."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from palpate_notifier.audit import BEFORE_THE_FIRST, Broken, first_break, record
from palpate_notifier.database import Sessions
from palpate_notifier.tables import AuditEntry

NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
async def entries(sessions: Sessions) -> list[AuditEntry]:
    async with sessions.begin() as session:
        for number in range(4):
            await record(session, actor="ada", action="viewed", about=f"case/{number}", at=NOON, detail={"n": number})
    async with sessions() as session:
        return list(await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)))


def test_each_entry_follows_from_the_one_before(entries: list[AuditEntry]) -> None:
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4]
    assert entries[0].previous_hash == BEFORE_THE_FIRST
    assert [entry.previous_hash for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    assert first_break(entries) is None
    assert first_break([]) is None


CHANGES: dict[str, tuple[str, Any]] = {
    "who": ("actor", "ben"),
    "what": ("action", "exported"),
    "to what": ("object", "case/9"),
    "when": ("at", datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC)),
    "how": ("detail", {"n": 7}),
}


@pytest.mark.parametrize(("field", "value"), CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_entry_shows(entries: list[AuditEntry], field: str, value: Any) -> None:
    setattr(entries[1], field, value)
    assert first_break(entries) == Broken(2, "its content was changed")


def test_an_entry_that_was_taken_out_shows(entries: list[AuditEntry]) -> None:
    assert first_break([entries[0], *entries[2:]]) == Broken(2, "entry 2 is not there")


def test_an_entry_that_was_made_anew_shows_at_the_next(entries: list[AuditEntry]) -> None:
    from palpate_notifier.audit import hash_of

    entries[1].actor = "ben"
    entries[1].hash = hash_of(entries[1])
    assert first_break(entries) == Broken(3, "it does not follow from the entry before it")


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'ben'", "DELETE FROM audit"])
@pytest.mark.usefixtures("entries")
async def test_the_database_itself_refuses(sessions: Sessions, statement: str) -> None:
    with pytest.raises(DBAPIError, match="only ever added to"):
        async with sessions.begin() as session:
            await session.execute(text(statement))
