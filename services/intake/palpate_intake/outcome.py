"""What reading a file gives, claim by claim: a claim and where it stands, or the reasons why there is none."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from palpate_intake.x12_segments import USUAL, Delimiters
from palpate_schemas.claim import Claim
from palpate_schemas.events import ClaimEvent
from palpate_schemas.rejection import RejectionError


class UnreadableStream(Exception):
    """A file could not be read on: it is missing, damaged, or larger than we read.  The text says which."""


@dataclass(frozen=True, slots=True)
class StructureFinding:
    """Something odd in how the file is put together that did not keep the claim from being read."""

    code: str
    """A constant name, e.g. `segment-count`; replies choose their status codes by it."""
    position: str
    message: str
    """Plain words.  It never repeats a value that was sent, except control numbers and counts."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The X12 envelopes around a claim, which a 999 or 277CA answers by their control numbers."""

    sender: str = ""
    receiver: str = ""
    interchange_control: str = ""
    group_control: str = ""
    transaction_control: str = ""
    version: str = ""
    transaction_segment: int = 0
    """Position of the ST segment, so that segments can be counted within the transaction."""
    interchange_segment: int = 0
    group_segment: int = 0
    """Positions of ISA and GS: senders repeat control numbers, and a place in the file is one alone."""
    sender_qualifier: str = ""
    receiver_qualifier: str = ""
    usage: str = ""
    """ISA15: `P` production, `T` test."""
    group_sender: str = ""
    group_receiver: str = ""
    group_version: str = ""
    """GS08; `version` is ST03 where the transaction says its own."""
    reference: str = ""
    """BHT03, the sender's own number of the transaction."""
    submitter: str = ""
    """NM109 of NM1*41, by which the receiver knows the submitter."""
    delimiters: Delimiters = USUAL


@dataclass(frozen=True, slots=True)
class Unmapped:
    """What a file says of a claim and the contract has no field for."""

    original_reference: str | None = None
    """The payer's number of the claim that this one replaces or voids (REF*F8)."""
    attachments: tuple[str, ...] = ()
    """Report type and transmission code of each attachment (PWK01/PWK02)."""
    total_charge: Decimal | None = None
    """CLM02."""
    line_controls: tuple[str, ...] = ()
    """The sender's own number of each line (REF*6R), in the order of the lines; empty where there is none."""
    notes: tuple[str, ...] = field(default=(), repr=False)
    """Free text (NTE02).  It is no visit note: it holds a few words, and may be PHI."""


Locate = Callable[[str], str | None]
"""From an RFC 6901 pointer into the claim to its place in the file, or None where that is not known."""


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """A claim as the contract has it, and where in the file each part of it stands."""

    claim: Claim
    file: str
    position: str
    """In words: `line 3`, `segment 41`, `Bundle.entry[2]`."""
    event: ClaimEvent | None = None
    """The whole event, where the file holds one; its `data` is `claim`."""
    structure: tuple[StructureFinding, ...] = ()
    written_at: datetime | None = None
    """When the sender wrote it: by the sender's clock (BHT04/05), with a zone where one is named (`Claim.created`)."""
    envelope: Envelope | None = None
    unmapped: Unmapped = Unmapped()
    locate: Locate = field(default=lambda _pointer: None, repr=False, compare=False)

    def line_position(self, pointer: str) -> str:
        """Where the part that a pointer names stands in the file; the nearest part around it where that is unknown."""
        while True:
            found = self.locate(pointer)
            if found is not None:
                return found
            if not pointer:
                return self.position
            pointer = pointer.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Recognised:
    """What is known of a claim of an 837P that could not be read, so that a 277CA can say which one it is."""

    billing_npi: str | None = None
    charge: Decimal | None = None
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A claim, or a whole file, that could not be read.  Reading goes on after it."""

    file: str
    position: str
    reasons: tuple[RejectionError, ...]
    """Pointers are into the claim, or into the event where the file holds one.  No reason repeats a value."""
    claim_id: str | None = None
    structure: tuple[StructureFinding, ...] = ()
    envelope: Envelope | None = None
    recognised: Recognised = Recognised()


Outcome = ReadClaim | Unreadable


def unreadable(file: str, position: str, reason: str, pointer: str = "") -> Unreadable:
    """The shape of most failures: one reason."""
    return Unreadable(file, position, (RejectionError(pointer=pointer, reason=reason),))
