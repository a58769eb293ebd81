"""The schema that migrations make is the one that the tables describe, and what was there stays."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from palpate_notifier.database import MIGRATIONS, migrate, open_database
from palpate_notifier.tables import Base


def upgrade_to(connection: Connection, revision: str) -> None:
    """Bring an empty database to an older schema."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def differences(connection: Connection) -> list[Any]:
    """What the tables describe and the database does not have, or has otherwise."""
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)


async def test_the_newest_schema_is_that_of_the_tables(tmp_path: Path) -> None:
    engine, _ = open_database(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
    await migrate(engine)
    await migrate(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert (await connection.exec_driver_sql("PRAGMA foreign_keys")).scalar() == 1
    await engine.dispose()


async def test_a_case_and_its_message_from_the_first_schema_stay(tmp_path: Path) -> None:
    engine, _ = open_database(f"sqlite+aiosqlite:///{tmp_path / 'old.db'}")
    at = "2026-01-01 00:00:00"
    async with engine.connect() as connection:
        await connection.run_sync(upgrade_to, "0001")
        await connection.exec_driver_sql(
            "INSERT INTO cases VALUES ('c', 'R', 's', 'CLM-1', 1, '149', '124', 'p', 'ada', 'open', "
            f"'[]', '[]', '[]', '[]', 'e', NULL, '{at}', '{at}', NULL)"
        )
        await connection.exec_driver_sql(
            "INSERT INTO deliveries VALUES ('d', 'c', 'email', 'ada', 'a@b.example', '<m>', 's', 't', 'h', 'queued', "
            f"0, 0, 0, '{at}', NULL, NULL, '{at}', NULL)"
        )
        await connection.commit()
    await migrate(engine)
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT delivery_id, case_id FROM delivery_cases")
        assert rows.all() == [("d", "c")]
        rows = await connection.exec_driver_sql("SELECT practice, kind FROM deliveries")
        assert rows.all() == [("149", "notice")]
        rows = await connection.exec_driver_sql("SELECT case_id, part, person FROM case_members")
        assert rows.all() == [("c", "clinician", "ada")]
        rows = await connection.exec_driver_sql("SELECT row_version, due_at, next_step_at FROM cases")
        assert rows.all() == [(1, at, at)]
        assert (await connection.exec_driver_sql("PRAGMA foreign_key_check")).all() == []
    await engine.dispose()
