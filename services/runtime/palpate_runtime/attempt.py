"""How an attempt to reach somebody ended, whatever the channel."""

from dataclasses import dataclass
from enum import StrEnum


class Sent(StrEnum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    LATER = "later"
    """The server is away, or says to try again: nothing has been accepted."""
    REFUSED = "refused"
    """The server will never take this message."""
    UNKNOWN = "unknown"
    """The connection broke after the message was given over: it may have arrived."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one attempt.  `detail` is a code or an error's type, never a server's text: it may quote us."""

    sent: Sent
    detail: str | None = None
    bounced: bool = False
    """Refused because of the address: nothing will ever arrive there."""
