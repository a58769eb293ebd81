"""What people see when something that no page foresaw goes wrong: a page that says so, and nothing of what it was."""

import httpx
import pytest
from sqlalchemy import text, update

from palpate_notifier.database import open_database
from palpate_notifier.inbox.app import inbox_app
from palpate_notifier.inbox.headers import headers_of
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import CaseRow
from tests.inbox.conftest import ADDRESS, Browser, House

SAFE = headers_of(https=True, leads_to=None)


async def reading(house: House, path: str) -> httpx.Response:
    """What a browser gets, though the server raises afterwards so that the error is logged."""
    signed_in = await house.signed_in("ada")
    browser = Browser(
        httpx.AsyncClient(
            transport=httpx.ASGITransport(house.app, raise_app_exceptions=False),
            base_url=ADDRESS,
            cookies=signed_in.client.cookies,
        ),
        house.mail_sink,
    )
    house.clients.append(browser.client)
    return await browser.open(path)


async def test_a_case_that_cannot_be_shown_is_a_page_and_no_trace_of_the_error(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    await house.story.fail(1)
    async with house.story.sessions.begin() as session:
        await session.execute(update(CaseRow).values(findings=[{"rule": "Canary Smith"}]))
    answer = await reading(house, f"/cases/{await house.reference()}")
    assert (answer.status_code, "Something is wrong here" in answer.text) == (500, True)
    assert {name: answer.headers[name] for name in SAFE} == SAFE
    out = capfd.readouterr()
    assert "Canary" not in answer.text + out.out + out.err
    assert "page_failed" in out.out + out.err


async def test_a_database_that_is_away_is_said_to_be(house: House) -> None:
    async with house.story.sessions.begin() as session:
        await session.execute(text("ALTER TABLE cases RENAME TO cases_elsewhere"))
    answer = await reading(house, "/")
    assert (answer.status_code, "out for a moment" in answer.text) == (503, True)
    assert {name: answer.headers[name] for name in SAFE} == SAFE


async def test_a_server_of_the_database_that_is_away_is_said_to_be(house: House, closed_port: int) -> None:
    """A refused connection to PostgreSQL is no database error, but the operating system's."""
    engine, away = open_database(f"postgresql+asyncpg://palpate@127.0.0.1:{closed_port}/palpate")
    settings = NotifierSettings(inbox_url=ADDRESS)
    app = inbox_app(away, house.directory, settings, house.story.clock, ADDRESS)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    cookies = (await house.signed_in("ada")).client.cookies
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, cookies=cookies) as client:
        answer = await client.get("/")
    await engine.dispose()
    assert (answer.status_code, "out for a moment" in answer.text) == (503, True)
    assert {name: answer.headers[name] for name in SAFE} == SAFE


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("&".join(f"f{number}=1" for number in range(2_001)), "application/x-www-form-urlencoded", 400),
        ("x", "multipart/form-data; boundary=", 400),
        (
            '--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n1\r\n--b--',
            "multipart/form-data; boundary=b",
            400,
        ),
        ("a=" + "x" * 600_000, "application/x-www-form-urlencoded", 413),
        ("{}", "application/json", 403),
    ],
)
async def test_what_is_no_form_of_ours_changes_nothing(house: House, body: str, kind: str, status: int) -> None:
    await house.story.fail(1)
    browser = await house.signed_in("ada")
    path = f"/cases/{await house.reference()}/acknowledge"
    answer = await browser.client.post(path, content=body, headers={"Content-Type": kind, "Origin": ADDRESS})
    assert answer.status_code == status
    assert "<h1>" in answer.text
    assert (await house.story.case()).status == "open"
