"""The X12 277CA (005010X214): which claims of a transaction are let through, and which are rejected for what.

Errors alone reject: warnings, notices and what could not be told are no part of it.  Each error is a claim-level STC
with its words in STC12; lines with errors of their own are repeated with up to three of their codes.  A patient's name
and member number stand as WITHHELD: the claim is known by its own number (TRN02).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from palpate_intake.outcome import Envelope, ReadClaim, Recognised
from palpate_intake.replies.claim_status import ClaimStatus, status_of, status_of_reason, status_table
from palpate_intake.replies.stamp import Stamp
from palpate_intake.replies.x12_replies import Body, Read
from palpate_intake.replies.x12_writer import WITHHELD, Element, Kind, Writer, amount, day
from palpate_schemas.claim import ServiceLine
from palpate_schemas.finding import Finding
from palpate_schemas.values import Outcome, Severity

ACCEPT, REJECT = "WQ", "U"
"""STC03."""
MOST_ON_A_LINE = 3
"""STC01, STC10 and STC11: the guide gives a line one STC."""
_LONGEST_WORDS = 264
_LONGEST_NUMBER = 50


class ClaimAcknowledgment:
    """One 277 for each 837 transaction."""

    kind = Kind(group="HN", transaction="277", guide="005010X214")

    def answers(self, envelope: Envelope) -> tuple[object, ...]:
        """A transaction, by where it stands in the file."""
        return (envelope.transaction_segment,)

    def body(self, envelope: Envelope, writer: Writer, stamp: Stamp, control: int) -> Body:
        """The answer to one transaction."""
        return _Answer(envelope, writer, stamp, control)


@dataclass(slots=True)
class _Tally:
    """How many claims, for how much."""

    claims: int = 0
    charge: Decimal = Decimal(0)

    def add(self, charge: Decimal) -> None:
        self.claims += 1
        self.charge += charge


@dataclass(slots=True)
class _Provider:
    """What is said of one billing provider's claims: each claim is the text of its segments after HL."""

    claims: list[str] = field(default_factory=list)
    accepted: _Tally = field(default_factory=_Tally)
    rejected: _Tally = field(default_factory=_Tally)


class _Answer:
    """One transaction's answer, gathered claim by claim."""

    def __init__(self, envelope: Envelope, writer: Writer, stamp: Stamp, control: int) -> None:
        self._envelope, self._write, self._stamp, self._control = envelope, writer.segment, stamp, control
        self._today = day(stamp.at.date())
        self._providers: dict[str, _Provider] = {}

    def add(self, read: Read, findings: Iterable[Finding]) -> None:
        """One claim more."""
        if isinstance(read, ReadClaim):
            self._add_read(read, [each for each in findings if _rejects(each)])
        else:
            statuses = list(dict.fromkeys(status_of_reason(reason) for reason in read.reasons))
            words = [reason.reason for reason in read.reasons[:1]]
            known = read.recognised
            self._place(
                known.billing_npi or "",
                known.charge or Decimal(0),
                self._unread(read.claim_id or "", known, statuses, words),
                rejected=True,
            )

    def _add_read(self, read: ReadClaim, errors: Sequence[Finding]) -> None:
        claim = read.claim
        charge = _charge(read)
        days = [each for line in claim.lines for each in (line.service_date, line.service_date_through) if each]
        segments = self._named(claim.claim_id)
        if errors:
            segments += [self._status(status_of(each), charge, f"{each.rule}: {each.message}") for each in errors]
        else:
            segments.append(self._status(status_table().accepted, charge, "", action=ACCEPT))
        segments.append(self._service_dates(min(days), max(days)))
        controls = read.unmapped.line_controls or ("",) * len(claim.lines)
        for line, control in zip(claim.lines, controls, strict=True):
            of_line = [each for each in errors if each.line_number == line.line_number]
            segments += self._line(line, control, of_line) if of_line else []
        self._place(claim.billing_provider.npi, charge, segments, rejected=bool(errors))

    def _unread(
        self, claim_id: str, known: Recognised, statuses: Sequence[ClaimStatus], words: Sequence[str]
    ) -> list[str]:
        charge = known.charge or Decimal(0)
        segments = self._named(claim_id or "0")
        segments += [self._status(each, charge, "".join(words) if n == 0 else "") for n, each in enumerate(statuses)]
        if known.first_day is not None and known.last_day is not None:
            segments.append(self._service_dates(known.first_day, known.last_day))
        return segments

    def _place(self, npi: str, charge: Decimal, segments: list[str], *, rejected: bool) -> None:
        provider = self._providers.setdefault(npi, _Provider())
        provider.claims.append("".join(segments))
        (provider.rejected if rejected else provider.accepted).add(charge)

    # -- the claim ------------------------------------------------------------------------------------------------

    def _named(self, claim_id: str) -> list[str]:
        return [
            self._write("NM1", "QC", "1", WITHHELD, "", "", "", "", "MI", WITHHELD),
            self._write("TRN", "2", claim_id[:_LONGEST_NUMBER]),
        ]

    def _status(self, status: ClaimStatus, charge: Decimal, words: str, *, action: str = REJECT) -> str:
        first, *more = status.composites()
        second: Element = more[0] if more else ""
        blanks = [""] * 5
        return self._write("STC", first, self._today, action, amount(charge), *blanks, second, "", _plain(words))

    def _service_dates(self, first: date, last: date) -> str:
        if first == last:
            return self._write("DTP", "472", "D8", day(first))
        return self._write("DTP", "472", "RD8", f"{day(first)}-{day(last)}")

    def _line(self, line: ServiceLine, control: str, errors: Sequence[Finding]) -> list[str]:
        composites = [composite for each in errors for composite in status_of(each).composites()]
        first, *more = list(dict.fromkeys(composites))[:MOST_ON_A_LINE]
        blanks = [""] * 6
        return [
            self._write(
                "SVC",
                ("HC", line.procedure_code, *line.modifiers[:4]),
                amount(line.charge or Decimal(0)),
                *[""] * 4,
                amount(line.units),
            ),
            self._write("STC", first, self._today, REJECT, *blanks, *more),
            self._write("REF", "FJ", control or str(line.line_number)),
            self._service_dates(line.service_date, line.service_date_through or line.service_date),
        ]

    # -- around the claims ----------------------------------------------------------------------------------------

    def segments(self, number: int) -> Iterable[str]:
        """All between ST and SE."""
        write, envelope = self._write, self._envelope
        mine = f"{self._control:09d}{number:04d}"
        yield write("BHT", "0085", "08", mine, self._today, f"{self._stamp.at:%H%M}", "TH")
        yield write("HL", "1", "", "20", "1")
        yield write("NM1", "AY", "2", "PALPATE", "", "", "", "", "46", envelope.receiver or "PALPATE")
        yield write("TRN", "1", mine)
        yield write("DTP", "050", "D8", self._today)
        yield write("DTP", "009", "D8", self._today)
        submitter = envelope.submitter or envelope.sender or "UNKNOWN"
        yield write("HL", "2", "1", "21", "1")
        yield write("NM1", "41", "2", submitter, "", "", "", "", "46", submitter)
        yield write("TRN", "2", (envelope.reference or envelope.transaction_control)[:_LONGEST_NUMBER])
        accepted, rejected = _sum(p.accepted for p in self._all()), _sum(p.rejected for p in self._all())
        received = status_table().received
        yield self._status(received, accepted.charge + rejected.charge, "", action=ACCEPT)
        yield from self._totals(accepted, rejected, ("90", "AA"))
        yield from self._levels()

    def _all(self) -> Iterable[_Provider]:
        return self._providers.values()

    def _levels(self) -> Iterable[str]:
        level = 2
        for npi, provider in self._providers.items():
            level += 1
            parent = str(level)
            yield from self._provider(npi, provider, parent)
            for claim in provider.claims:
                level += 1
                yield self._write("HL", str(level), parent, "PT")
                yield claim

    def _provider(self, npi: str, provider: _Provider, level: str) -> Iterable[str]:
        known = len(npi) == 10 and npi.isdigit()
        number = ("XX", npi) if known else ("SV", "MISSING")
        charge = provider.accepted.charge + provider.rejected.charge
        received = status_table().received.composites()[0]
        yield self._write("HL", level, "2", "19", "1")
        yield self._write("NM1", "85", "2", WITHHELD, "", "", "", "", *number)
        yield self._write("TRN", "1", "0")
        yield self._write("STC", received, "", ACCEPT, amount(charge))
        yield from self._totals(provider.accepted, provider.rejected, ("QA", "QC"))

    def _totals(self, accepted: _Tally, rejected: _Tally, qualifiers: tuple[str, str]) -> Iterable[str]:
        for tally, qualifier in ((accepted, qualifiers[0]), (rejected, qualifiers[1])):
            if tally.claims:
                yield self._write("QTY", qualifier, str(tally.claims))
        for tally, qualifier in ((accepted, "YU"), (rejected, "YY")):
            if tally.claims:
                yield self._write("AMT", qualifier, amount(tally.charge))


def _plain(words: str) -> str:
    """Words for STC12.  A colon is the usual component separator, and a reader would miss it without a stand-in."""
    return words.replace(": ", " - ")[:_LONGEST_WORDS]


def _sum(tallies: Iterable[_Tally]) -> _Tally:
    total = _Tally()
    for each in tallies:
        total.claims += each.claims
        total.charge += each.charge
    return total


def _charge(read: ReadClaim) -> Decimal:
    """CLM02 as it was sent, by which a sender may look for its claim; else the sum of the lines."""
    sent = read.unmapped.total_charge
    return sum((line.charge or Decimal(0) for line in read.claim.lines), Decimal(0)) if sent is None else sent


def _rejects(finding: Finding) -> bool:
    return finding.outcome is Outcome.VIOLATED and finding.severity is Severity.ERROR
