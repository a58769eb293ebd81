"""`palpate route enable`: an address that bounced is used again, and the audit says who said so."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from palpate_cli.main import app
from palpate_notifier.database import migrate, open_database
from palpate_notifier.tables import AuditEntry, DisabledChannel


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One in which an address of ada and one of ben have bounced."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'cases.db'}"
    asyncio.run(_filled(url))
    return url


async def _filled(url: str) -> None:
    engine, sessions = open_database(url)
    await migrate(engine)
    since = datetime(2026, 11, 3, tzinfo=UTC)
    async with sessions.begin() as session:
        session.add_all(
            DisabledChannel(channel="email", address=f"{who}@harbor.example", person=who, reason="550", since=since)
            for who in ("ada", "ben")
        )
    await engine.dispose()


async def _kept(url: str) -> tuple[list[str], list[AuditEntry]]:
    engine, sessions = open_database(url)
    async with sessions() as session:
        off = list(await session.scalars(select(DisabledChannel.person)))
        entries = list(await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)))
    await engine.dispose()
    return off, entries


def test_an_address_that_bounced_is_used_again_and_the_audit_says_so(database: str) -> None:
    shown = CliRunner().invoke(app, ["route", "enable", "ada", "--database", database])
    assert shown.exit_code == 0
    assert "ada: email is used again (550, 2026-11-03 00:00 UTC)" in shown.output
    off, [entry] = asyncio.run(_kept(database))
    assert off == ["ben"]
    assert (entry.action, entry.object) == ("enabled", "addresses of ada")
    assert entry.detail == {"channels": ["email"], "reasons": ["550"]}
    assert "@" in entry.actor


def test_where_nothing_has_bounced_it_says_so(database: str) -> None:
    shown = CliRunner().invoke(app, ["route", "enable", "pat", "--database", database])
    assert shown.exit_code == 1
    assert "no address of theirs has bounced" in shown.output
    assert asyncio.run(_kept(database))[1] == []


def test_a_database_that_is_away_is_said_in_a_line(closed_port: int) -> None:
    url = f"postgresql+asyncpg://palpate@127.0.0.1:{closed_port}/palpate"
    shown = CliRunner().invoke(app, ["route", "enable", "ada", "--database", url])
    assert shown.exit_code == 2
    assert "the case database does not answer" in shown.output
