"""The database: one URL, SQLite by default, brought to the newest schema at start."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from palpate_runtime.logs import describe

log = structlog.stdlib.get_logger()

MIGRATIONS = Path(__file__).parent / "migrations"

Sessions = async_sessionmaker[AsyncSession]


def open_database(url: str) -> tuple[AsyncEngine, Sessions]:
    """An engine and its sessions; the file of an SQLite URL is created when it is not there."""
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine.sync_engine, "connect", _sqlite_ways)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine, async_sessionmaker(engine, expire_on_commit=False)


def _sqlite_ways(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
    """Readers beside one writer, patience instead of "database is locked", and commits that are on disk."""
    # Left to itself the driver begins a transaction only before the first write, which lets two readers both go on
    # to write and one of them fail: SQLAlchemy begins it for us, below.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def migrate(engine: AsyncEngine) -> None:
    """Bring the schema to the newest revision; does nothing when it is there already."""
    async with engine.connect() as connection:
        # SQLite changes a table by writing it anew, which would look like dropping what other tables refer to.
        await connection.run_sync(_foreign_keys, "OFF")
        await connection.run_sync(_upgrade)
        await connection.commit()
        await connection.run_sync(_foreign_keys, "ON")


def _foreign_keys(connection: Connection, state: str) -> None:
    if connection.dialect.name == "sqlite":
        # Past SQLAlchemy, which would begin a transaction first: within one, this changes nothing.
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA foreign_keys={state}")
        cursor.close()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


AWAY = (DBAPIError, OSError)
"""What a database that is away raises.  asyncpg's refused connections pass through SQLAlchemy as they are."""

# What a row can be at fault for: PostgreSQL's classes of data that does not fit (22), of constraints (23) and of rows
# that are too large (54); without such a class, as on SQLite, the kinds of error that DB-API keeps for that.
_OURS = ("22", "23", "54")
_OUR_KINDS = frozenset({"DataError", "IntegrityError", "ProgrammingError", "NotSupportedError"})


def is_away(error: BaseException) -> bool:
    """Whether a database error is of the database, and will pass, rather than of what was written.

    It passes when somebody has looked after the database: it is locked, unreachable, starting, full; its password was
    changed, a right taken away, or what answers is a replica that cannot be written to.  No entry is at fault for that.
    """
    if isinstance(error, OSError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if state := _sqlstate(error):
        return not state.startswith(_OURS)
    return type(error).__name__ not in _OUR_KINDS


def _sqlstate(error: DBAPIError) -> str:
    """PostgreSQL's name for an error; SQLite has none."""
    cause: BaseException | None = error.orig
    while cause is not None:
        if state := getattr(cause, "sqlstate", None):
            return str(state)
        cause = cause.__cause__
    return ""


class Outage:
    """Waits for a database (or what else is named) that is away: says once that it is, and once that it is back."""

    def __init__(self, *also: type[Exception], away: str = "database_away", back: str | None = "database_back") -> None:
        self._passing: tuple[type[BaseException], ...] = (*AWAY, *also)
        self._also, self._away, self._back = also, away, back
        self._is_on = False

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Around one round of work: an error that will pass ends the round, any other goes on up."""
        try:
            yield
        except self._passing as error:
            if not isinstance(error, self._also) and not is_away(error):
                raise
            if not self._is_on:
                log.warning(self._away, **describe(error))
            self._is_on = True
        else:
            if self._is_on and self._back is not None:
                log.info(self._back)
            self._is_on = False
