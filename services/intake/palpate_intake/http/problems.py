"""What is answered when something is wrong: RFC 9457 problem details, each kind said once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from palpate_intake.http.answers import ClaimResult, Problem

MEDIA_TYPE = "application/problem+json"
SAFE_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, and what is always true of it."""

    name: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """By which a program knows it."""
        return f"urn:palpate:problem:{self.name}"


WRONG_MODE = Kind("wrong-mode", 400, "The request is not written as its content type says")
NO_KEY = Kind("no-key", 401, "This needs the key of a source")
NOT_YOURS = Kind("not-yours", 403, "These claims are not this source's to send")
NOT_FOUND = Kind("not-found", 404, "There is nothing here")
WRONG_METHOD = Kind("wrong-method", 405, "This address does not do that")
TOO_SLOW = Kind("too-slow", 408, "The body did not arrive in time")
TOO_LARGE = Kind("too-large", 413, "The body is too large")
WRONG_TYPE = Kind("wrong-type", 415, "This content type is not read here")
UNREADABLE = Kind("unreadable", 422, "No claim of this body can be taken in")
TOO_MANY = Kind("too-many", 429, "Too many requests")
BROKEN = Kind("broken", 500, "Something went wrong here")
AWAY = Kind("away", 503, "The stream cannot be written to at the moment")
BUSY = Kind("busy", 503, "All that read bodies here are reading others")

_OTHERS = {404: NOT_FOUND, 405: WRONG_METHOD}


class Refused(Exception):
    """A request is answered with a problem.  The text is written here, and repeats nothing that was sent."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        claims: tuple[ClaimResult, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.claims, self.headers = kind, detail, claims, dict(headers or {})

    def answer(self) -> JSONResponse:
        """As it goes over the wire."""
        problem = Problem(
            type=self.kind.uri,
            title=self.kind.title,
            status=self.kind.status,
            detail=self.detail,
            claims=self.claims,
        )
        return JSONResponse(
            problem.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
            status_code=self.kind.status,
            media_type=MEDIA_TYPE,
            headers={**SAFE_HEADERS, **self.headers},
        )


def of_status(status: int, headers: Mapping[str, Any] | None) -> Refused:
    """The problem for a status that the router chose."""
    kind = _OTHERS.get(status, Kind("refused", status, "The request was refused"))
    details = {404: "see /openapi.json for what is there", 405: "see the header Allow for what it does"}
    return Refused(kind, details.get(status, ""), headers=headers)
