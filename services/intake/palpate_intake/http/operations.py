"""What the HTTP intake can be asked, each said once: the routes and the OpenAPI document both follow from this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from palpate_intake.http import problems
from palpate_intake.http.answers import ClaimStatus, Taken
from palpate_intake.http.bindings import EVENT, EVENT_HEADERS, EVENTS, FHIR, JSON, X12
from palpate_intake.http.problems import Kind
from palpate_schemas.claim import Claim
from palpate_schemas.events import ClaimEvent

Schema = Mapping[str, Any] | type[BaseModel]
"""A model, or a schema written out."""

_TEXT: Mapping[str, Any] = {"type": "string"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    answer: type[BaseModel]
    status: int
    problems: tuple[Kind, ...]
    accepts: Mapping[str, Schema] = field(default_factory=dict)
    """Content types, and what each holds."""
    parameters: tuple[Mapping[str, Any], ...] = ()
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of the answer."""


_ANYBODY = (problems.NO_KEY, problems.TOO_MANY, problems.BROKEN, problems.AWAY)
_SENDERS = (
    *_ANYBODY,
    problems.NOT_YOURS,
    problems.TOO_SLOW,
    problems.TOO_LARGE,
    problems.BUSY,
    problems.WRONG_TYPE,
    problems.UNREADABLE,
)
_LOCATION: Mapping[str, Mapping[str, Any]] = {
    "Location": {
        "description": "Where the verdict will be, when the request held one claim; else see `location` of each.",
        "schema": _TEXT,
    }
}
_FHIR_RESOURCE: Mapping[str, Any] = {
    "type": "object",
    "description": "A FHIR R4 Claim, or a Bundle with claims among its entries.",
    "properties": {"resourceType": {"enum": ["Claim", "Bundle"]}},
    "required": ["resourceType"],
}

SEND_EVENTS = Operation(
    name="sendEvents",
    method="POST",
    path="/events",
    summary="Send claim events",
    description=(
        "CloudEvents 1.0, one (structured), several (batch), or one whose attributes are headers and whose data is the "
        "body (binary). An event's source must be the key's own."
    ),
    accepts={EVENT: ClaimEvent, EVENTS: {"type": "array", "items": ClaimEvent, "minItems": 1}, JSON: Claim},
    parameters=tuple(
        {"name": name, "in": "header", "required": False, "schema": _TEXT, "description": "Binary mode."}
        for name in EVENT_HEADERS
    ),
    answer=Taken,
    status=202,
    headers=_LOCATION,
    problems=(problems.WRONG_MODE, *_SENDERS),
)
SEND_FHIR = Operation(
    name="sendFhir",
    method="POST",
    path="/fhir/Claim",
    summary="Send claims as FHIR",
    description="A FHIR R4 Claim or Bundle; minutes and notes by Palpate's convention for supportingInfo.",
    accepts={FHIR: _FHIR_RESOURCE, JSON: _FHIR_RESOURCE},
    answer=Taken,
    status=202,
    headers=_LOCATION,
    problems=_SENDERS,
)
SEND_X12 = Operation(
    name="sendX12",
    method="POST",
    path="/x12",
    summary="Send claims as X12",
    description="An X12 837P of any number of claims, read while it arrives.",
    accepts=dict.fromkeys(X12, _TEXT),
    answer=Taken,
    status=202,
    headers=_LOCATION,
    problems=_SENDERS,
)
SHOW_CLAIM = Operation(
    name="showClaim",
    method="GET",
    path="/claims/{claim_id}",
    summary="Ask for a claim's verdict",
    description="The newest verdict on a claim of the key's source. Other sources' claims are not there.",
    parameters=(
        {
            "name": "claim_id",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
            "description": "The claim number, percent-encoded.",
        },
    ),
    answer=ClaimStatus,
    status=200,
    problems=(*_ANYBODY, problems.NOT_FOUND),
)

OPERATIONS = (SEND_EVENTS, SEND_FHIR, SEND_X12, SHOW_CLAIM)
