"""Signing in by an OpenID provider: a real one in a process of its own, and one that lies."""

import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from palpate_notifier.directory import load_directory
from palpate_notifier.inbox.app import inbox_app
from palpate_notifier.inbox.openid import WAY_LASTS, Way
from palpate_notifier.inbox.openid_door import TRIES
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import AuditEntry, SignedIn
from palpate_runtime.embedded import free_port
from tests.inbox.browsers import served
from tests.inbox.conftest import ADDRESS, TEAM, Browser, House
from tests.inbox.providers import CLIENT, SECRET, Liar, agree, html, provider_process, shared_key

CLEO = 'id = "cleo"\n'


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with provider_process(tmp_path_factory.mktemp("provider")) as issuer:
        yield issuer


def with_provider(house: House, issuer: str, **more: Any) -> House:
    """The same house with a provider's door, at the time that providers live in."""
    house.story.clock.at = datetime.now(UTC)
    settings = NotifierSettings(
        **{
            "inbox_url": ADDRESS, "mail_domain": "palpate.test", "smtp_host": "127.0.0.1",
            "smtp_port": house.mail_sink.port, "oidc_issuer": issuer, "oidc_client_id": CLIENT,
            "oidc_client_secret": SECRET, **more,
        }  # type: ignore[arg-type]  # pydantic reads them
    )  # fmt: skip
    path = Path(house.story.sessions.kw["bind"].url.database).with_name("pinned.toml")
    path.write_text(TEAM.replace(CLEO, CLEO + 'openid_subject = "00u-cleo"\n'), "utf-8")
    directory = load_directory(path)
    house.app = inbox_app(house.story.sessions, directory, settings, house.story.clock, ADDRESS)
    return house


async def go(browser: Browser) -> str:
    """To the provider: the address that the browser is sent to."""
    answer = await browser.open("/sign-in/openid")
    assert answer.status_code == 303
    return str(answer.headers["location"])


async def come_back(browser: Browser, address: str) -> httpx.Response:
    assert address.startswith(f"{ADDRESS}/sign-in/openid/return?"), address
    return await browser.open(address.removeprefix(ADDRESS))


async def refusals(house: House) -> list[Any]:
    async with house.story.sessions() as session:
        rows = await session.scalars(select(AuditEntry).where(AuditEntry.action == "refused a sign-in"))
        return [(row.actor, row.detail["reason"]) for row in rows]


async def signed_in(house: House) -> list[str]:
    async with house.story.sessions() as session:
        return [row.person for row in await session.scalars(select(SignedIn))]


@pytest.mark.parametrize(("account", "name"), [("ada", "Ada Quist, PT"), ("00u-cleo", "Cleo Park, PT")])
async def test_the_provider_vouches_and_the_directory_knows_them(
    house: House, issuer: str, account: str, name: str
) -> None:
    browser = with_provider(house, issuer).browser()
    assert "Sign in with your work account" in (await browser.open("/sign-in")).text
    entered = await come_back(browser, agree(await go(browser), account))
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = next(each for each in entered.headers.get_list("set-cookie") if each.startswith("__Host-palpate="))
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert name in (await browser.open("/")).text
    async with house.story.sessions() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "signed in"))).one()
    assert (entry.actor, entry.detail) == ({"ada": "ada", "00u-cleo": "cleo"}[account], {"by": "openid"})


@pytest.mark.parametrize(
    ("account", "reason", "words"),
    [
        ("stranger", "unknown_person", "no account was made"),
        ("unsure", "email_not_verified", "does not say that your e-mail address is yours"),
        ("", "provider_said_no", "said no"),
    ],
)
async def test_who_is_not_let_in_is_told_why(house: House, issuer: str, account: str, reason: str, words: str) -> None:
    browser = with_provider(house, issuer).browser()
    where = agree(await go(browser), account)
    if not account:
        # The provider names the way of an error, too; this one leaves it out.
        where += f"&state={Way(browser.client.cookies['__Host-palpate-openid']).state}"
    answer = await come_back(browser, where)
    assert (answer.status_code, words in answer.text) == (403, True)
    assert await refusals(house) == [("palpate", reason)]
    assert await signed_in(house) == []


async def test_an_address_proves_nothing_of_somebody_whose_account_is_named(house: House, issuer: str) -> None:
    """Cleo's address has a new owner at the provider, and the directory says which account is Cleo's."""
    with_provider(house, issuer)
    browser = house.browser()
    assert (await come_back(browser, agree(await go(browser), "impostor"))).status_code == 403
    assert await signed_in(house) == []


async def test_another_claim_may_say_that_the_address_is_theirs(house: House, issuer: str) -> None:
    browser = with_provider(house, issuer, oidc_verified_claim="xms_edov").browser()
    assert (await come_back(browser, agree(await go(browser), "entra"))).status_code == 303


async def test_a_token_made_for_another_nonce_lets_nobody_in(house: House, issuer: str) -> None:
    browser = with_provider(house, issuer).browser()
    answer = await come_back(browser, agree(await go(browser), "ada", nonce="of-somebody-else"))
    assert answer.status_code == 403
    assert await refusals(house) == [("palpate", "not_proven")]


async def test_an_answer_works_once_and_in_the_browser_that_asked(house: House, issuer: str) -> None:
    browser, other = with_provider(house, issuer).browser(), house.browser()
    where = agree(await go(browser), "ada")
    way = browser.client.cookies["__Host-palpate-openid"]
    await other.open("/sign-in/openid")
    assert (await come_back(other, where)).status_code == 400
    assert (await come_back(house.browser(), where)).status_code == 400
    assert (await come_back(browser, where)).status_code == 303
    assert (await come_back(browser, where)).status_code == 400
    # The very same browser, its cookie put back: the provider takes no code twice.
    browser.client.cookies.set("__Host-palpate-openid", way)
    assert (await come_back(browser, where)).status_code == 403
    assert await signed_in(house) == ["ada"]


@pytest.mark.parametrize(("minutes", "status"), [(9.9, 303), (10, 400)])
async def test_ten_minutes_may_be_spent_at_the_provider(house: House, issuer: str, minutes: float, status: int) -> None:
    browser = with_provider(house, issuer).browser()
    address = await go(browser)
    house.story.clock.forward(minutes=minutes)
    assert (await come_back(browser, agree(address, "ada"))).status_code == status


async def test_a_token_that_has_ended_by_our_clock_lets_nobody_in(house: House, issuer: str) -> None:
    with_provider(house, issuer).story.clock.forward(hours=2)
    browser = house.browser()
    answer = await come_back(browser, agree(await go(browser), "ada"))
    assert (answer.status_code, await refusals(house)) == (403, [("palpate", "not_proven")])


async def test_a_provider_that_is_away_is_said_to_be(house: House, closed_port: int) -> None:
    browser = with_provider(house, f"http://127.0.0.1:{closed_port}").browser()
    answer = await browser.open("/sign-in/openid")
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)


async def test_signing_out_ends_it_here_and_there(house: House, issuer: str) -> None:
    browser = with_provider(house, issuer).browser()
    await come_back(browser, agree(await go(browser), "ada"))
    await browser.open("/")
    out = await browser.send("/sign-out")
    assert out.headers["location"] == "/sign-in/openid/end"
    end = (await browser.open("/sign-in/openid/end")).headers["location"]
    query = parse_qs(urlsplit(end).query)
    assert end.startswith(f"{issuer}/oauth2/end_session?")
    assert query["post_logout_redirect_uri"] == [f"{ADDRESS}/sign-in"]
    assert query["id_token_hint"][0].count(".") == 2
    assert (await browser.open("/")).headers["location"] == "/sign-in"
    # Without the cookie that the sign-in left, the address ends nothing.
    assert (await browser.open("/sign-in/openid/end")).headers["location"] == "/sign-in"
    assert await signed_in(house) == []


async def test_signing_out_after_the_session_ended_by_itself_ends_it_there(house: House, issuer: str) -> None:
    """The page is still open with its button; the provider's session knows nothing of half an hour without a click."""
    house = with_provider(house, issuer)
    browser = house.browser()
    await come_back(browser, agree(await go(browser), "ada"))
    await browser.open("/")
    house.story.clock.forward(hours=1)
    foreign = await browser.client.post("/sign-out", headers={"Origin": "https://elsewhere.example"})
    assert foreign.headers["location"] == "/sign-in"
    out = await browser.send("/sign-out")
    assert out.headers["location"] == "/sign-in/openid/end"
    end = (await browser.open("/sign-in/openid/end")).headers["location"]
    assert end.startswith(f"{issuer}/oauth2/end_session?")
    assert "id_token_hint" in end
    # Whoever was never signed in ends nothing.
    assert (await house.browser().open("/sign-in/openid/end")).headers["location"] == "/sign-in"


async def test_with_a_provider_no_link_is_mailed_unless_asked_for(house: House, issuer: str) -> None:
    browser = with_provider(house, issuer).browser()
    assert (await browser.send("/sign-in", email="ada@harbor.example")).status_code == 405
    assert (await browser.open("/sign-in/some-token")).status_code == 404
    assert "Mail me a link" not in (await browser.open("/sign-in")).text
    both = with_provider(house, issuer, magic_links="on").browser()
    assert "Mail me a link" in (await both.open("/sign-in")).text
    assert (await both.send("/sign-in", email="ada@harbor.example")).status_code == 200


async def test_where_they_were_going_is_kept(house: House, issuer: str) -> None:
    await with_provider(house, issuer).story.fail(1)
    browser, path = house.browser(), f"/cases/{await house.reference()}"
    assert (await browser.open(path)).headers["location"] == "/sign-in"
    entered = await come_back(browser, agree(await go(browser), "ada"))
    assert entered.headers["location"] == path
    assert (await browser.open(path)).status_code == 200


async def test_no_token_code_or_secret_is_logged_or_kept(
    house: House, issuer: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = with_provider(house, issuer).browser()
    where = agree(await go(browser), "ada")
    way = Way(browser.client.cookies["__Host-palpate-openid"])
    await come_back(browser, where)
    await browser.open("/sign-in/openid")
    refused = await come_back(browser, agree(await go(browser), "stranger"))
    cookies = dict(browser.client.cookies)
    hidden = [SECRET, way.verifier, parse_qs(urlsplit(where).query)["code"][0], *cookies.values()]
    # httpcore is heard from its warnings on; of httpx, what the test's own browser logs of itself is left out.
    said = [
        record.getMessage()
        for record in caplog.records
        if not record.name.startswith("httpcore")
        and not (
            record.name == "httpx" and ("/oauth2/authorize" in record.getMessage() or ADDRESS in record.getMessage())
        )
    ]
    said += capfd.readouterr()
    path = Path(house.story.sessions.kw["bind"].url.database)
    kept = b"".join(each.read_bytes() for each in (path, path.with_name("cases.db-wal")) if each.exists())
    assert any("sign_in_refused" in each for each in said)
    for each in hidden:
        assert each.encode() not in kept
        assert each not in "".join(said)
        assert each not in refused.text


# A provider that lies, and one whose machinery is broken.


@pytest.fixture
async def liar(house: House) -> AsyncIterator[Liar]:
    port = free_port()
    made = Liar(f"http://127.0.0.1:{port}")
    async with served(made.app, port):
        with_provider(house, made.issuer)
        yield made


async def entering(house: House, liar: Liar, **more: str) -> httpx.Response:
    browser = house.browser()
    return await browser.open(f"/sign-in/openid/return?{liar.authorize(await go(browser), **more)}")


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"token_endpoint_auth_methods_supported": ["client_secret_post"]},
        {"authorization_response_iss_parameter_supported": True},
    ],
)
async def test_pkce_and_the_clients_secret_reach_a_provider_that_checks_them(
    house: House, liar: Liar, metadata: dict[str, Any]
) -> None:
    liar.metadata = metadata
    more = {"iss": liar.issuer} if "authorization_response_iss_parameter_supported" in metadata else {}
    assert (await entering(house, liar, **more)).status_code == 303
    assert liar.tokens_given == 1


async def test_a_code_that_was_stolen_is_worth_nothing(house: House, liar: Liar) -> None:
    """It was asked for in one browser and is brought by another: PKCE, in which state is not yet thought of."""
    victim, thief = house.browser(), house.browser()
    stolen = dict(httpx.QueryParams(liar.authorize(await go(victim))))
    own = parse_qs(urlsplit(await go(thief)).query)["state"][0]
    answer = await thief.open(f"/sign-in/openid/return?{httpx.QueryParams({'code': stolen['code'], 'state': own})}")
    assert answer.status_code == 403
    assert liar.tokens_given == 0


LIES: dict[str, dict[str, Any]] = {
    "no signature": {"header": {"alg": "none"}},
    "signed with the secret that we have, too": {"header": {"alg": "HS256"}, "sign_with": shared_key()},
    "signed with another key": {"sign_with": RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)},
    "a key that the provider does not show": {"header": {"alg": "RS256", "kid": "two"}},
    "of another issuer": {"claims": {"iss": "https://elsewhere.example"}},
    "for another client": {"claims": {"aud": "another"}},
    "for several, and not authorized for us": {"claims": {"aud": [CLIENT, "another"], "azp": "another"}},
    "for nobody": {"claims": {"aud": None}},
    "ended an hour ago": {"claims": {"exp": 1_700_000_000}},
    "without an end": {"claims": {"exp": None}},
    "an end that is no time": {"claims": {"exp": "tomorrow"}},
    "from the future": {"claims": {"iat": 4_000_000_000}},
    "without a nonce": {"claims": {"nonce": None}},
    "another nonce": {"claims": {"nonce": "another"}},
    "without a subject": {"claims": {"sub": None}},
    "a subject that is a list": {"claims": {"sub": ["ada"]}},
    "of another access token": {"claims": {"at_hash": "x" * 22}},
    "without an id token": {"answers": {"/token": JSONResponse({"access_token": "access"})}},
    "an id token that is a number": {"answers": {"/token": JSONResponse({"id_token": 7})}},
    "an id token that is none": {"answers": {"/token": JSONResponse({"id_token": "a.b.c"})}},
    "a code that it does not take": {"answers": {"/token": JSONResponse({"error": "x"}, status_code=400)}},
    "keys that are none": {"answers": {"/keys": JSONResponse({"keys": "none"})}},
    "user info of somebody else": {"claims": {"email": None}, "user_info": {"sub": "pat", "email": "pat@h.example"}},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_lets_nobody_in(house: House, liar: Liar, lie: str) -> None:
    for name, value in LIES[lie].items():
        setattr(liar, name, value)
    answer = await entering(house, liar)
    assert (answer.status_code, await refusals(house)) == (403, [("palpate", "not_proven")])
    assert await signed_in(house) == []


async def test_an_answer_of_another_provider_is_not_taken(house: House, liar: Liar) -> None:
    assert (await entering(house, liar, iss="https://elsewhere.example")).status_code == 403
    liar.metadata = {"authorization_response_iss_parameter_supported": True}
    house.story.clock.forward(hours=1)
    assert (await entering(house, liar)).status_code == 403
    assert liar.tokens_given == 0


@pytest.mark.parametrize("path", ["/token", "/keys", "/me"])
@pytest.mark.parametrize(
    "broken",
    [Response(status_code=502), html(), JSONResponse([1]), Response("", 302, {"Location": "http://x.example"})],
)
async def test_a_provider_that_breaks_is_said_to_be_away(house: House, liar: Liar, path: str, broken: Response) -> None:
    liar.claims, liar.answers = {"email": None}, {path: broken}
    answer = await entering(house, liar)
    assert (answer.status_code, await refusals(house)) == (503, [("palpate", "provider_away")])


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
    ],
)
async def test_a_provider_that_points_elsewhere_is_not_followed(
    house: House, liar: Liar, metadata: dict[str, Any]
) -> None:
    liar.metadata = metadata
    assert (await house.browser().open("/sign-in/openid")).status_code == 503


@pytest.mark.parametrize("verified", [False, None, "false", 0, "yes"])
async def test_an_address_that_is_not_verified_is_nobodys(house: House, liar: Liar, verified: Any) -> None:
    liar.claims = {"email_verified": verified}
    assert (await entering(house, liar)).status_code == 403
    assert await refusals(house) == [("palpate", "email_not_verified")]


async def test_what_the_token_leaves_out_is_asked_for(house: House, liar: Liar) -> None:
    liar.claims = {"email": None, "email_verified": None}
    liar.user_info = {"sub": "ada", "email": "ada@harbor.example", "email_verified": True}
    assert (await entering(house, liar)).status_code == 303


async def test_a_provider_that_ends_elsewhere_gets_a_link(house: House, liar: Liar) -> None:
    """The policy of our pages lets no form lead there."""
    liar.metadata = {"end_session_endpoint": "https://logout.example/end?x=1"}
    browser = house.browser()
    await browser.open(f"/sign-in/openid/return?{liar.authorize(await go(browser))}")
    page = await browser.open("/sign-in/openid/end")
    assert "Sign out there, too" in page.text
    assert 'href="https://logout.example/end?x=1&amp;client_id=palpate-inbox&amp;' in page.text


async def test_who_cannot_be_signed_out_there_is_told(house: House, liar: Liar) -> None:
    """The next person at this computer could sign in as they."""
    browser = house.browser()
    await browser.open(f"/sign-in/openid/return?{liar.authorize(await go(browser))}")
    page = await browser.open("/sign-in/openid/end")
    assert (page.status_code, "You are still signed in at your organization" in page.text) == (200, True)
    assert "Sign out there, too" not in page.text


async def test_a_token_too_long_for_a_cookie_is_not_kept(house: House, liar: Liar) -> None:
    liar.metadata = {"end_session_endpoint": f"{liar.issuer}/end"}
    liar.claims = {"groups": ["g" * 40] * 100}
    browser = house.browser()
    entered = await browser.open(f"/sign-in/openid/return?{liar.authorize(await go(browser))}")
    assert max(len(each) for each in entered.headers.get_list("set-cookie")) < 4096
    assert "id_token_hint" not in (await browser.open("/sign-in/openid/end")).headers["location"]


# What needs no provider.

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


async def test_one_address_tries_so_often_and_no_more(house: House, closed_port: int) -> None:
    browser = with_provider(house, f"http://127.0.0.1:{closed_port}").browser()
    answers = [(await browser.open("/sign-in/openid/return?state=x")).status_code for _ in range(TRIES + 1)]
    assert answers == [400] * TRIES + [429]
    assert (await browser.open("/sign-in/openid")).status_code == 429
    assert (await house.browser(client=("192.0.2.7", 1)).open("/sign-in/openid/return")).status_code == 400
    assert await refusals(house) == []


def test_a_way_cannot_be_made_younger_or_guessed() -> None:
    way = Way.begin(NOON)
    assert way.is_ours(way.state, NOON)
    assert not way.is_ours(way.state, NOON + WAY_LASTS)
    began, _, rest = way.cookie.partition(".")
    younger = Way(f"{int(began) + 600}.{rest}")
    assert not younger.is_ours(way.state, NOON + WAY_LASTS)
    assert len({way.state, way.nonce, way.verifier}) == 3
    assert 43 <= len(way.verifier) <= 128


@pytest.mark.parametrize(
    "cookie", ["", ".", "1.", "x.y", "9" * 30 + "." + "a" * 43, "1." + "a" * 42, "\u0661." + "a" * 43]
)
def test_a_cookie_that_is_no_way_leads_nowhere(cookie: str) -> None:
    assert not Way(cookie).is_ours(Way(cookie).state, NOON)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"oidc_issuer": "http://login.example"}, "https://"),
        ({"oidc_issuer": "login.example"}, "https://"),
        ({"oidc_client_id": None}, "needs PALPATE_OIDC_CLIENT_ID"),
        ({"inbox_url": None}, "needs PALPATE_INBOX_URL"),
        ({"oidc_issuer": None, "magic_links": "off"}, "nobody could sign in"),
    ],
)
def test_settings_by_which_nobody_could_sign_in_are_refused(wrong: dict[str, Any], words: str) -> None:
    whole = {"oidc_issuer": "https://login.example", "oidc_client_id": CLIENT, "inbox_url": ADDRESS}
    assert NotifierSettings(**whole).mails_links is False  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=words):
        NotifierSettings(**whole | wrong)
