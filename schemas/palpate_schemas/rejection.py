"""An event that could not be read as a claim: the `data` of `claim.rejected`."""

from palpate_schemas.values import Wire
from palpate_schemas.verdict import SourceEvent


class RejectionError(Wire):
    """One reason, and where in the event it lies."""

    pointer: str
    """RFC 6901 pointer into the event; empty for the event as a whole."""
    reason: str
    """What is wrong there and what would be right.  It never repeats the value that was sent."""


class ClaimRejection(Wire):
    """Why an event was not judged, and the event itself so that nothing is lost."""

    stream_entry: str
    """`<stream>/<entry id>` of the event."""
    source_event: SourceEvent | None = None
    """The event's identity, where it could be read."""
    claim_id: str | None = None
    errors: tuple[RejectionError, ...]
    original_base64: str
    """The bytes as they were sent, base64.  They may hold PHI: this stream is for the PMS that sent them."""
