"""Signing in by a link, staying signed in, and being signed out."""

import asyncio
import logging

import httpx
import pytest
from sqlalchemy import select

from palpate_notifier.directory import Directory
from palpate_notifier.inbox.app import inbox_app
from palpate_notifier.inbox.cookies import is_our_path
from palpate_notifier.inbox.headers import headers_of
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import SignedIn, SignInLink
from palpate_runtime.embedded import free_port
from tests.inbox.browsers import served
from tests.inbox.conftest import ADDRESS, House


async def test_a_link_shows_a_button_and_the_button_signs_in(house: House) -> None:
    browser = house.browser()
    link = await browser.link("Ada@Harbor.example")
    for _ in range(2):
        page = await browser.open(link)
        assert (page.status_code, "set-cookie" in page.headers) == (200, False)
    entered = await browser.send(link)
    cookie = entered.headers["set-cookie"]
    assert cookie.startswith("__Host-palpate=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Ada Quist, PT" in (await browser.open("/")).text


async def test_a_link_works_once(house: House) -> None:
    link = await house.browser().link("ada@harbor.example")
    assert (await house.browser().send(link)).status_code == 303
    late = house.browser()
    assert (await late.open(link)).status_code == 410
    assert (await late.send(link)).status_code == 410
    assert (await late.open("/")).headers["location"] == "/sign-in"


@pytest.mark.parametrize(("minutes", "status"), [(14.9, 303), (15, 410)])
async def test_a_link_works_for_15_minutes(house: House, minutes: float, status: int) -> None:
    browser = house.browser()
    link = await browser.link("ada@harbor.example")
    house.story.clock.forward(minutes=minutes)
    assert (await browser.send(link)).status_code == status


async def test_nobody_learns_who_works_here(house: House) -> None:
    browser = house.browser()
    known = await browser.send("/sign-in", email="ada@harbor.example")
    unknown = await browser.send("/sign-in", email="nobody@harbor.example")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert [mail["To"] for mail in house.mail_sink.mails] == ["ada@harbor.example"]


async def test_nobody_learns_it_from_how_long_it_takes(house: House) -> None:
    """The mail server never answers; whoever asked has an answer, and so has their next request."""
    released, connected = asyncio.Event(), asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await released.wait()
        writer.close()

    port = free_port()
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as smtp:
        settings = NotifierSettings(
            inbox_url=f"http://127.0.0.1:{port}", smtp_host="127.0.0.1", smtp_port=smtp.sockets[0].getsockname()[1]
        )
        address = f"http://127.0.0.1:{port}"
        app = inbox_app(house.story.sessions, house.directory, settings, house.story.clock, address)
        async with served(app, port), httpx.AsyncClient(base_url=address) as client:
            for email in ("ada@harbor.example", "nobody@harbor.example"):
                assert (await client.post("/sign-in", data={"email": email})).status_code == 200
            await asyncio.wait_for(connected.wait(), 20)
            assert (await client.get("/sign-in")).status_code == 200
            released.set()


async def test_one_person_is_mailed_three_links_a_quarter_of_an_hour(house: House) -> None:
    browser = house.browser()
    for _ in range(5):
        await browser.send("/sign-in", email="ada@harbor.example")
    assert len(house.mail_sink.mails) == 3
    house.story.clock.forward(minutes=15)
    await browser.send("/sign-in", email="ada@harbor.example")
    assert len(house.mail_sink.mails) == 4


async def test_one_address_asks_twenty_times(house: House) -> None:
    browser = house.browser()
    answers = [(await browser.send("/sign-in", email="x@y.example")).status_code for _ in range(21)]
    assert answers == [200] * 20 + [429]
    assert (await house.browser(client=("192.0.2.7", 1)).send("/sign-in", email="x@y.example")).status_code == 200
    house.story.clock.forward(minutes=15)
    assert (await browser.send("/sign-in", email="x@y.example")).status_code == 200


async def test_neither_link_nor_cookie_is_kept_or_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser = house.browser()
    link = await browser.link("ada@harbor.example")
    await browser.send(link)
    token, cookie = link.rpartition("/")[2], browser.client.cookies["__Host-palpate"]
    async with house.story.sessions() as session:
        hashes = [(await session.scalars(select(SignInLink))).one().token_hash]
        hashes.append((await session.scalars(select(SignedIn))).one().cookie_hash)
    assert token not in hashes
    assert cookie not in hashes
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "mail.log", "aiosqlite"))]
    assert not [record for record in ours if token in record.getMessage() or cookie in record.getMessage()]


@pytest.mark.parametrize(("minutes", "status"), [(29.9, 200), (30, 303)])
async def test_who_does_nothing_is_signed_out(house: House, minutes: float, status: int) -> None:
    browser = await house.signed_in("ada")
    house.story.clock.forward(minutes=minutes)
    assert (await browser.open("/")).status_code == status


async def test_what_was_typed_until_then_is_not_lost(house: House) -> None:
    await house.story.fail(1)
    browser, path = await house.signed_in("ada"), f"/cases/{await house.reference()}"
    await browser.open(path)
    house.story.clock.forward(minutes=31)
    late = await browser.send(f"{path}/note", text="Rang the <payer>.")
    assert (late.status_code, "Rang the &lt;payer&gt;." in late.text, "CLM-1" in late.text) == (401, True, False)
    assert ("ada", "note") not in await house.story.timeline()
    link = await browser.link("ada@harbor.example")
    assert (await browser.send(link)).headers["location"] == path
    # Nothing is given back to a form from elsewhere.
    house.story.clock.forward(minutes=31)
    elsewhere = {"Origin": "https://evil.example"}
    answer = await browser.client.post(f"{path}/note", data={"text": "Send money"}, headers=elsewhere)
    assert (answer.status_code, "Send money" in answer.text) == (303, False)


async def test_who_is_busy_signs_in_anew_after_twelve_hours(house: House) -> None:
    browser = await house.signed_in("ada")
    for _ in range(35):
        house.story.clock.forward(minutes=20)
        assert (await browser.open("/")).status_code == 200
    house.story.clock.forward(minutes=20)
    assert (await browser.open("/")).status_code == 303


async def test_signed_out_is_signed_out_everywhere_the_cookie_went(house: House) -> None:
    browser = await house.signed_in("ada")
    cookie = browser.client.cookies["__Host-palpate"]
    await browser.open("/")
    assert (await browser.send("/sign-out")).headers["location"] == "/sign-in"
    thief = house.browser()
    thief.client.cookies.set("__Host-palpate", cookie)
    assert (await thief.open("/")).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site", "Origin": ADDRESS}],
)
async def test_a_form_from_elsewhere_does_nothing(house: House, headers: dict[str, str]) -> None:
    browser = house.browser()
    link = await browser.link("ada@harbor.example")
    assert (await browser.client.post(link, headers=headers)).status_code == 403
    asked = await browser.client.post("/sign-in", data={"email": "ada@harbor.example"}, headers=headers)
    assert asked.status_code == 403
    await browser.send(link)
    token = (await browser.open("/")).text.partition('name="form_token" value="')[2].partition('"')[0]
    out = await browser.client.post("/sign-out", data={"form_token": token}, headers=headers)
    assert out.status_code == 403
    assert (await browser.open("/")).status_code == 200


async def test_every_answer_has_the_safe_headers(house: House) -> None:
    browser, safe = await house.signed_in("ada"), headers_of(https=True, leads_to=None)
    assert "default-src 'none'" in safe["Content-Security-Policy"]
    for path in ("/", "/sign-in", "/sign-in/nothing", "/nowhere", "/cases/NOPE"):
        answer = await browser.open(path)
        assert {name: answer.headers[name] for name in safe} == safe, path
    style = await browser.open("/static/inbox.css")
    assert {name: style.headers[name] for name in safe if name != "Cache-Control"}.items() <= safe.items()


async def test_who_signs_in_anew_leaves_no_session_behind(house: House) -> None:
    """Nor can a cookie that somebody planted beforehand become a session."""
    browser = await house.signed_in("ada")
    before = browser.client.cookies["__Host-palpate"]
    entered = await browser.send(await browser.link("ada@harbor.example"))
    assert before not in entered.headers["set-cookie"]
    planted = house.browser()
    planted.client.cookies.set("__Host-palpate", before)
    assert (await planted.open("/")).status_code == 303


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ("/billing?rule=units-total-over&status=open", "/billing?rule=units-total-over&status=open"),
        ("/", "/"),
        ("//evil.example", "/"),
        ("/%2F/evil.example", "/"),
        ("/cases/a\\evil.example", "/cases/a%5Cevil.example"),
        ("/" + "a" * 400, "/"),
    ],
)
async def test_whoever_signs_in_goes_on_to_where_they_were_going(house: House, wanted: str, where: str) -> None:
    browser = house.browser()
    await browser.client.get(httpx.URL(ADDRESS).copy_with(raw_path=wanted.encode()))
    link = await browser.link("bo@harbor.example")
    assert (await browser.send(link)).headers["location"] == where
    assert "__Host-palpate-next" not in browser.client.cookies


@pytest.mark.parametrize(
    "planted", ["https://evil.example", "//evil.example", "/\\evil", "/a\r\nSet-Cookie: x=y", "javascript:1"]
)
def test_a_planted_cookie_leads_nowhere_else(planted: str) -> None:
    assert not is_our_path(planted)


async def test_two_who_share_an_address_cannot_both_be_the_first(house: House) -> None:
    people = [person.model_copy(update={"email": "desk@harbor.example"}) for person in house.directory.people.values()]
    shared = Directory({each.id: each for each in people}, house.directory.practices, people[0])
    assert shared.by_email("desk@harbor.example") is None
    assert shared.shared_addresses == sorted(house.directory.people)
    assert house.directory.shared_addresses == []
