"""X12 as text: segments, and the envelopes around a reply, in the delimiters of what it answers."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from palpate_intake.outcome import Envelope
from palpate_intake.replies.stamp import Stamp
from palpate_intake.x12_segments import Delimiters

Element = str | tuple[str, ...]
"""A value, or the components of a composite."""

WITHHELD = "WITHHELD"
"""Stands where the guide wants a name or a member number, which no reply tells."""

_MOST_CONTROL = 10**9


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of reply: its functional group, its transaction set and its guide."""

    group: str
    transaction: str
    guide: str


class Writer:
    """Segments in some delimiters.

    X12 has no way to escape a delimiter, so a character of a value that is one is written as a space.
    """

    def __init__(self, delimiters: Delimiters) -> None:
        self.delimiters = delimiters = _with_repetition(delimiters)
        marks = (delimiters.element, delimiters.component, delimiters.repetition, delimiters.terminator)
        self._blanked = str.maketrans(dict.fromkeys(marks, " "))
        self._ending = delimiters.terminator + ("" if delimiters.terminator in "\r\n" else "\n")

    def segment(self, *elements: Element) -> str:
        """One segment with its terminator; empty elements at its end are left out."""
        written = [self._element(each) for each in elements]
        while len(written) > 1 and not written[-1]:
            written.pop()
        return self.delimiters.element.join(written) + self._ending

    def _element(self, element: Element) -> str:
        if isinstance(element, str):
            return self._clean(element)
        return self.delimiters.component.join(self._clean(each) for each in element).rstrip(self.delimiters.component)

    def _clean(self, value: str) -> str:
        if not value.isascii():
            value = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode()
        value = value.translate(self._blanked)
        return value.strip() if value.isprintable() else " ".join("".join(_printable(value)).split())

    # -- envelopes ------------------------------------------------------------------------------------------------

    def interchange(self, answered: Envelope, stamp: Stamp, control: int) -> str:
        """ISA, back to whoever sent what is answered.  Its width is fixed, so nothing of it is left out."""
        marks = self.delimiters
        elements = (
            "ISA", "00", " " * 10, "00", " " * 10,
            (answered.receiver_qualifier or "ZZ")[:2].ljust(2), self._clean(answered.receiver)[:15].ljust(15),
            (answered.sender_qualifier or "ZZ")[:2].ljust(2), self._clean(answered.sender)[:15].ljust(15),
            f"{stamp.at:%y%m%d}", f"{stamp.at:%H%M}", marks.repetition, "00501",
            f"{control % _MOST_CONTROL:09d}", "0", answered.usage if answered.usage in {"P", "T"} else "P",
            marks.component,
        )  # fmt: skip
        return marks.element.join(elements) + self._ending

    def group(self, kind: Kind, answered: Envelope, stamp: Stamp, control: int) -> str:
        """GS."""
        return self.segment(
            "GS",
            kind.group,
            (answered.group_receiver or answered.receiver)[:15],
            (answered.group_sender or answered.sender)[:15],
            day(stamp.at.date()),
            f"{stamp.at:%H%M}",
            str(control % _MOST_CONTROL),
            "X",
            kind.guide,
        )

    def transaction(self, kind: Kind, number: int, body: Iterable[str]) -> str:
        """ST, a body of whole segments, and SE with their count: no value holds a terminator."""
        inside = "".join(body)
        control = f"{number:04d}"
        first = self.segment("ST", kind.transaction, control, kind.guide)
        count = inside.count(self.delimiters.terminator) + 2
        return f"{first}{inside}{self.segment('SE', str(count), control)}"

    def ends(self, transactions: int, control: int) -> str:
        """GE and IEA."""
        number = control % _MOST_CONTROL
        return self.segment("GE", str(transactions), str(number)) + self.segment("IEA", "1", f"{number:09d}")


def _with_repetition(delimiters: Delimiters) -> Delimiters:
    """What is answered in 4010 has no repetition separator, and a 5010 reply needs one."""
    if delimiters.repetition:
        return delimiters
    taken = {delimiters.element, delimiters.component, delimiters.terminator}
    return replace(delimiters, repetition=next(mark for mark in "^!|&" if mark not in taken))


def _printable(value: str) -> Iterable[str]:
    return (character if character.isprintable() else " " for character in value)


def day(each: date) -> str:
    """CCYYMMDD."""
    return f"{each:%Y%m%d}"


def amount(money: Decimal) -> str:
    """An X12 decimal: no exponent, and no zeros that say nothing."""
    plain = format(money, "f")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"
