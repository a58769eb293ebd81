"""The pages of signing in by an OpenID provider: going there, coming back, and signing out there, too."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from palpate_notifier import audit
from palpate_notifier.directory import Person
from palpate_notifier.inbox import sign_in
from palpate_notifier.inbox.limits import Limit
from palpate_notifier.inbox.openid import WAY_LASTS, NotProven, Proven, Provider, ProviderAway, Way
from palpate_notifier.inbox.web import Inbox
from palpate_runtime.logs import describe

log = structlog.stdlib.get_logger()

WAY, HINT = "palpate-openid", "palpate-openid-hint"
LONGEST_HINT = 3_600
"""Browsers keep cookies of 4,096 bytes; a provider that puts more into its token is left without the hint."""
TRIES = 300
"""So often one network address may go there or come back in a quarter of an hour: the first may cost a question to the
provider, the second an audit entry.  A practice shares an address, and all of it signs in at eight."""


class Refused(StrEnum):
    """Why somebody was not let in, as log and audit have it."""

    PROVIDER_AWAY = "provider_away"
    SAID_NO = "provider_said_no"
    NOT_BEGUN_HERE = "not_begun_here"
    NOT_PROVEN = "not_proven"
    EMAIL_NOT_VERIFIED = "email_not_verified"
    UNKNOWN = "unknown_person"


SAYS: dict[Refused, tuple[int, str, str]] = {
    Refused.PROVIDER_AWAY: (
        503,
        "Your organization's sign-in does not answer",
        "You are not signed in. Try again in a minute; if it lasts, tell whoever looks after it.",
    ),
    Refused.SAID_NO: (
        403,
        "You were not signed in",
        "Your organization's sign-in said no, or it was called off there. You can try again.",
    ),
    Refused.NOT_BEGUN_HERE: (
        400,
        "Please sign in anew",
        "This answer does not belong to a sign-in that was begun in this browser in the last ten minutes.",
    ),
    Refused.NOT_PROVEN: (
        403,
        "You were not signed in",
        "The answer of your organization's sign-in did not hold. Try again; if it lasts, tell whoever looks after it.",
    ),
    Refused.EMAIL_NOT_VERIFIED: (
        403,
        "Your e-mail address is not confirmed",
        "Your organization's sign-in does not say that your e-mail address is yours. Whoever looks after it can help.",
    ),
    Refused.UNKNOWN: (
        403,
        "Palpate does not know you",
        "You are not in Palpate's directory, and no account was made. Ask the manager of your practice to be added.",
    ),
}


class TurnedAway(Exception):
    """Somebody is not let in; `step` says at which step of the provider's answer, in our words."""

    def __init__(self, reason: Refused, step: str = "") -> None:
        super().__init__(reason.value)
        self.reason, self.step = reason, step


class OpenIdDoor:
    """The way in through the organization's own sign-in."""

    def __init__(self, inbox: Inbox, provider: Provider) -> None:
        self._inbox, self._provider = inbox, provider
        self._back_to = f"{inbox.address}/sign-in/openid/return"
        self._tries = Limit(TRIES, timedelta(minutes=15))

    async def leave_for(self, request: Request) -> Response:
        """Send somebody to the provider."""
        if not self._may_try(request):
            return self._too_often()
        way = Way.begin(self._inbox.clock())
        try:
            address = await self._provider.where_to(way, self._back_to)
        except ProviderAway as error:
            return self._refuse(TurnedAway(Refused.PROVIDER_AWAY, str(error)))
        answer = RedirectResponse(address, 303)
        self._inbox.cookies.put(answer, WAY, way.cookie, WAY_LASTS)
        return answer

    async def come_back(self, request: Request) -> Response:
        """Let them in, or say why not."""
        inbox, query = self._inbox, request.query_params
        if not self._may_try(request):
            return self._too_often()
        way = Way(inbox.cookies.get(request, WAY))
        if not way.is_ours(query.get("state", ""), inbox.clock()):
            # Anybody can open this address with anything: that is no event for the audit.
            return self._refuse(TurnedAway(Refused.NOT_BEGUN_HERE))
        try:
            person, proven = await self._who(query, way)
        except TurnedAway as turned:
            return await self._refused(turned)
        return await self._let_in(request, person, proven)

    def _may_try(self, request: Request) -> bool:
        return self._tries.allows(request.client.host if request.client else "", self._inbox.clock())

    def _too_often(self) -> Response:
        return self._inbox.says(429, "Please wait a little", "Too many sign-ins were tried from here.")

    async def end_there(self, request: Request) -> Response:
        """Sign out at the provider, too, after signing out here.

        The cookie that says so comes only from our own pages (`SameSite=strict`): a link elsewhere ends nothing.
        """
        hint = self._inbox.cookies.get(request, HINT)
        answer: Response = RedirectResponse("/sign-in", 303)
        if hint:
            answer = await self._to_the_end("" if hint == "none" else hint)
            self._inbox.cookies.drop(answer, HINT)
        return answer

    async def _to_the_end(self, id_token: str) -> Response:
        address: str | None = None
        try:
            address = await self._provider.where_to_end(id_token, f"{self._inbox.address}/sign-in")
        except ProviderAway as error:
            log.warning("sign_out_at_provider_failed", reason=str(error), **describe(error))
        if address is None or urlsplit(address).netloc != urlsplit(self._provider.issuer).netloc:
            # Our policy lets a form lead to the issuer's host and to no other; a link is not a form.  Where there is no
            # way to sign out there, the next person at this computer could sign in as this one: they must know.
            return self._inbox.page("signed_out.html", visitor=None, form_token="", address=address)
        return RedirectResponse(address, 303)

    async def _who(self, query: Mapping[str, str], way: Way) -> tuple[Person, Proven]:
        if "error" in query:
            # Its name and its description are anybody's text: neither shown nor logged.
            raise TurnedAway(Refused.SAID_NO)
        try:
            proven = await self._provider.proven(query, way, self._back_to)
        except ProviderAway as error:
            raise TurnedAway(Refused.PROVIDER_AWAY, str(error)) from error
        except NotProven as error:
            raise TurnedAway(Refused.NOT_PROVEN, str(error)) from error
        person = self._person(proven)
        if person is None:
            raise TurnedAway(Refused.EMAIL_NOT_VERIFIED if proven.email is None else Refused.UNKNOWN)
        return person, proven

    def _person(self, proven: Proven) -> Person | None:
        directory = self._inbox.directory
        found = directory.by_subject(proven.subject)
        if found is None and proven.email is not None:
            found = directory.by_email(proven.email)
            # Of whom the directory says which account is theirs, an address proves nothing: it may have a new owner.
            return None if found is not None and found.openid_subject is not None else found
        return found

    async def _let_in(self, request: Request, person: Person, proven: Proven) -> Response:
        inbox, now = self._inbox, self._inbox.clock()
        before = inbox.cookies.get(request, inbox.cookie)
        async with inbox.sessions.begin() as session:
            cookie = await sign_in.enter(session, person, now, by="openid", before=before)
            await sign_in.forget_ended(session, now, idle=inbox.idle, longest=inbox.longest)
        answer = inbox.cookies.onward(request)
        inbox.cookies.put(answer, inbox.cookie, cookie, inbox.longest)
        hint = proven.id_token if len(proven.id_token) <= LONGEST_HINT else "none"
        inbox.cookies.put(answer, HINT, hint, inbox.longest, samesite="strict")
        inbox.cookies.drop(answer, WAY)
        return answer

    async def _refused(self, turned: TurnedAway) -> Response:
        """Say so, and leave a trace; of whom, we do not know."""
        detail = {"by": "openid", "reason": turned.reason.value, "step": turned.step}
        async with self._inbox.sessions.begin() as session:
            await audit.record(
                session,
                actor="palpate",
                action="refused a sign-in",
                about="sign-in",
                at=self._inbox.clock(),
                detail=detail,
            )
        answer = self._refuse(turned)
        self._inbox.cookies.drop(answer, WAY)
        return answer

    def _refuse(self, turned: TurnedAway) -> Response:
        log.warning("sign_in_refused", reason=turned.reason.value, step=turned.step)
        return self._inbox.says(*SAYS[turned.reason])
