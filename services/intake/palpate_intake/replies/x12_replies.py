"""Replies in the order of what was read: one interchange for each that is answered, closed when the next one begins.

What is kept in memory is one transaction's (277CA) or one group's (999) worth of segments.
"""

from collections.abc import Iterable
from typing import Protocol

from palpate_intake.outcome import Envelope, ReadClaim, Unreadable
from palpate_intake.replies.stamp import CannotAnswer, Stamp
from palpate_intake.replies.x12_writer import Kind, Writer
from palpate_schemas.finding import Finding

Read = ReadClaim | Unreadable


class Body(Protocol):
    """What one reply transaction says, gathered claim by claim."""

    def add(self, read: Read, findings: Iterable[Finding]) -> None:
        """One claim more."""
        ...

    def segments(self, number: int) -> Iterable[str]:
        """The text between ST and SE, in pieces of whole segments, of the reply transaction of that number."""
        ...


class Form(Protocol):
    """A kind of reply: what it answers in one transaction, and how."""

    @property
    def kind(self) -> Kind:
        """Its names in the envelopes."""
        ...

    def answers(self, envelope: Envelope) -> tuple[object, ...]:
        """What claims have in common that one transaction of the reply answers together."""
        ...

    def body(self, envelope: Envelope, writer: Writer, stamp: Stamp, control: int) -> Body:
        """A new transaction of the reply."""
        ...


class X12Replies:
    """One form of reply to whatever is read."""

    def __init__(self, form: Form, stamp: Stamp) -> None:
        self._form, self._stamp = form, stamp
        self._control = stamp.control - 1
        self._writer: Writer | None = None
        self._body: Body | None = None
        self._interchange: tuple[object, ...] = ()
        self._answers: tuple[object, ...] = ()
        self._transactions = 0

    def add(self, file: str, read: Read, findings: Iterable[Finding] = ()) -> str:
        """Take what was said of one claim; returns the text that is finished by it, which is often none.

        Args:
            file: Where it was read; claims come in the order of their files.
            read: What was read.
            findings: What the rule book says of it; none for what could not be read.

        Raises:
            CannotAnswer: the claim came in no interchange, so that there is nobody to answer.
        """
        envelope = _answerable(file, read)
        text = ""
        interchange = (file, envelope.interchange_segment)
        if interchange != self._interchange:
            text = self.end() + self._begin(envelope)
            self._interchange = interchange
        answers = self._form.answers(envelope)
        if self._body is None or answers != self._answers:
            text += self._finish()
            self._body = self._form.body(envelope, self._opened(), self._stamp, self._control)
            self._answers = answers
        self._body.add(read, findings)
        return text

    def end(self) -> str:
        """What is left to write, and the closing envelopes; nothing where nothing was answered."""
        if self._writer is None:
            return ""
        text = self._finish() + self._writer.ends(self._transactions, self._control)
        self._writer, self._interchange = None, ()
        return text

    def _begin(self, envelope: Envelope) -> str:
        self._writer = Writer(envelope.delimiters)
        self._control += 1
        self._transactions = 0
        opening = self._writer.interchange(envelope, self._stamp, self._control)
        return opening + self._writer.group(self._form.kind, envelope, self._stamp, self._control)

    def _finish(self) -> str:
        body, self._body = self._body, None
        if body is None:
            return ""
        self._transactions += 1
        return self._opened().transaction(self._form.kind, self._transactions, body.segments(self._transactions))

    def _opened(self) -> Writer:
        assert self._writer is not None, "segments are written inside an interchange"  # noqa: S101 - for the type
        return self._writer


def _answerable(file: str, read: Read) -> Envelope:
    envelope = read.envelope
    if envelope is None:
        raise CannotAnswer(
            f"{file}: {read.position}: no X12 interchange holds this, so no X12 reply can answer it; "
            "`--format operationoutcome` and `--format json` answer everything"
        )
    if not envelope.interchange_control:
        raise CannotAnswer(f"{file}: {read.position}: there is no ISA, so nobody can be answered: send it with its ISA")
    return envelope
