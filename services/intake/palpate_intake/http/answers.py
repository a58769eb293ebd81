"""What the HTTP intake answers.  Nothing here holds PHI: ids, positions, pointers and reasons."""

from datetime import datetime
from typing import Literal

from palpate_schemas.rejection import RejectionError
from palpate_schemas.values import Wire
from palpate_schemas.verdict import ClaimVerdict, SourceEvent


class Notice(Wire):
    """Something odd in how a file is put together that did not keep the claim from being read."""

    code: str
    position: str
    message: str


class ClaimResult(Wire):
    """What became of one claim of a request."""

    position: str
    """Where in the body it stands, e.g. `line 3`, `segment 41`, `Bundle.entry[2]`."""
    status: Literal["accepted", "rejected"]
    claim_id: str | None = None
    version: int | None = None
    event: SourceEvent | None = None
    """The event that it was published as: its verdict names it again.  Sent again, it is the same event."""
    location: str | None = None
    """Where its verdict will be."""
    errors: tuple[RejectionError, ...] = ()
    """Why it was rejected, by pointer into the claim or the event."""
    notices: tuple[Notice, ...] = ()


class Taken(Wire):
    """202: at least one claim is on the stream."""

    accepted: int
    rejected: int
    claims: tuple[ClaimResult, ...]


class AcceptedEvent(Wire):
    """The last event of a claim that came over HTTP."""

    id: str
    version: int


class Rejection(Wire):
    """Why an event of a claim could not be read after it had been published."""

    source_event: SourceEvent | None = None
    errors: tuple[RejectionError, ...]


class ClaimStatus(Wire):
    """What is known of a claim."""

    claim_id: str
    status: Literal["waiting", "passed", "failed", "rejected"]
    """`waiting`: the event that was accepted last has no verdict yet."""
    accepted: AcceptedEvent | None = None
    verdict: ClaimVerdict | None = None
    """The verdict on the newest version that was judged."""
    verdict_at: datetime | None = None
    rejection: Rejection | None = None


class Problem(Wire):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str = ""
    claims: tuple[ClaimResult, ...] = ()
    """Each claim that was read before the problem, with what became of it: those accepted are on the stream.  Sending
    the whole body again changes nothing about them."""
