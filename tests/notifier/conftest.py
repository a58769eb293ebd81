"""A migrated database, a directory and a clock that tests set by hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from palpate_cli.stack import EXAMPLE_DIRECTORY
from palpate_notifier.database import Sessions, migrate, open_database
from palpate_notifier.directory import Directory, load_directory
from palpate_notifier.dispatcher import Dispatcher
from palpate_notifier.recorder import Recorder
from palpate_notifier.routing import Route, load_routes
from palpate_notifier.settings import NotifierSettings
from tests.notifier.verdicts import FIRST


@dataclass
class Clock:
    """An instant that moves when told to."""

    at: datetime = FIRST

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[Sessions]:
    engine, made = open_database(f"sqlite+aiosqlite:///{tmp_path / 'cases.db'}")
    await migrate(engine)
    yield made
    await engine.dispose()


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    path = tmp_path / "directory.toml"
    path.write_text(EXAMPLE_DIRECTORY, "utf-8")
    return load_directory(path)


@pytest.fixture
def routes(directory: Directory) -> Route:
    return load_routes(None, directory)


@pytest.fixture
def settings() -> NotifierSettings:
    return NotifierSettings(mail_domain="palpate.test", inbox_url="https://inbox.harbor.example")


@pytest.fixture
def recorder(sessions: Sessions, directory: Directory, routes: Route, clock: Clock) -> Recorder:
    return Recorder(sessions, directory, routes=routes, clock=clock)


@pytest.fixture
def dispatcher(sessions: Sessions, directory: Directory, settings: NotifierSettings, clock: Clock) -> Dispatcher:
    return Dispatcher(sessions, directory, settings, clock)


class Acks:
    """Stands where Redis would be asked to acknowledge; keeps what it was asked."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def xack(self, _stream: str, _group: str, *ids: str) -> int:
        self.ids += ids
        return len(ids)


@pytest.fixture
def acks() -> Any:
    return Acks()
