"""What only PostgreSQL does to the notifier: it refuses for reasons of its own, and has many writers at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from palpate_notifier.actions import By, acknowledge, bulk
from palpate_notifier.database import Sessions, is_away, migrate, open_database
from palpate_notifier.recorder import Recorder
from palpate_notifier.tables import CaseRow
from palpate_runtime.consumer import TransientError
from tests.faults.servers import Postgres
from tests.notifier.conftest import Acks, Clock
from tests.notifier.stories import Story
from tests.notifier.verdicts import entry, failed


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


@pytest.fixture
async def sessions(postgres: Postgres) -> AsyncIterator[Sessions]:
    """A database of its own, as a user who may not do everything."""
    await _as_root(
        postgres,
        "DROP DATABASE IF EXISTS cases WITH (FORCE)",
        "DROP ROLE IF EXISTS notifier",
        "CREATE ROLE notifier LOGIN",
        "CREATE DATABASE cases OWNER notifier",
    )
    engine, made = open_database(postgres.url.replace("palpate@", "notifier@").replace("/postgres", "/cases"))
    await migrate(engine)
    await engine.dispose()
    yield made
    await engine.dispose()


async def _as_root(postgres: Postgres, *statements: str) -> None:
    engine = create_async_engine(postgres.url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
    await engine.dispose()


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("ALTER ROLE notifier NOLOGIN", "ALTER ROLE notifier LOGIN"),
        ("ALTER ROLE notifier SET default_transaction_read_only = on", "ALTER ROLE notifier RESET ALL"),
        ("ALTER DATABASE cases RENAME TO elsewhere", "ALTER DATABASE elsewhere RENAME TO cases"),
        ("ALTER ROLE notifier CONNECTION LIMIT 0", "ALTER ROLE notifier CONNECTION LIMIT -1"),
    ],
    ids=["may not sign in", "may only read", "is not there", "has no place left"],
)
async def test_what_is_wrong_with_the_database_is_no_entrys_fault(
    postgres: Postgres, sessions: Sessions, recorder: Recorder, acks: Acks, *, broken: str, mended: str
) -> None:
    await _as_root(postgres, broken)
    with pytest.raises(TransientError):
        await recorder.record([entry(failed("a"), 1)], acks, "notifier")  # type: ignore[arg-type]
    assert acks.ids == []
    await _as_root(postgres, mended)
    # What somebody may is settled when they connect.
    await sessions.kw["bind"].dispose()
    assert await recorder.record([entry(failed("a"), 1)], acks, "notifier") == {}  # type: ignore[arg-type]
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(CaseRow)) == 1


async def test_a_right_that_was_taken_away_is_no_entrys_fault(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(text("REVOKE INSERT ON cases FROM notifier"))
    async with sessions() as session:
        with pytest.raises(DBAPIError) as raised:
            await session.execute(text("INSERT INTO cases (id) VALUES ('1')"))
    assert is_away(raised.value)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("INSERT INTO cases (id) VALUES ('1')", {}),
        ("INSERT INTO silences (id) VALUES (:id)", {"id": "x" * 37}),
        ("SELECT CAST(:text AS varchar)", {"text": "a\0b"}),
        ("SELECT CAST(:number AS integer)", {"number": 2**40}),
    ],
    ids=["a column is missing", "too long", "a zero byte", "too large a number"],
)
async def test_what_is_wrong_with_what_is_written_is_not_waited_for(
    sessions: Sessions, statement: str, values: dict[str, Any]
) -> None:
    async with sessions() as session:
        with pytest.raises(DBAPIError) as raised:
            await session.execute(text(statement), values)
    assert not is_away(raised.value)


async def somebody_waits(sessions: Sessions) -> None:
    """Until a connection to this database waits for a lock; PostgreSQL tells nobody when it does."""
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'cases'")
    for _ in range(1_000):
        async with sessions() as session:
            if await session.scalar(waits):
                return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for anybody")


async def test_two_who_act_on_the_same_cases_from_opposite_ends_wait_for_each_other_once(
    sessions: Sessions, clock: Clock, tmp_path: Path
) -> None:
    story = Story.begin(sessions, clock, tmp_path)
    for number in (1, 2):
        await story.fail(number)
    seen = [(case.id, case.row_version) for case in (await story.case(1), await story.case(2))]
    begun = asyncio.Event()

    async def in_step(session: AsyncSession, case_id: str, row_version: int, by: By) -> CaseRow:
        case = await acknowledge(session, case_id, row_version, by)
        if not begun.is_set():
            begun.set()
            await somebody_waits(sessions)
        return case

    async def first() -> int:
        async with sessions.begin() as session:
            return len((await bulk(session, seen, in_step, story.by("pat"))).done)

    async def second() -> int:
        await begun.wait()
        async with sessions.begin() as session:
            return len((await bulk(session, seen[::-1], acknowledge, story.by("bo"))).changed_meanwhile)

    assert await asyncio.gather(first(), second()) == [2, 2]


async def test_who_is_told_of_a_case_can_be_written_down_while_somebody_acts_on_it(
    sessions: Sessions, clock: Clock, tmp_path: Path
) -> None:
    """The dispatcher holds notices and adds to the timeline of their cases; an action holds a case and takes back its
    notices.  If the one had to wait for the other's case, both would."""
    story = Story.begin(sessions, clock, tmp_path)
    await story.fail(1)
    case = await story.case(1)
    clock.forward(minutes=2)
    async with sessions.begin() as session:
        await acknowledge(session, case.id, case.row_version, story.by("ada"))
        async with asyncio.timeout(10):
            assert await story.dispatcher.dispatch_due() == 1
    assert ("palpate", "told") in await story.timeline(1)
