"""The inbox as an ASGI application: its pages, by address."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from palpate_notifier.database import AWAY, Sessions, is_away
from palpate_notifier.directory import Directory
from palpate_notifier.inbox.billing import apply, billing, export, preview
from palpate_notifier.inbox.case_list import my_cases
from palpate_notifier.inbox.case_page import act, case_page
from palpate_notifier.inbox.door import Door
from palpate_notifier.inbox.headers import SafeHeaders, headers_of
from palpate_notifier.inbox.manager import manager
from palpate_notifier.inbox.openid import Provider
from palpate_notifier.inbox.openid_door import OpenIdDoor
from palpate_notifier.inbox.operations import operations
from palpate_notifier.inbox.rule_page import RulePage
from palpate_notifier.inbox.rule_page import rule_page as show_rule
from palpate_notifier.inbox.web import STYLE, Inbox, for_members
from palpate_notifier.settings import NotifierSettings
from palpate_runtime.logs import describe

log = structlog.stdlib.get_logger()


def inbox_app(
    sessions: Sessions,
    directory: Directory,
    settings: NotifierSettings,
    clock: Callable[[], datetime],
    address: str,
    *,
    rule_page: RulePage | None = None,
) -> Starlette:
    """The inbox, to be mounted at the root.

    Args:
        sessions: Of a migrated database.
        directory: Who is who, and so who may see what.
        settings: The notifier's.
        clock: The time.
        address: Where people open it; decides between `https` with `__Host-` cookies and plain loopback.
        rule_page: Looks a rule's page up.
    """
    inbox = Inbox(sessions, directory, settings, clock, address.rstrip("/"), rule_page)
    door = Door(inbox)
    bills = attrgetter("bills")

    return Starlette(
        routes=[
            Route("/", for_members(inbox, my_cases)),
            Route("/sign-in", door.show),
            *_by_provider(inbox),
            *(_by_link(door) if settings.mails_links else ()),
            Route("/sign-out", for_members(inbox, door.leave, stranger=door.leave_again), methods=["POST"]),
            Route("/cases/{reference}", for_members(inbox, case_page)),
            Route("/cases/{reference}/{action}", for_members(inbox, act), methods=["POST"]),
            Route("/billing", for_members(inbox, billing, bills)),
            Route("/billing/preview", for_members(inbox, preview, bills), methods=["POST"]),
            Route("/billing/apply", for_members(inbox, apply, bills), methods=["POST"]),
            Route("/billing/export", for_members(inbox, export, bills), methods=["POST"]),
            Route("/manager", for_members(inbox, manager, attrgetter("manages"))),
            Route("/operations", for_members(inbox, operations, attrgetter("operates"))),
            Route("/rules/{rule}", for_members(inbox, show_rule)),
            Route("/static/inbox.css", _style),
        ],
        middleware=[Middleware(SafeHeaders, https=inbox.https, leads_to=settings.oidc_issuer)],
        exception_handlers=_when_it_fails(inbox),
    )


def _when_it_fails(inbox: Inbox) -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """Pages for what no page foresaw.  None of them says what an error says: its text may hold anything."""

    async def refused(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 400
        if status in {404, 405}:
            return inbox.says(status, "There is no such page", "It may have been moved, or it is not yours to see.")
        return inbox.says(status, "Nothing was changed", "What was sent is not what this page sends. Open it anew.")

    async def database_failed(request: Request, error: Exception) -> Response:
        if not is_away(error):
            return await broken(request, error)
        log.warning("database_away", **describe(error))
        return inbox.says(503, "Palpate is out for a moment", "Nothing was changed. Try again in a minute.")

    async def broken(_request: Request, error: Exception) -> Response:
        log.error("page_failed", **describe(error))
        text = "Nothing was changed, and whoever looks after Palpate can see that it happened."
        answer = inbox.says(500, "Something is wrong here", text)
        # This answer is made outside of what adds them to all others.
        answer.headers.update(headers_of(https=inbox.https, leads_to=inbox.settings.oidc_issuer))
        return answer

    return {
        HTTPException: refused,
        # A refused connection to PostgreSQL comes through SQLAlchemy as it is.
        **dict.fromkeys(AWAY, database_failed),
        Exception: broken,
    }


def _by_link(door: Door) -> list[Route]:
    return [
        Route("/sign-in", door.ask, methods=["POST"]),
        Route("/sign-in/{token}", door.look),
        Route("/sign-in/{token}", door.enter, methods=["POST"]),
    ]


def _by_provider(inbox: Inbox) -> list[Route]:
    settings = inbox.settings
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return []
    provider = Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
        inbox.clock,
        verified_claim=settings.oidc_verified_claim,
    )
    door = OpenIdDoor(inbox, provider)
    return [
        Route("/sign-in/openid", door.leave_for),
        Route("/sign-in/openid/return", door.come_back),
        Route("/sign-in/openid/end", door.end_there),
    ]


async def _style(_request: Request) -> Response:
    # Its address holds its hash, so that a new one is a new address.
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})
