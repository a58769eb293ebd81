"""X12 837P (005010X222, A1, A2 and 004010X098) as claims, one by one, from a stream of any length.

What is odd in the envelopes is noted with the claim before it, or with the first claim after it where there is none
before.  Nothing raises for what a file holds; a claim whose transaction breaks off is refused, because it may have lost
lines.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import BinaryIO

from palpate_intake.hints import NO_HINTS, Hints
from palpate_intake.outcome import Envelope, Outcome, StructureFinding, unreadable
from palpate_intake.party import Party, party_of
from palpate_intake.x12_claim import DIAGNOSIS_QUALIFIERS, Gathered, Line, Subscriber, claim_of, day, span
from palpate_intake.x12_segments import Segments, words

MOST_LINES = 51
"""One more than a claim may have: enough for the contract to refuse it, and a bound on what is kept."""

_COMPOSITE = re.compile(r"[0-9]{2}([^\w\s])[AB]?\1[0-9]")
_MOST_NOTES = 100
_LONGEST_NOTE = 500
_PROVIDERS = frozenset({"82", "DN", "P3", "DK", "DQ"})
_OTHER_GUIDES = {"X223": "institutional", "X096": "institutional", "X224": "dental", "X097": "dental"}
_CUT_OFF = "the transaction breaks off without its SE segment, so this claim may have lost lines: send the file again"
_OUTSIDE = "this CLM stands outside a transaction (no ST before it), so who bills and who pays is not known"


def read_x12(stream: BinaryIO, file: str, hints: Hints = NO_HINTS) -> Iterator[Outcome]:
    """Every claim of an 837P.

    Args:
        stream: The file, from its beginning.
        file: Its name, for the outcomes.
        hints: What the caller knows besides.

    Yields:
        One outcome for each CLM segment; one `Unreadable` for a file that has none.
    """
    segments = Segments(stream)
    reader = _Reader(file, hints, segments)
    for elements in segments:
        step = reader.steps.get(elements[0])
        reader.count += 1
        if step is not None:
            step(elements)
            if reader.ready:
                yield from reader.ready
                reader.ready.clear()
    yield from reader.finish()


class _Reader:
    """Where in the loops of the 837P the reading stands."""

    def __init__(self, file: str, hints: Hints, segments: Segments) -> None:
        self._file, self._hints, self._segments = file, hints, segments
        self.ready: list[Outcome] = []
        """Claims with everything that will be known of them."""
        self.count = 0
        """Segments since ST, with ST."""
        self._held: Outcome | None = None
        """The last claim read; what is found next about its envelope is noted with it."""
        self._late: list[StructureFinding] = []
        self._envelope = Envelope()
        self._groups = self._transactions = 0
        self._open: set[str] = set()
        self._other_transaction = False
        self._guide = ""
        self._written_on: date | None = None
        self._written_at: datetime | None = None
        self._receiver: Party | None = None
        self._billing: Party | None = None
        self._billing_taxonomy: str | None = None
        self._subscriber = Subscriber()
        self._party: Party | None = None
        """The party of the last NM1, which a PRV is about."""
        self._claim: Gathered | None = None
        self._line: Line | None = None
        self._other_payer = False
        """Inside loop 2320: what it names is another payer's view."""
        self.steps: dict[str, Callable[[list[str]], None]] = {
            "ISA": self._isa, "GS": self._gs, "ST": self._st, "SE": self._se, "GE": self._ge, "IEA": self._iea,
            "BHT": self._bht, "HL": self._hl, "SBR": self._sbr, "PAT": self._pat, "DMG": self._dmg, "NM1": self._nm1,
            "PRV": self._prv, "REF": self._ref, "CLM": self._clm, "HI": self._hi, "DTP": self._dtp, "NTE": self._nte,
            "PWK": self._pwk, "LX": self._lx, "SV1": self._sv1, "SV2": self._sv2, "SV3": self._sv3,
        }  # fmt: skip

    # -- envelopes ------------------------------------------------------------------------------------------------

    def _isa(self, elements: list[str]) -> None:
        self._close("ISA", "GS", "ST")
        self._open.add("ISA")
        self._groups = 0
        self._envelope = Envelope(
            sender=_at(elements, 6),
            receiver=_at(elements, 8),
            interchange_control=_at(elements, 13),
            sender_qualifier=_at(elements, 5),
            receiver_qualifier=_at(elements, 7),
            usage=_at(elements, 15),
            interchange_segment=self._segments.number,
            delimiters=self._segments.delimiters,
        )

    def _gs(self, elements: list[str]) -> None:
        self._close("GS", "ST")
        self._without("ISA", "interchange-missing", "There is no ISA: its delimiters were guessed.")
        self._open.add("GS")
        self._groups += 1
        self._transactions = 0
        self._envelope = replace(
            self._envelope,
            group_control=_at(elements, 6),
            version=_at(elements, 8),
            group_version=_at(elements, 8),
            group_segment=self._segments.number,
            group_sender=_at(elements, 2),
            group_receiver=_at(elements, 3),
        )

    def _st(self, elements: list[str]) -> None:
        self._close("ST")
        self._without("ISA", "interchange-missing", "There is no ISA: its delimiters were guessed.")
        self._open.add("ST")
        self._transactions += 1
        self.count = 1
        self._other_transaction = _at(elements, 1) != "837"
        if self._other_transaction:
            self._odd("transaction-other", "This transaction is not an 837 and was not read.")
        version = _at(elements, 3) or self._envelope.version
        self._guide = _guide(version)
        self._envelope = replace(
            self._envelope,
            transaction_control=_at(elements, 2),
            version=version,
            transaction_segment=self._segments.number,
            reference="",
            submitter="",
        )
        self._billing = self._receiver = self._written_on = self._written_at = None
        self._subscriber = Subscriber()

    def _se(self, elements: list[str]) -> None:
        if "ST" not in self._open:
            self._odd("transaction-unopened", "SE closes a transaction that no ST opened.")
            return
        self._finish_claim()
        if not _same_count(elements, self.count):
            self._odd("segment-count", f"SE01 is not the number of segments of the transaction, {self.count}.")
        if _at(elements, 2) != self._envelope.transaction_control:
            self._odd("transaction-control", "SE02 is not the control number of ST02.")
        self._open.discard("ST")

    def _ge(self, elements: list[str]) -> None:
        self._close("ST")
        if "GS" not in self._open:
            self._odd("group-unopened", "GE closes a group that no GS opened.")
            return
        if not _same_count(elements, self._transactions):
            self._odd("transaction-count", f"GE01 is not the number of transactions, {self._transactions}.")
        if _at(elements, 2) != self._envelope.group_control:
            self._odd("group-control", "GE02 is not the control number of GS06.")
        self._open.discard("GS")

    def _iea(self, elements: list[str]) -> None:
        self._close("GS", "ST")
        if "ISA" not in self._open:
            self._odd("interchange-unopened", "IEA closes an interchange that no ISA opened.")
            return
        if not _same_count(elements, self._groups):
            self._odd("group-count", f"IEA01 is not the number of groups of the interchange, {self._groups}.")
        if _at(elements, 2) != self._envelope.interchange_control:
            self._odd("interchange-control", "IEA02 is not the control number of ISA13.")
        self._open.discard("ISA")

    def _close(self, *opened: str) -> None:
        """What should have been closed before this segment, innermost first."""
        if "ST" in opened and "ST" in self._open:
            if self._claim is not None:
                self._claim.refused = _CUT_OFF
            self._finish_claim()
            self._odd("transaction-unclosed", "The transaction has no SE.")
            self._open.discard("ST")
        self._finish_claim()
        if "GS" in opened and "GS" in self._open:
            self._odd("group-unclosed", "The group has no GE.")
            self._open.discard("GS")
        if "ISA" in opened and "ISA" in self._open:
            self._odd("interchange-unclosed", "The interchange has no IEA.")
            self._open.discard("ISA")

    def _without(self, opened: str, code: str, message: str) -> None:
        if opened not in self._open and not self._envelope.group_control and not self._transactions:
            self._odd(code, message)

    def finish(self) -> Iterator[Outcome]:
        """The end of the file: what is still open, and the claims that are left."""
        self._close("ISA", "GS", "ST")
        if self._segments.dropped:
            self._odd("terminator-missing", "Data without a segment terminator was thrown away.")
        if self._held is None and not self.ready:
            nothing = unreadable(
                self._file, f"segment {self._segments.number}", "there is no claim (CLM segment) in this file"
            )
            self._held = nothing
        self._release()
        yield from self.ready
        if self._segments.given_up is not None:
            yield unreadable(self._file, f"segment {self._segments.number + 1}", self._segments.given_up)

    # -- who bills, who is treated, who pays ----------------------------------------------------------------------

    def _bht(self, elements: list[str]) -> None:
        self._envelope = replace(self._envelope, reference=_at(elements, 3))
        self._written_on = day(_at(elements, 4))
        clock = _at(elements, 5)
        if self._written_on is not None and clock[:4].isascii() and clock[:4].isdigit() and len(clock) >= 4:
            hour, minute = int(clock[:2]), int(clock[2:4])
            if hour < 24 and minute < 60:
                on = self._written_on
                # The sender's own clock: an 837 has no time zone.
                self._written_at = datetime(on.year, on.month, on.day, hour, minute)  # noqa: DTZ001

    def _hl(self, elements: list[str]) -> None:
        self._finish_claim()
        self._party = None
        level = _at(elements, 3)
        if level == "20":
            self._billing, self._billing_taxonomy, self._subscriber = None, None, Subscriber()
        elif level == "22":
            self._subscriber = Subscriber()
        elif level == "23":
            self._subscriber = replace(
                self._subscriber, is_patient=False, patient=None, birth_date=None, sex=None, death_date=None
            )

    def _sbr(self, elements: list[str]) -> None:
        if self._claim is not None:
            self._other_payer, self._line, self._party = True, None, None
            return
        self._subscriber.is_patient = _at(elements, 2) == "18"
        self._subscriber.filing_indicator = _at(elements, 9)

    def _pat(self, elements: list[str]) -> None:
        if self._claim is None and _at(elements, 5) == "D8":
            self._subscriber.death_date = day(_at(elements, 6))

    def _dmg(self, elements: list[str]) -> None:
        if self._claim is not None:
            return
        sent = _at(elements, 2)
        self._subscriber.birth_date = day(sent)
        self._subscriber.sex = _at(elements, 3)[:1] or None
        if sent and self._subscriber.birth_date is None:
            self._odd("birth-date", "DMG02 is no date (CCYYMMDD): the birth date was not read.")

    def _nm1(self, elements: list[str]) -> None:
        role = _at(elements, 1)
        party = party_of(elements, self._segments.number)
        self._party = None
        if self._claim is None:
            self._name_around(role, party)
        elif role in _PROVIDERS and not self._other_payer:
            parties = self._line.parties if self._line is not None else self._claim.parties
            self._party = parties.setdefault(role, party)

    def _name_around(self, role: str, party: Party) -> None:
        if role == "85":
            party.taxonomy = self._billing_taxonomy
            self._billing = self._party = party
        elif role == "40":
            self._receiver = party
        elif role == "41":
            self._envelope = replace(self._envelope, submitter=party.identifier)
        elif role == "IL":
            self._subscriber.insured = party
        elif role == "QC":
            self._subscriber.patient = party
        elif role == "PR":
            self._subscriber.payer = party

    def _prv(self, elements: list[str]) -> None:
        role, taxonomy = _at(elements, 1), _at(elements, 3) or None
        if self._claim is None and role == "BI":
            self._billing_taxonomy = taxonomy
            if self._billing is not None:
                self._billing.taxonomy = taxonomy
        elif self._party is not None and role != "BI":
            self._party.taxonomy = taxonomy

    # -- the claim ------------------------------------------------------------------------------------------------

    def _clm(self, elements: list[str]) -> None:
        self._finish_claim()
        self._claim = Gathered(
            segment=self._segments.number,
            claim=elements[:20],
            delimiters=self._segments.delimiters,
            envelope=self._envelope,
            billing=self._billing,
            subscriber=self._subscriber,
            receiver=self._receiver,
            written_on=self._written_on,
            written_at=self._written_at,
        )
        self._line, self._party, self._other_payer = None, None, False
        if self._held is None:
            self._claim.structure, self._late = self._late, []
        self._trust_composite(self._claim)
        if "ST" not in self._open:
            self._claim.refused = _OUTSIDE
        elif self._guide:
            self._claim.refused = _not_professional(self._guide)

    def _trust_composite(self, claim: Gathered) -> None:
        """CLM05 always has components.  Where it has them by another separator than ISA16's, the claim is right."""
        used = _COMPOSITE.match(_at(claim.claim, 5))
        if used is not None and used.group(1) != claim.delimiters.component:
            claim.delimiters = replace(claim.delimiters, component=used.group(1))
            self._odd("component-separator", "The claim separates components by another character than ISA16.")

    def _finish_claim(self) -> None:
        claim, self._claim, self._line = self._claim, None, None
        if claim is None or self._other_transaction:
            return
        outcome = claim_of(claim, self._file, self._hints)
        self._release()
        self._held = outcome

    def _release(self) -> None:
        """Let the claim that was held go, with what has been found about its envelope since."""
        if self._held is None:
            return
        held, self._held = self._held, None
        if self._late:
            held = replace(held, structure=(*held.structure, *self._late))
            self._late = []
        self.ready.append(held)

    def _ref(self, elements: list[str]) -> None:
        qualifier, value = _at(elements, 1), _at(elements, 2)
        if self._claim is None:
            if qualifier == "87":
                self._guide = _guide(value)
        elif qualifier == "6R" and self._line is not None:
            self._line.control = words(value)[:50]
        elif qualifier in {"F8", "G1"} and value and not self._other_payer:
            self._claim.references.setdefault(qualifier, words(value)[:50])

    def _hi(self, elements: list[str]) -> None:
        claim = self._claim
        if claim is None:
            return
        for element in elements[1:13]:
            coded = claim.composite(element)
            if coded[0].strip() in DIAGNOSIS_QUALIFIERS and len(coded) > 1 and len(claim.diagnoses) < MOST_LINES:
                claim.diagnoses.append(coded[1].strip())
                claim.diagnosis_segment = claim.diagnosis_segment or self._segments.number

    def _dtp(self, elements: list[str]) -> None:
        if self._claim is None or self._other_payer or _at(elements, 1) != "472":
            return
        if self._line is None:
            self._claim.dates = span(elements)
        else:
            self._line.dates, self._line.date_segment = span(elements), self._segments.number

    def _nte(self, elements: list[str]) -> None:
        if self._claim is None:
            return
        notes = self._line.notes if self._line is not None else self._claim.notes
        if len(notes) < _MOST_NOTES:
            notes.append(words(_at(elements, 2))[:_LONGEST_NOTE])

    def _pwk(self, elements: list[str]) -> None:
        if self._claim is not None and len(self._claim.attachments) < _MOST_NOTES:
            self._claim.attachments.append(f"{_at(elements, 1)[:2]} {_at(elements, 2)[:2]}")

    def _lx(self, elements: list[str]) -> None:
        if self._claim is not None:
            self._other_payer = False
            self._open_line(_at(elements, 1))

    def _sv1(self, elements: list[str]) -> None:
        if self._claim is None:
            return
        if self._line is None or self._line.service:
            self._claim.odd("line-number-missing", self._segments.number, "SV1 has no LX before it.")
            self._open_line("")
        if self._line is not None:
            self._line.service, self._line.service_segment = elements[:12], self._segments.number

    def _open_line(self, sent: str) -> None:
        if self._claim is None:
            return
        number = sent if sent.isascii() and sent.isdigit() and len(sent) < 7 else str(len(self._claim.lines) + 1)
        self._line, self._party = Line(self._segments.number, number), None
        if len(self._claim.lines) < MOST_LINES:
            self._claim.lines.append(self._line)

    def _sv2(self, _elements: list[str]) -> None:
        if self._claim is not None:
            self._claim.refused = _not_professional("institutional")

    def _sv3(self, _elements: list[str]) -> None:
        if self._claim is not None:
            self._claim.refused = _not_professional("dental")

    def _odd(self, code: str, message: str) -> None:
        finding = StructureFinding(code, f"segment {self._segments.number}", message)
        if self._claim is not None:
            self._claim.odd(code, self._segments.number, message)
        elif len(self._late) < _MOST_NOTES:
            self._late.append(finding)


def _guide(version: str) -> str:
    return next((kind for mark, kind in _OTHER_GUIDES.items() if mark in version), "")


def _not_professional(kind: str) -> str:
    return f"this is an {kind} claim, and Palpate reads professional ones (837P)".replace("an dental", "a dental")


def _same_count(elements: list[str], counted: int) -> bool:
    return _at(elements, 1).lstrip("0") == str(counted)


def _at(elements: list[str], index: int) -> str:
    return elements[index].strip() if index < len(elements) else ""
