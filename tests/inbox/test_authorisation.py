"""Every route, for every role, in and outside the practice: who may, and that all others find nothing there."""

import httpx
import pytest
from starlette.routing import Route

from palpate_notifier.inbox.app import inbox_app
from palpate_notifier.inbox.case_page import ACTIONS
from palpate_notifier.settings import NotifierSettings
from tests.inbox.conftest import ADDRESS, RIVER, Browser, House

EVERYBODY = {"ada", "ben", "cleo", "fay", "bo", "pat", "rita", "rob", "root", "ole"}
# Case 1 is of Harbor and Ada's, who names Ben as her cover; Cleo and Fay work there too, and it is not theirs.
SEES_CASE = {"ada", "ben", "bo", "pat"}
BILLS = {"bo", "pat", "rita", "rob", "root"}
MANAGES = {"pat", "rita", "root"}

MAY = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/cases/{reference}"): SEES_CASE,
    ("POST", "/cases/{reference}/note"): SEES_CASE,
    ("POST", "/cases/{reference}/acknowledge"): SEES_CASE,
    ("POST", "/cases/{reference}/fixed"): SEES_CASE,
    ("POST", "/cases/{reference}/dispute"): SEES_CASE,
    ("POST", "/cases/{reference}/reassign"): SEES_CASE,
    ("POST", "/cases/{reference}/snooze"): SEES_CASE,
    ("POST", "/cases/{reference}/cannot-determine"): SEES_CASE,
    ("GET", "/billing"): BILLS,
    ("POST", "/billing/preview"): BILLS,
    ("POST", "/billing/apply"): BILLS,
    ("POST", "/billing/export"): BILLS,
    ("GET", "/manager"): MANAGES,
    ("GET", "/operations"): {"ole"},
    ("GET", "/rules/{rule}"): EVERYBODY,
    ("POST", "/sign-out"): EVERYBODY,
}
OPEN_TO_ALL = {("GET", "/sign-in"), ("GET", "/static/inbox.css")}
BY_LINK = {("POST", "/sign-in"), ("GET", "/sign-in/{token}"), ("POST", "/sign-in/{token}")}
BY_PROVIDER = {("GET", "/sign-in/openid"), ("GET", "/sign-in/openid/return"), ("GET", "/sign-in/openid/end")}
PROVIDER = {"oidc_issuer": "https://login.example", "oidc_client_id": "palpate"}


@pytest.mark.parametrize(
    ("settings", "doors"),
    [({}, BY_LINK), (PROVIDER, BY_PROVIDER), (PROVIDER | {"magic_links": "on"}, BY_LINK | BY_PROVIDER)],
    ids=["link", "provider", "both"],
)
def test_the_matrix_names_every_route(house: House, settings: dict[str, str], doors: set[tuple[str, str]]) -> None:
    chosen = NotifierSettings(inbox_url=ADDRESS, **settings)  # type: ignore[arg-type]  # pydantic reads them
    app = inbox_app(house.story.sessions, house.directory, chosen, house.story.clock, ADDRESS)
    assert all(isinstance(route, Route) for route in app.routes)
    routes = {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    named = {
        (method, path if "/cases/{reference}/" not in path else "/cases/{reference}/{action}") for method, path in MAY
    }
    assert routes == named | OPEN_TO_ALL | doors


def test_the_matrix_names_every_action() -> None:
    named = {path.rpartition("/")[2] for _, path in MAY if path.startswith("/cases/{reference}/")}
    assert named == set(ACTIONS)


@pytest.mark.parametrize("person", sorted(EVERYBODY))
async def test_who_may_and_who_finds_nothing(house: House, person: str) -> None:
    await house.story.fail(1)
    reference = await house.reference()
    browser = await house.signed_in(person)
    await browser.open("/")
    for (method, path), allowed in MAY.items():
        address = path.format(reference=reference, rule="units-total-over")
        # A form that is allowed and incomplete is refused as such (409, 422), never as not there.
        answer = await (browser.open(address) if method == "GET" else _post(browser, address))
        assert (answer.status_code != 404) == (person in allowed), f"{person} {method} {path}: {answer.status_code}"
        if person not in allowed:
            assert "CLM-1" not in answer.text


async def _post(browser: Browser, address: str) -> httpx.Response:
    await browser.open("/")
    return await browser.send(address, row_version="999999")


async def test_without_signing_in_there_is_only_the_door(house: House) -> None:
    await house.story.fail(1)
    client = house.browser().client
    for method, path in MAY:
        address = path.format(reference=await house.reference(), rule="units-total-over")
        answer = await client.request(method, address, headers={"Origin": ADDRESS}, data={"a": "b"})
        assert (answer.status_code, answer.headers.get("location")) == (303, "/sign-in"), path


async def test_lists_hold_the_practice_of_who_looks(house: House) -> None:
    await house.story.fail(1)
    await house.story.fail(2, practice=RIVER, rendering_npi="1000000000")
    await house.story.fail(3, practice="1111111112", rendering_npi="1000000000")
    for person, seen in {"bo": {"CLM-1"}, "pat": {"CLM-1"}, "rob": {"CLM-2"}, "root": {"CLM-3"}}.items():
        browser = await house.signed_in(person)
        text = (await browser.open("/billing")).text
        assert {claim for claim in ("CLM-1", "CLM-2", "CLM-3") if claim in text} == seen, person


async def test_many_at_once_stops_at_the_practice(house: House) -> None:
    await house.story.fail(1)
    await house.story.fail(2, practice=RIVER, rendering_npi="1000000000")
    browser = await house.signed_in("bo")
    await browser.open("/billing")
    references = [await house.reference(number) for number in (1, 2)]
    versions = {f"v-{reference}": "1" for reference in references}
    answer = await browser.send("/billing/apply", action="acknowledge", case=references, **versions)
    assert answer.headers["location"] == "/billing?done=1&left=0"
    assert [(await house.story.case(number)).status for number in (1, 2)] == ["acknowledged", "open"]
