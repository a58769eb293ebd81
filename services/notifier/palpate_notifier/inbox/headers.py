"""What every answer of the inbox tells the browser: run nothing, load nothing from elsewhere, keep nothing."""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: browsers then send `Origin: null` with our own forms, and the check of Origin would be blind.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


def headers_of(*, https: bool, leads_to: str | None) -> dict[str, str]:
    """The headers of every answer.

    Args:
        https: Whether browsers reach it by HTTPS.
        leads_to: The OpenID provider, to which the form that signs out leads on; Chromium holds redirects of a form
            against the policy, too.
    """
    parts = urlsplit(leads_to or "")
    forms = f"'self' {parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"
    # No script at all: every action works without one.
    policy = (
        f"default-src 'none'; style-src 'self'; img-src 'self'; form-action {forms}; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    safe = {"Content-Security-Policy": policy, **HEADERS, "Cache-Control": "no-store"}
    return safe | {"Strict-Transport-Security": "max-age=31536000"} if https else safe


class SafeHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp, *, https: bool, leads_to: str | None = None) -> None:
        self._app, self._headers = app, headers_of(https=https, leads_to=leads_to)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, headers added."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)
