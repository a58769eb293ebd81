"""CloudEvents 1.0 envelopes: every event of the contract, by its type."""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AwareDatetime, Field, StringConstraints

from palpate_schemas.claim import Claim
from palpate_schemas.correction import CorrectionStep
from palpate_schemas.rejection import ClaimRejection
from palpate_schemas.values import Wire
from palpate_schemas.verdict import ClaimVerdict

SCHEMA_URI = "urn:palpate:schema:{type}:1"
"""`dataschema` of an event type; the number rises when a field is renamed."""

MAX_EVENT_BYTES = 1_048_576
"""The most that a claim event may have: a claim of 50 lines with notes is some 50 KB; a megabyte is no claim."""

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1024)]
Data = TypeVar("Data")


class Event(Wire, Generic[Data]):
    """The CloudEvents attributes that Palpate reads and writes."""

    specversion: Literal["1.0"]
    id: Reference
    """Unique per event of its `source`; the pair is the idempotency key."""
    source: Reference
    """URI-reference of the emitter, e.g. `urn:pms:acme:clinic-7`."""
    type: str
    subject: str | None = None
    """The claim id."""
    time: AwareDatetime | None = None
    """When it was emitted, RFC 3339 with an offset."""
    datacontenttype: str = "application/json"
    dataschema: str | None = None
    traceparent: str | None = None
    """W3C trace context, carried on to every event that follows from this one."""
    data: Data


class ClaimEvent(Event[Claim]):
    """A claim was created, corrected or voided: what a PMS writes to `claims.created`."""

    type: Literal["claim.created", "claim.corrected", "claim.voided"]


class ClaimPassed(Event[ClaimVerdict]):
    """A claim passed, or is none of our business (`applicable` false)."""

    type: Literal["claim.passed"] = "claim.passed"


class ClaimFailed(Event[ClaimVerdict]):
    """A claim has at least one error."""

    type: Literal["claim.failed"] = "claim.failed"


class ClaimRejected(Event[ClaimRejection]):
    """An event could not be read as a claim."""

    type: Literal["claim.rejected"] = "claim.rejected"


class CorrectionEvent(Event[CorrectionStep]):
    """A step of a correction case: what the notifier writes to `corrections`."""

    type: Literal[
        "correction.requested",
        "correction.acknowledged",
        "correction.disputed",
        "correction.escalated",
        "correction.resolved",
        "correction.cancelled",
    ]


class DeadLetter(Wire):
    """What could not be handled after the last attempt: one entry of a `<stream>.dead`."""

    stream: str
    entry_id: str
    attempts: Annotated[int, Field(ge=1)]
    error: str
    """The kind of error and where it was raised; never its text, which may hold PHI."""
    given_up_at: datetime
    original_base64: str
    """The bytes as they were sent, base64."""
