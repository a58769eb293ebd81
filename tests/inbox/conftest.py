"""An inbox over a database of its own, a clock that tests set, and browsers that know no JavaScript."""

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from palpate_cli.rule_pages import page_named
from palpate_notifier.database import Sessions, migrate, open_database
from palpate_notifier.directory import Directory, load_directory
from palpate_notifier.inbox.app import inbox_app
from palpate_notifier.inbox.sign_in import hash_of
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import CaseRow, SignedIn
from tests.conftest import MailSink
from tests.notifier.conftest import Clock
from tests.notifier.stories import Story

ADDRESS = "https://inbox.harbor.example"
TUESDAY = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)
HARBOR, RIVER = "1497758544", "1992000006"

TEAM = f"""\
manager = "root"

[[practice]]
npi = "{HARBOR}"
name = "Harbor Physical Therapy"
manager = "pat"
biller = "bo"
front_desk = "fay"

[[practice]]
npi = "{RIVER}"
name = "River Rehab"
manager = "rita"
biller = "rob"

[[person]]
id = "root"
name = "Root Manager"
email = "root@palpate.example"

[[person]]
id = "pat"
name = "Pat Okafor"
email = "pat@harbor.example"

[[person]]
id = "bo"
name = "Bo Lind"
email = "bo@harbor.example"

[[person]]
id = "fay"
name = "Fay Moreno"
email = "fay@harbor.example"

[[person]]
id = "ada"
npi = "1245319599"
name = "Ada Quist, PT"
email = "ada@harbor.example"
practices = ["{HARBOR}"]
cover = "ben"

[[person]]
id = "ben"
npi = "1003000126"
name = "Ben Ruiz, OT"
email = "ben@harbor.example"
practices = ["{HARBOR}"]

[[person]]
id = "cleo"
npi = "1679576722"
name = "Cleo Park, PT"
email = "cleo@harbor.example"
practices = ["{HARBOR}"]

[[person]]
id = "rita"
name = "Rita Vance"
email = "rita@river.example"

[[person]]
id = "rob"
name = "Rob Teller"
email = "rob@river.example"

[[person]]
id = "ole"
name = "Ole Brandt"
email = "ole@palpate.example"
roles = ["ops"]
"""


@dataclass
class Browser:
    """Somebody's browser, without JavaScript."""

    client: httpx.AsyncClient
    mail_sink: MailSink
    page: httpx.Response | None = field(default=None)

    async def open(self, path: str) -> httpx.Response:
        self.page = await self.client.get(path)
        return self.page

    async def send(self, path: str, **fields: Any) -> httpx.Response:
        """A form of the page that is open, with its hidden fields, as a browser would send it."""
        hidden = {}
        if self.page is not None:
            hidden = dict(re.findall(r'type="hidden" name="(form_token|row_version)" value="([^"]*)"', self.page.text))
        self.page = await self.client.post(path, data=hidden | fields, headers={"Origin": ADDRESS})
        return self.page

    async def link(self, email: str) -> str:
        """The path of the link that is mailed."""
        before = len(self.mail_sink.mails)
        await self.client.post("/sign-in", data={"email": email}, headers={"Origin": ADDRESS})
        mails = await asyncio.to_thread(self.mail_sink.wait_for, before + 1)
        return link_in(mails[-1])


def link_in(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(rf"{re.escape(ADDRESS)}(/sign-in/\S+)", body.get_content())
    assert found
    return found[1]


@dataclass
class House:
    """An inbox and what is behind it."""

    story: Story
    app: Starlette
    mail_sink: MailSink
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def directory(self) -> Directory:
        return self.story.directory

    def browser(self, **more: Any) -> Browser:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app, **more), base_url=ADDRESS)
        self.clients.append(client)
        return Browser(client, self.mail_sink)

    async def signed_in(self, person: str) -> Browser:
        """Their browser, as the link would have left it."""
        browser, cookie, now = self.browser(), secrets.token_urlsafe(32), self.story.clock()
        async with self.story.sessions.begin() as session:
            session.add(SignedIn(cookie_hash=hash_of(cookie), person=person, since=now, last_seen_at=now))
        browser.client.cookies.set("__Host-palpate", cookie)
        return browser

    async def case_of(self, number: int) -> CaseRow:
        return await self.story.case(number)

    async def reference(self, number: int = 1) -> str:
        return (await self.story.case(number)).reference


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, made once."""
    path = tmp_path_factory.mktemp("empty") / "cases.db"

    async def make() -> None:
        engine, _ = open_database(f"sqlite+aiosqlite:///{path}")
        await migrate(engine)
        await engine.dispose()

    asyncio.run(make())
    return path


@pytest.fixture
async def sessions(tmp_path: Path, empty_database: Path) -> AsyncIterator[Sessions]:
    shutil.copy(empty_database, tmp_path / "cases.db")
    engine, made = open_database(f"sqlite+aiosqlite:///{tmp_path / 'cases.db'}")
    yield made
    await engine.dispose()


@pytest.fixture
async def house(sessions: Sessions, tmp_path: Path, mail_sink: MailSink) -> AsyncIterator[House]:
    clock = Clock(TUESDAY)
    story = Story.begin(sessions, clock, tmp_path)
    path = tmp_path / "house.toml"
    path.write_text(TEAM, "utf-8")
    directory = load_directory(path)
    story.directory = story.recorder._directory = story.dispatcher._directory = directory
    settings = NotifierSettings(
        mail_domain="palpate.test", smtp_host="127.0.0.1", smtp_port=mail_sink.port, inbox_url=ADDRESS
    )
    made = House(story, inbox_app(sessions, directory, settings, clock, ADDRESS, rule_page=page_named), mail_sink)
    yield made
    for client in made.clients:
        await client.aclose()
