"""The inbox's cookies: one way to set and to drop them, and the one that remembers where somebody was going.

By HTTPS every name has a prefix that binds the cookie to this host; plain HTTP on loopback cannot have one.
"""

import re
from datetime import timedelta
from typing import Literal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

NEXT = "palpate-next"
NEXT_LASTS = timedelta(minutes=15)
LONGEST_NEXT = 300
# A path of this host and nothing else: no second slash or backslash at its beginning, which would be another host.
_OUR_PATH = re.compile(r"/[A-Za-z0-9][A-Za-z0-9/_.~=&?%+-]*")


class Cookies:
    """Sets and drops cookies that no script reads and no other host gets."""

    def __init__(self, *, https: bool) -> None:
        self._https = https

    def name(self, plain: str) -> str:
        """A cookie's full name."""
        return f"__Host-{plain}" if self._https else plain

    def put(
        self,
        answer: Response,
        plain: str,
        value: str,
        lasts: timedelta,
        # Not `strict`: whoever comes from the link in a mail, or from their provider, would look signed out.
        samesite: Literal["lax", "strict"] = "lax",
    ) -> None:
        """Set one."""
        answer.set_cookie(
            self.name(plain),
            value,
            max_age=int(lasts.total_seconds()),
            path="/",
            secure=self._https,
            httponly=True,
            samesite=samesite,
        )

    def drop(self, answer: Response, plain: str) -> None:
        """Drop one."""
        answer.delete_cookie(self.name(plain), path="/", secure=self._https, httponly=True, samesite="lax")

    def get(self, request: Request, plain: str) -> str:
        """Its value, or an empty string."""
        return request.cookies.get(self.name(plain), "")

    def to_the_door(self, request: Request) -> RedirectResponse:
        """Send somebody to sign in, and remember where they were going.

        It is remembered in a cookie and not in the address: nobody can make up a link that leads on from here.
        """
        answer = RedirectResponse("/sign-in", 303)
        self.remember(answer, request)
        return answer

    def remember(self, answer: Response, request: Request) -> None:
        """Where somebody is to go on to: the page that they asked for, or of the case whose form they sent."""
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.method == "POST":
            wanted = request.url.path.rpartition("/")[0] if request.url.path.startswith("/cases/") else ""
        if is_our_path(wanted):
            self.put(answer, NEXT, wanted, NEXT_LASTS)

    def onward(self, request: Request) -> RedirectResponse:
        """Send somebody who has just signed in to where they were going."""
        wanted = self.get(request, NEXT)
        answer = RedirectResponse(wanted if is_our_path(wanted) else "/", 303)
        if wanted:
            self.drop(answer, NEXT)
        return answer


def is_our_path(text: str) -> bool:
    """Whether a text is a path of this host that somebody can be sent to."""
    return len(text) <= LONGEST_NEXT and _OUR_PATH.fullmatch(text) is not None
