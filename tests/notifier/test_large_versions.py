"""Versions that a PMS counts in milliseconds since 1970 are recorded, on SQLite as on PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from palpate_notifier.database import migrate, open_database
from palpate_notifier.directory import Directory
from palpate_notifier.recorder import Recorder
from palpate_notifier.routing import Route
from palpate_notifier.tables import CaseEvent, CaseRow, ClaimHead
from palpate_schemas.claim import MAX_VERSION
from tests.faults.servers import Postgres
from tests.notifier.conftest import Acks, Clock
from tests.notifier.test_migrations import differences, upgrade_to
from tests.notifier.verdicts import entry, failed, passed

MILLISECONDS = 1_790_000_000_000


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty database of either kind."""
    sqlite = f"sqlite+aiosqlite:///{tmp_path / 'cases.db'}"
    opened, _ = open_database(sqlite if request.param == "sqlite" else request.getfixturevalue("postgres").url)
    if opened.dialect.name == "postgresql":
        async with opened.begin() as connection:
            await connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            await connection.exec_driver_sql("CREATE SCHEMA public")
    yield opened
    await opened.dispose()


async def test_the_largest_version_opens_a_case_and_closes_it(
    engine: AsyncEngine, directory: Directory, routes: Route, clock: Clock, acks: Acks
) -> None:
    await migrate(engine)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    recorder = Recorder(sessions, directory, routes=routes, clock=clock)
    verdicts = [entry(failed("units-total-over", version=MILLISECONDS), 1), entry(passed(version=MAX_VERSION), 2)]
    for each in verdicts:
        assert await recorder.record([each], acks, "notifier") == {}
    async with sessions() as session:
        case = (await session.scalars(select(CaseRow))).one()
        assert (case.version, case.status) == (MAX_VERSION, "resolved")
        assert await session.scalar(select(ClaimHead.version)) == MAX_VERSION
        assert MILLISECONDS in (await session.scalars(select(CaseEvent.version))).all()


async def test_what_an_older_schema_holds_stays(engine: AsyncEngine) -> None:
    at = "2026-01-01 00:00:00+00:00"
    async with engine.connect() as connection:
        await connection.run_sync(upgrade_to, "0004")
        await connection.exec_driver_sql(f"INSERT INTO claim_heads VALUES ('urn:pms:a', 'CLM-1', 7, '{at}')")
        await connection.commit()
    await migrate(engine)
    async with engine.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT version FROM claim_heads")).scalar() == 7
        assert await connection.run_sync(differences) == []
