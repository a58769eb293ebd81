"""The whole story in a real browser, on a desk and on a phone, with and without JavaScript; and axe on every page.

Colours and sizes are judged by axe in both schemes; that nothing is wider than 320 px, by measuring.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from axe_core_python.async_playwright import Axe
from playwright.async_api import Page
from sqlalchemy import text, update

from palpate_cli.rule_pages import page_named
from palpate_notifier.channels import email
from palpate_notifier.database import Sessions
from palpate_notifier.directory import load_directory
from palpate_notifier.inbox.app import inbox_app
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import CaseRow
from palpate_runtime.attempt import Sent
from palpate_runtime.embedded import free_port
from tests.conftest import MailSink
from tests.inbox.browsers import a_browser, chromium, served
from tests.inbox.conftest import TEAM, TUESDAY
from tests.inbox.providers import CLIENT, SECRET, provider_process
from tests.notifier.conftest import Clock
from tests.notifier.stories import Story
from tests.notifier.verdicts import failed, passed

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium; `make browser` installs it")

DESK, PHONE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}, {"width": 320, "height": 640}


class Live:
    """An inbox on a port, with its mail server."""

    def __init__(self, story: Story, address: str, mail_sink: MailSink, settings: NotifierSettings) -> None:
        self.story, self.address, self.mail_sink, self._settings = story, address, mail_sink, settings

    async def send_mails(self) -> None:
        """What waits is written, and what is written is sent."""
        self.story.clock.forward(minutes=2)
        await self.story.look()
        for delivery in await self.story.deliveries():
            if delivery.status == "queued":
                assert (await email.send(delivery, self._settings)).sent is Sent.ACCEPTED

    def url_in(self, mail: EmailMessage) -> str:
        body = mail.get_body(("plain",))
        assert body is not None
        return next(word for word in body.get_content().split() if word.startswith(self.address))

    async def enter(self, page: Page, address: str) -> None:
        """From the sign-in page to one's cases, by mail."""
        before = len(self.mail_sink.mails)
        await page.goto(f"{self.address}/sign-in")
        await page.get_by_label("Your e-mail address").fill(address)
        await page.get_by_role("button", name="Mail me a link").click()
        await page.get_by_role("heading", name="Look into your mail").wait_for()
        # In a thread: the inbox that sends the mail runs in this loop.
        mails = await asyncio.to_thread(self.mail_sink.wait_for, before + 1)
        await page.goto(self.url_in(mails[-1]))
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("heading", name="My cases").wait_for()


@pytest.fixture
async def live(sessions: Sessions, tmp_path: Path, mail_sink: MailSink) -> AsyncIterator[Live]:
    clock, port = Clock(TUESDAY), free_port()
    address = f"http://127.0.0.1:{port}"
    settings = NotifierSettings(
        mail_domain="palpate.test", smtp_host="127.0.0.1", smtp_port=mail_sink.port, inbox_url=address
    )
    path = tmp_path / "house.toml"
    path.write_text(TEAM, "utf-8")
    story = Story.begin(sessions, clock, tmp_path, inbox_url=address)
    story.directory = story.recorder._directory = story.dispatcher._directory = load_directory(path)
    app = inbox_app(sessions, story.directory, settings, clock, address, rule_page=page_named)
    async with served(app, port):
        yield Live(story, address, mail_sink, settings)


@asynccontextmanager
async def a_page(**more: Any) -> AsyncIterator[Page]:
    async with a_browser() as browser:
        page = await browser.new_page(**more)
        page.set_default_timeout(10_000)
        yield page


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_from_the_mail_to_corrected(live: Live, size: Any, javascript: bool) -> None:
    await live.story.fail(1)
    await live.send_mails()
    [mail] = live.mail_sink.wait_for(1)
    async with a_page(viewport=size, java_script_enabled=javascript) as page:
        await page.goto(live.url_in(mail))
        await live.enter(page, "ada@harbor.example")
        await page.get_by_role("link", name="CLM-1").click()
        await page.get_by_text("Message of units-total-over").wait_for()
        await page.get_by_role("button", name="Acknowledge").click()
        await page.get_by_role("status").get_by_text("marked as in hand").wait_for()
        assert (await live.story.case()).status == "acknowledged"
        await live.story.judge(passed(version=2))
        await page.reload()
        await page.get_by_role("heading", name="Corrected").wait_for()
        assert (await live.story.case()).status == "resolved"


async def test_by_keyboard_alone(live: Live) -> None:
    await live.story.fail(1)
    async with a_page() as page:
        await live.enter(page, "ada@harbor.example")
        await _tab_to(page, "CLM-1")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/cases/*")
        await _tab_to(page, "Write a note")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.type("Rang the front desk.")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_text("The note is in the timeline.").wait_for()
    assert (await live.story.timeline())[-1] == ("ada", "note")


async def _tab_to(page: Page, text: str) -> None:
    for _ in range(40):
        await page.keyboard.press("Tab")
        if text in await page.evaluate("document.activeElement.textContent"):
            return
    raise AssertionError(f"no way to {text!r} by keyboard")


async def test_every_page_of_the_door_is_well(live: Live) -> None:
    async with a_page() as page:
        for path in ("/sign-in", "/sign-in/used-up"):
            await _is_well(page, live.address + path)
        for button, heading in (("Mail me a link", "Look into your mail"), ("Sign in", "My cases")):
            if button == "Sign in":
                mails = await asyncio.to_thread(live.mail_sink.wait_for, 1)
                await page.goto(live.url_in(mails[-1]))
                await _is_well(page, None)
            else:
                await page.goto(f"{live.address}/sign-in")
                await page.get_by_label("Your e-mail address").fill("ole@palpate.example")
            await page.get_by_role("button", name=button).click()
            await page.get_by_role("heading", name=heading).wait_for()
            await _is_well(page, None)
        await _is_well(page, f"{live.address}/operations")


async def test_every_page_of_the_cases_is_well(live: Live) -> None:
    await live.story.fail(1)
    await live.story.fail(2, rule="a-rule-with-a-very-long-name-that-goes-on-and-on", rendering_npi="1003000126")
    await live.story.fail(3)
    await live.story.judge(passed(claim_id="CLM-3", version=2))
    references = [(await live.story.case(number)).reference for number in (1, 3)]
    paths = ["/", "/?show=closed", "/billing", "/billing?status=disputed", "/manager", "/nowhere"]
    paths += [f"/cases/{reference}" for reference in references] + ["/rules/mod-kx-missing"]
    async with a_page() as page:
        await live.enter(page, "pat@harbor.example")
        for path in paths:
            await _is_well(page, live.address + path)
        await page.goto(f"{live.address}/billing")
        await page.get_by_label("Choose claim CLM-1").check()
        await page.get_by_role("button", name="Preview").click()
        await page.get_by_text("Nothing is done yet").wait_for()
        await _is_well(page, None)


async def test_every_page_that_says_no_is_well(live: Live) -> None:
    await live.story.fail(1)
    case = f"{live.address}/cases/{(await live.story.case()).reference}"
    async with a_page() as page:
        await live.enter(page, "ada@harbor.example")
        await page.goto(case)
        await page.get_by_text("Write a note").click()
        await page.get_by_label("Note for colleagues").fill("I ring the payer.")
        await live.story.judge(failed("other-rule", fixer="clinician", claim_id="CLM-1", version=2))
        await page.get_by_role("button", name="Keep the note").click()
        await page.get_by_text("I ring the payer.").wait_for()
        await _says(page, "The case has changed")
        await page.goto(case)
        await page.evaluate("document.getElementById('days').options[0].value = '400'")
        await page.get_by_text("Put it off").first.click()
        await page.get_by_role("button", name="Put it off").click()
        await _says(page, "Nothing was changed")
        await page.goto(case)
        await page.evaluate("document.querySelectorAll('[name=form_token]').forEach(each => { each.value = 'x' })")
        await page.get_by_role("button", name="Acknowledge").click()
        await _says(page, "Nothing was changed")
        async with live.story.sessions.begin() as session:
            await session.execute(update(CaseRow).values(findings=[{}]))
        await page.goto(case)
        await _says(page, "Something is wrong here")
        async with live.story.sessions.begin() as session:
            await session.execute(text("ALTER TABLE cases RENAME TO cases_elsewhere"))
        await page.goto(case)
        await _says(page, "Palpate is out for a moment")


async def _says(page: Page, heading: str) -> None:
    await page.get_by_role("heading", name=heading).wait_for()
    await _is_well(page, None)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with provider_process(tmp_path_factory.mktemp("provider")) as issuer:
        yield issuer


@asynccontextmanager
async def by_provider(live: Live, issuer: str, **more: Any) -> AsyncIterator[str]:
    """The same inbox with a provider's door, on another port."""
    live.story.clock.at, port = datetime.now(UTC), free_port()
    address = f"http://127.0.0.1:{port}"
    settings = NotifierSettings(
        inbox_url=address, oidc_issuer=issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET, **more
    )
    app = inbox_app(live.story.sessions, live.story.directory, settings, live.story.clock, address)
    async with served(app, port):
        yield address


async def test_in_and_out_by_a_provider_without_javascript(live: Live, issuer: str) -> None:
    """To the case that the address names; and out again, here and there, by a form that our policy lets lead there."""
    await live.story.fail(1)
    async with by_provider(live, issuer) as address, a_page(viewport=PHONE, java_script_enabled=False) as page:
        # The provider's style sheet is in the internet.
        await page.route("**/*jsdelivr*/**", lambda route: route.abort())
        await page.goto(f"{address}/cases/{(await live.story.case()).reference}")
        await page.get_by_role("link", name="Sign in with your work account").click()
        await page.get_by_role("button", name="ada", exact=True).click()
        await page.get_by_role("heading", name="CLM-1").wait_for()
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("button", name="End session").click()
        await page.get_by_role("heading", name="Sign in").wait_for()
        await page.goto(address)
        await page.get_by_role("link", name="Sign in with your work account").wait_for()


async def test_every_page_of_the_providers_door_is_well(live: Live, issuer: str, closed_port: int) -> None:
    async with by_provider(live, issuer, magic_links=True) as address, a_page() as page:
        await page.route("**/*jsdelivr*/**", lambda route: route.abort())
        await _is_well(page, f"{address}/sign-in")
        await _is_well(page, f"{address}/sign-in/openid/return?state=x")
        for account, heading in (("stranger", "Palpate does not know you"), ("unsure", "is not confirmed")):
            await page.goto(f"{address}/sign-in/openid")
            await page.get_by_role("button", name=account, exact=True).click()
            await _says(page, heading)
    async with by_provider(live, f"http://127.0.0.1:{closed_port}") as address, a_page() as page:
        await _is_well(page, f"{address}/sign-in")
        await _is_well(page, f"{address}/sign-in/openid")
        await page.context.add_cookies([{"name": "palpate-openid-hint", "value": "none", "url": address}])
        await page.goto(f"{address}/sign-in/openid/end")
        await _says(page, "You are signed out of Palpate")


async def test_paper_shows_what_is_folded_and_nothing_to_press(live: Live) -> None:
    await live.story.fail(1)
    async with a_page(java_script_enabled=False) as page:
        await live.enter(page, "pat@harbor.example")
        await page.goto(f"{live.address}/cases/{(await live.story.case()).reference}")
        assert await _height(page, "a[href='/rules/units-total-over']") == 0
        await page.emulate_media(media="print")
        assert await _height(page, "a[href='/rules/units-total-over']") > 0
        assert await _height(page, "button, summary, form") == 0
        await page.goto(f"{live.address}/billing")
        assert await _height(page, "a[href^='/cases/']") > 0
        assert await _height(page, "button, select, input") == 0


async def _height(page: Page, selector: str) -> float:
    """The height of the tallest of what a selector finds, as it is laid out; there must be something to find."""
    boxes = [await each.bounding_box() for each in await page.locator(selector).all()]
    assert boxes
    return max(box["height"] if box else 0 for box in boxes)


async def _is_well(page: Page, address: str | None) -> None:
    if address is not None:
        await page.goto(address)
    # Everything that can be opened is looked at open.
    await page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    for size in (DESK, NARROW):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{page.url} is {width} px wide"
    await page.emulate_media(color_scheme="light")
    await _no_violation(page)
    await page.emulate_media(color_scheme="dark")
    # Nothing but colours differs.
    await _no_violation(page, {"runOnly": ["color-contrast"]})


async def _no_violation(page: Page, options: dict[str, Any] | None = None) -> None:
    found = await Axe().run(page, options=options)
    assert found["passes"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == [], page.url


async def test_axe_would_find_something() -> None:
    async with a_page() as page:
        await page.set_content("<html><body><img src='x'><p style='color: #eee'>Pale</p></body></html>")
        found = {each["id"] for each in (await Axe().run(page))["violations"]}
    assert {"image-alt", "color-contrast", "html-has-lang"} <= found
