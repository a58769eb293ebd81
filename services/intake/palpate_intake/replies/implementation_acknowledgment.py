"""The X12 999 (005010X231A1): which transactions of a group are accepted, and what of their syntax is wrong.

It answers what was read: transactions that hold claims.  A transaction is rejected when no claim of it could be read,
and accepted with errors when something of it is wrong.  The wrong value itself (IK404) is never repeated.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from palpate_intake.outcome import Envelope, ReadClaim
from palpate_intake.replies.stamp import Stamp
from palpate_intake.replies.syntax import SegmentError, segment_errors, syntax_table
from palpate_intake.replies.x12_replies import Body, Read
from palpate_intake.replies.x12_writer import Kind, Writer
from palpate_schemas.finding import Finding

ACCEPTED, WITH_ERRORS, PARTLY, REJECTED = "A", "E", "P", "R"
"""IK501 and AK901."""
SEGMENTS_IN_ERROR, GUIDE_NOT_SUPPORTED = "5", "I6"
"""IK502."""
_READ_GUIDES = ("X222", "X098")
_MOST_CODES = 5
_LONGEST_CLAIM_ID = 35
_LONGEST_LOOP = 4
"""X12 data element 447: `2010AA` is written `2010`."""


class ImplementationAcknowledgment:
    """One 999 for each functional group."""

    kind = Kind(group="FA", transaction="999", guide="005010X231A1")

    def answers(self, envelope: Envelope) -> tuple[object, ...]:
        """A group."""
        return (envelope.group_segment,)

    def body(self, envelope: Envelope, writer: Writer, stamp: Stamp, control: int) -> Body:
        """The answer to one group."""
        del stamp, control  # a 999 says of when and by whom nothing but its envelopes
        return _Answer(envelope, writer)


@dataclass(slots=True)
class _Transaction:
    """What was found of one transaction."""

    envelope: Envelope
    readable: int = 0
    unreadable: int = 0
    errors: list[tuple[SegmentError, str]] = field(default_factory=list)
    """Each with the number of its claim."""
    codes: dict[str, None] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        """IK501."""
        if not self.readable:
            return REJECTED
        return WITH_ERRORS if self.errors or self.codes or self.unreadable else ACCEPTED

    def answer_codes(self) -> list[str]:
        """IK502 to IK506."""
        codes = list(self.codes)
        if self.unreadable and not any(guide in self.envelope.version for guide in _READ_GUIDES):
            codes.append(GUIDE_NOT_SUPPORTED)
        elif self.errors or (self.unreadable and not codes):
            codes.append(SEGMENTS_IN_ERROR)
        return codes[:_MOST_CODES]


class _Answer:
    """One group's answer, gathered claim by claim."""

    def __init__(self, envelope: Envelope, writer: Writer) -> None:
        self._envelope, self._write = envelope, writer.segment
        self._transactions: list[_Transaction] = []
        self._codes: dict[str, None] = {}

    def add(self, read: Read, findings: Iterable[Finding]) -> None:
        """One claim more; what the rule book says of it is no matter of syntax."""
        del findings
        envelope = read.envelope or self._envelope
        transaction = self._transaction(envelope)
        transaction.readable += isinstance(read, ReadClaim)
        transaction.unreadable += not isinstance(read, ReadClaim)
        claim_id = (read.claim.claim_id if isinstance(read, ReadClaim) else read.claim_id) or ""
        transaction.errors += [(error, claim_id) for error in segment_errors(read, envelope)]
        table = syntax_table()
        for odd in read.structure:
            if odd.code in table.transactions:
                transaction.codes[table.transactions[odd.code]] = None
            if odd.code in table.groups:
                self._codes[table.groups[odd.code]] = None

    def _transaction(self, envelope: Envelope) -> _Transaction:
        last = self._transactions[-1] if self._transactions else None
        if last is None or last.envelope.transaction_segment != envelope.transaction_segment:
            last = _Transaction(envelope)
            self._transactions.append(last)
        return last

    def segments(self, number: int) -> Iterable[str]:
        """All between ST and SE."""
        del number
        version = self._envelope.group_version or "005010X222A1"
        yield self._write("AK1", "HC", self._envelope.group_control or "0", version[:12])
        for transaction in self._transactions:
            yield from self._of_transaction(transaction)
        answers = [transaction.answer for transaction in self._transactions]
        accepted = len(answers) - answers.count(REJECTED)
        yield self._write(
            "AK9",
            self._of_group(answers),
            str(len(answers)),
            str(len(answers)),
            str(accepted),
            *list(self._codes)[:_MOST_CODES],
        )

    def _of_group(self, answers: list[str]) -> str:
        if REJECTED in answers:
            return PARTLY if set(answers) != {REJECTED} else REJECTED
        return WITH_ERRORS if WITH_ERRORS in answers or self._codes else ACCEPTED

    def _of_transaction(self, transaction: _Transaction) -> Iterable[str]:
        envelope = transaction.envelope
        yield self._write("AK2", "837", envelope.transaction_control or "0000", envelope.version[:35])
        last: tuple[str, int, str] | None = None
        for error, claim_id in transaction.errors:
            here = (error.segment, error.position, error.code)
            if here != last:
                yield self._write("IK3", error.segment, str(error.position), error.loop[:_LONGEST_LOOP], error.code)
                if claim_id:
                    yield self._write("CTX", ("CLM01", claim_id[:_LONGEST_CLAIM_ID]))
                last = here
            if error.element:
                yield self._write("IK4", tuple(error.element.split(":")), error.reference, error.element_code)
        yield self._write("IK5", transaction.answer, *transaction.answer_codes())
