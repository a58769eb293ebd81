"""The pages before one is signed in: asking for a link, opening it, pressing the button; and going out again."""

import structlog
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from palpate_notifier.channels import email
from palpate_notifier.directory import Person
from palpate_notifier.inbox import sign_in, wording
from palpate_notifier.inbox.web import Asked, Inbox, form_of, is_ours
from palpate_notifier.tables import Delivery
from palpate_runtime.attempt import Sent

log = structlog.stdlib.get_logger()

# Nothing of a link is ever written here: a path with a token in it is a token.


class Door:
    """The way in."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def show(self, _request: Request) -> Response:
        """The ways in that there are."""
        inbox = self._inbox
        return inbox.page(
            "sign_in.html",
            visitor=None,
            form_token="",
            provider=inbox.provider_name,
            mails_links=inbox.settings.mails_links,
        )

    async def ask(self, request: Request) -> Response:
        """Mail a link.  The answer is the same whoever asks, so that nobody learns who works here."""
        form = await form_of(request) if is_ours(request.headers) else None
        if form is None:
            return self._inbox.says(403, "Nothing was sent", "The form did not come from this page. Open it anew.")
        if not self._inbox.asked.allows(request.client.host if request.client else "", self._inbox.clock()):
            return self._inbox.says(429, "Please wait a little", "Too many links were asked for from here.")
        address = form.get("email")
        person = self._inbox.directory.by_email(address) if isinstance(address, str) else None
        task = None if person is None else BackgroundTask(self._mail, person)
        answer = self._inbox.page("sign_in_sent.html", visitor=None, form_token="")
        answer.background = task
        return answer

    async def look(self, request: Request) -> Response:
        """What a link opens: a button.  Mail scanners open links; they press no buttons."""
        async with self._inbox.sessions.begin() as session:
            works = await sign_in.still_works(session, request.path_params["token"], self._inbox.clock())
        return self._inbox.page("link.html", visitor=None, form_token="") if works else self._used_up()

    async def enter(self, request: Request) -> Response:
        """Use the link up and sign in."""
        if not is_ours(request.headers):
            return self._inbox.says(403, "You are not signed in", "Open the link in the mail anew.")
        inbox, now = self._inbox, self._inbox.clock()
        async with inbox.sessions.begin() as session:
            person = await sign_in.consume(session, request.path_params["token"], inbox.directory, now)
            if person is None:
                return self._used_up()
            before = inbox.cookies.get(request, inbox.cookie)
            cookie = await sign_in.enter(session, person, now, by="link", before=before)
            await sign_in.forget_ended(session, now, idle=inbox.idle, longest=inbox.longest)
        answer = inbox.cookies.onward(request)
        inbox.cookies.put(answer, inbox.cookie, cookie, inbox.longest)
        return answer

    async def leave(self, asked: Asked) -> Response:
        """Sign out."""
        await sign_in.sign_out(asked.session, asked.cookie, asked.visitor.person, asked.now)
        # A provider is told by a request of its own: while this one writes, nobody waits for another machine.
        answer = RedirectResponse("/sign-in/openid/end" if self._inbox.provider_name else "/sign-in", 303)
        self._inbox.cookies.drop(answer, self._inbox.cookie)
        return answer

    def leave_again(self, request: Request) -> Response:
        """Sign out where the session has ended by itself: at the provider it has not."""
        if self._inbox.provider_name is None or not is_ours(request.headers):
            return self._inbox.cookies.to_the_door(request)
        return RedirectResponse("/sign-in/openid/end", 303)

    def _used_up(self) -> Response:
        return self._inbox.says(
            410, "This link no longer works", "It works once, for 15 minutes. Ask for a new one on the sign-in page."
        )

    async def _mail(self, person: Person) -> None:
        inbox, now = self._inbox, self._inbox.clock()
        async with inbox.sessions.begin() as session:
            token = await sign_in.new_link(session, person, now)
        if token is None:
            log.info("sign_in_link_withheld", reason="asked for too often")
            return
        until = wording.moment(now + sign_in.LINK_LASTS, inbox.directory.zone_of(person))
        link = f"{inbox.address}/sign-in/{token}"
        await self._send(sign_in.letter(person, link, until, now=now, domain=inbox.settings.mail_domain))

    async def _send(self, mail: Delivery) -> None:
        attempt = await email.send(mail, self._inbox.settings)
        if attempt.sent is not Sent.ACCEPTED:
            log.warning("sign_in_link_not_sent", outcome=attempt.sent.value, smtp_code=attempt.detail)
