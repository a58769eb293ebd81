"""What only PostgreSQL does to the notifier: it refuses for reasons of its own, and has many writers at once."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from palpate_notifier.database import Sessions, is_away, migrate, open_database
from palpate_notifier.recorder import Recorder
from palpate_notifier.tables import CaseRow
from palpate_runtime.consumer import TransientError
from tests.faults.servers import Postgres
from tests.notifier.conftest import Acks
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
