"""What every page of the inbox goes through: who asks, whether they may, and what happens when it cannot be done."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from palpate_notifier import audit
from palpate_notifier.actions import By, Conflict, NoSuchCase, NotPossible
from palpate_notifier.database import Sessions
from palpate_notifier.directory import Directory
from palpate_notifier.inbox import wording
from palpate_notifier.inbox.access import Visitor
from palpate_notifier.inbox.cookies import Cookies
from palpate_notifier.inbox.limits import Limit
from palpate_notifier.inbox.sign_in import LINK_LASTS, form_token, who_is_it
from palpate_notifier.settings import NotifierSettings

HERE = Path(__file__).parent
STYLE = (HERE / "static" / "inbox.css").read_bytes()
LONGEST_FORM = 512 * 1024
MOST_FIELDS = 2_000


class NotThere(LookupError):
    """The page does not exist, or not for this person: nobody can tell which."""


@dataclass(slots=True)
class Inbox:
    """What all pages share."""

    sessions: Sessions
    directory: Directory
    settings: NotifierSettings
    clock: Callable[[], datetime]
    address: str
    """Where people open it, without a slash at the end."""
    rule_page: Callable[[str], str | None] | None = None
    """A rule's page as Markdown, by the rule's id; without it no page is linked."""
    asked: Limit = field(default_factory=lambda: Limit(20, LINK_LASTS))
    """Requests for a link, by network address."""
    templates: Environment = field(init=False)
    cookies: Cookies = field(init=False)
    cookie: str = "palpate"
    """The name of the cookie of those who are signed in, before its prefix."""

    def __post_init__(self) -> None:
        self.cookies = Cookies(https=self.https)
        self.templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.globals |= {"style": sha256(STYLE).hexdigest()[:12], "wording": wording}

    @property
    def https(self) -> bool:
        """Whether browsers reach it by HTTPS."""
        return self.address.startswith("https://")

    @property
    def provider_name(self) -> str | None:
        """What people call the OpenID provider; None where there is none."""
        return self.settings.oidc_name if self.settings.oidc_issuer is not None else None

    @property
    def idle(self) -> timedelta:
        """After so long without a request somebody is signed out."""
        return timedelta(seconds=self.settings.inbox_idle_s)

    @property
    def longest(self) -> timedelta:
        """After so long somebody signs in anew, however busy they were."""
        return timedelta(seconds=self.settings.inbox_longest_s)

    def page(self, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 - what templates show
        """A page as HTML."""
        return HTMLResponse(self.templates.get_template(name).render(values), status_code=status)

    def says(self, status: int, title: str, text: str, typed: str = "") -> Response:
        """A page that says one thing, to somebody who is not signed in."""
        return self.page(
            "message.html", status=status, title=title, text=text, typed=typed, visitor=None, form_token=""
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of somebody who is signed in, in one transaction."""

    inbox: Inbox
    request: Request
    session: AsyncSession
    visitor: Visitor
    cookie: str
    now: datetime
    form: FormData

    @property
    def by(self) -> By:
        """Who acts."""
        return By(self.visitor.person.id, self.inbox.clock, self.inbox.directory)

    def field(self, name: str) -> str:
        """A field of the form, or an empty string."""
        value = self.form.get(name)
        return value if isinstance(value, str) else ""

    def page(self, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 - what templates show
        """A page with the frame of somebody who is signed in."""
        frame = {"visitor": self.visitor, "form_token": form_token(self.cookie), "now": self.now}
        return self.inbox.page(name, status=status, **frame, **values)

    async def saw(self, what: str, *, action: str = "viewed", **detail: Any) -> None:  # noqa: ANN401 - JSON
        """Leave a trace in the audit."""
        await audit.record(
            self.session, actor=self.visitor.person.id, action=action, about=what, at=self.now, detail=detail
        )


Page = Callable[[Asked], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def is_ours(headers: Mapping[str, str]) -> bool:
    """Whether a form was sent from a page of this host: browsers say so, and cannot be made to lie about it."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


async def form_of(request: Request) -> FormData | None:
    """The form; None where it is larger than any form of ours."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > LONGEST_FORM:
        return None
    return await request.form(max_files=0, max_fields=MOST_FIELDS)


def for_members(
    inbox: Inbox,
    page: Page,
    allowed: Callable[[Visitor], bool] = lambda _: True,
    stranger: Callable[[Request], Response] | None = None,
) -> Endpoint:
    """An endpoint for people who are signed in and for whom the page exists; `stranger` answers who is not."""

    async def endpoint(request: Request) -> Response:
        cookie = inbox.cookies.get(request, inbox.cookie)
        form = await form_of(request) if request.method == "POST" else FormData()
        if form is None:
            return inbox.says(413, "That is too much", "The form was larger than any form of this page.")
        # Nobody is in a page that could not be shown until it is known who they are.
        frame: dict[str, Any] = {"visitor": None, "form_token": ""}
        try:
            async with inbox.sessions.begin() as session:
                now = inbox.clock()
                person = await who_is_it(session, cookie, inbox.directory, now, idle=inbox.idle, longest=inbox.longest)
                if person is None:
                    return stranger(request) if stranger else _signed_out(inbox, request, _typed(form))
                asked = Asked(inbox, request, session, Visitor(person, inbox.directory), cookie, now, form)
                frame = {"visitor": asked.visitor, "form_token": form_token(cookie)}
                return await _answer(asked, page, allowed)
        except Conflict as conflict:
            return inbox.page("conflict.html", status=409, reference=conflict.reference, typed=_typed(form), **frame)
        except NotPossible as reason:
            title = "Nothing was changed"
            return inbox.page("message.html", status=422, title=title, text=str(reason), typed=_typed(form), **frame)
        except (NotThere, NoSuchCase):
            # A case may have gone to somebody else while they were writing: what they typed is theirs all the same.
            text = "It may have been moved, or it is not yours to see."
            title = "There is no such page"
            return inbox.page("message.html", status=404, title=title, text=text, typed=_typed(form), **frame)

    return endpoint


def _signed_out(inbox: Inbox, request: Request, typed: str) -> Response:
    """To the door; who was signed out over a form gets back what they had typed, since nobody has it but they."""
    if not typed or not is_ours(request.headers):
        return inbox.cookies.to_the_door(request)
    text = "Nothing was changed. Copy what you typed, sign in, and you come back to the case."
    answer = inbox.says(401, "You were signed out meanwhile", text, typed)
    inbox.cookies.remember(answer, request)
    return answer


async def _answer(asked: Asked, page: Page, allowed: Callable[[Visitor], bool]) -> Response:
    if not allowed(asked.visitor):
        raise NotThere
    if asked.request.method == "POST" and not (
        is_ours(asked.request.headers) and _carries_token(asked.form, asked.cookie)
    ):
        return asked.page(
            "message.html",
            status=403,
            title="Nothing was changed",
            text="The form did not come from this page, or somebody signed in anew meanwhile. Open the page anew.",
            typed=_typed(asked.form),
        )
    return await page(asked)


def _carries_token(form: FormData, cookie: str) -> bool:
    sent = form.get("form_token")
    return isinstance(sent, str) and compare_digest(sent.encode(), form_token(cookie).encode())


def _typed(form: FormData) -> str:
    """What somebody had typed, given back so that it is not lost."""
    value = form.get("comment") or form.get("text") or ""
    return value if isinstance(value, str) else ""


def seen_version(text: str) -> int:
    """The row version that a form was made from.

    Raises:
        NotPossible: it is no number.
    """
    if not text.isdecimal() or len(text) > 9:
        raise NotPossible("The form is incomplete. Open the case anew.")
    return int(text)
