"""Claims as an 837P (005010X222A1), by a writer that shares nothing with the reader.

Which element a field goes to is said here once more, from the implementation guide; the envelopes, their counts and the
separators are pyx12's.  `carried` is what is left of a claim when it has gone through an 837P.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from palpate_schemas.claim import BillingProvider, Claim, Payer, Performance, PriorAuthorization, Provider, ServiceLine
from palpate_schemas.values import Program

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyx12.segment
    import pyx12.x12file

FILING_INDICATORS = {
    None: "ZZ",
    Program.MEDICARE: "MB",
    Program.MEDICARE_ADVANTAGE: "16",
    Program.MEDICAID: "MC",
    Program.TRICARE: "CH",
    Program.VA: "VA",
    Program.COMMERCIAL: "CI",
    Program.WORKERS_COMP: "WC",
    Program.AUTO: "AM",
}
NO_DATE = date(2026, 11, 19)
MOST_MODIFIERS = MOST_POINTERS = 4


@dataclass(frozen=True)
class Separators:
    """What one interchange is written with."""

    element: str = "*"
    component: str = ":"
    terminator: str = "~"
    line_end: str = "\n"


USUAL = Separators()


@dataclass(frozen=True)
class Sent:
    """A claim with what an 837P says besides."""

    claim: Claim
    member: str
    """The subscriber's member number."""
    dependent: bool = False
    """Whether the patient is the subscriber's dependent (loop 2000C), who then needs a birth date."""
    original_reference: str = "ICN-1"
    """The payer's number of the claim that is replaced or voided."""


def write_837p(claims: Sequence[Sent], separators: Separators = USUAL, version: str = "005010X222A1") -> str:
    """One interchange with all claims, a transaction for each day that they were written on."""
    out = io.StringIO()
    writing = _Writing(out, separators)
    writing.segment("ISA", "00", " " * 10, "00", " " * 10, "ZZ", "SENDER".ljust(15), "ZZ", "RECEIVER".ljust(15),
                    "261119", "0930", "^", "00501", "000000001", "0", "T", separators.component)  # fmt: skip
    writing.segment("GS", "HC", "SENDER", "RECEIVER", "20261119", "0930", "1", "X", version)
    for number, day in enumerate(sorted({sent.claim.submitted_on or NO_DATE for sent in claims}), start=1):
        writing.transaction(number, day, version, [each for each in claims if each.claim.submitted_on == day])
    writing.close()
    return out.getvalue()


class _Writing:
    """A file in the writing."""

    def __init__(self, out: io.StringIO, separators: Separators) -> None:
        self._separators = separators
        self._hierarchy = 0
        self._writer = pyx12.x12file.X12Writer(
            out, separators.terminator, separators.element, separators.component, separators.line_end
        )

    def segment(self, *elements: str | Sequence[str]) -> None:
        """One segment; an element that is no text is a composite.  Empty ones at the end are left out."""
        signs = self._separators
        texts = [each if isinstance(each, str) else signs.component.join(each).rstrip(signs.component)
                 for each in elements]  # fmt: skip
        while texts[-1] == "" and len(texts) > 1:
            texts.pop()
        text = signs.element.join(texts)
        self._writer.Write(pyx12.segment.Segment(text, signs.terminator, signs.element, signs.component))

    def close(self) -> None:
        """SE, GE and IEA."""
        self._writer.Close()

    def transaction(self, number: int, day: date, version: str, claims: Sequence[Sent]) -> None:
        """ST to the last claim; its SE is written with what comes next."""
        self._hierarchy = 0
        self.segment("ST", "837", f"{number:04}", version)
        self.segment("BHT", "0019", "00", str(number), _day(day), "0930", "CH")
        self.segment("NM1", "41", "2", "SYNTHETIC PMS", "", "", "", "", "46", "S1")
        self.segment("PER", "IC", "DESK", "TE", "5550100000")
        self.segment("NM1", "40", "2", "SYNTHETIC RECEIVER", "", "", "", "", "46", "R1")
        for sent in claims:
            self._billing(sent.claim.billing_provider)
            self._subscriber(sent)
            self._claim(sent)
            for line in sent.claim.lines:
                self._line(line)
        self.segment("SE", "0", f"{number:04}")

    def _level(self, kind: str, parent: str, *, child: bool) -> None:
        self._hierarchy += 1
        self.segment("HL", str(self._hierarchy), parent, kind, "1" if child else "0")

    def _billing(self, billing: BillingProvider) -> None:
        self._level("20", "", child=True)
        if billing.taxonomy:
            self.segment("PRV", "BI", "PXC", billing.taxonomy)
        self.segment("NM1", "85", "2", billing.name or "", "", "", "", "", "XX", billing.npi)
        self._address()
        self.segment("REF", "EI", "123456789")

    def _address(self) -> None:
        self.segment("N3", "1 MAIN ST")
        self.segment("N4", "TOWN", "ND", "581020000")

    def _subscriber(self, sent: Sent) -> None:
        claim = sent.claim
        self._level("22", str(self._hierarchy), child=sent.dependent)
        self.segment("SBR", "P", "" if sent.dependent else "18", "", "", "", "", "", "",
                     FILING_INDICATORS[claim.payer.program])  # fmt: skip
        if not sent.dependent and claim.patient.death_date is not None:
            self.segment("PAT", "", "", "", "", "D8", _day(claim.patient.death_date))
        self.segment("NM1", "IL", "1", "SYNTHETIC", "SUBSCRIBER", "", "", "", "MI", sent.member)
        self._address()
        self._birth(claim if not sent.dependent else None)
        self.segment("NM1", "PR", "2", claim.payer.name or "", "", "", "", "", "PI", claim.payer.id)
        if sent.dependent:
            self._dependent(claim)

    def _dependent(self, claim: Claim) -> None:
        died = claim.patient.death_date
        self._level("23", str(self._hierarchy), child=False)
        self.segment("PAT", "19", "", "", "", *(("D8", _day(died)) if died else ()))
        self.segment("NM1", "QC", "1", "SYNTHETIC", "DEPENDENT")
        self._address()
        self._birth(claim)

    def _birth(self, claim: Claim | None) -> None:
        """DMG; a subscriber who is not the patient has one of their own, which is nothing to the claim."""
        if claim is None:
            self.segment("DMG", "D8", "19010101", "U")
        elif claim.patient.birth_date is not None:
            self.segment("DMG", "D8", _day(claim.patient.birth_date), claim.patient.sex or "")

    def _claim(self, sent: Sent) -> None:
        claim = sent.claim
        total = sum((line.charge or Decimal(0) for line in claim.lines), Decimal(0))
        self.segment("CLM", claim.claim_id, _number(total), "", "",
                     (claim.place_of_service, "B", claim.frequency_code), "Y", "A", "Y", "Y")  # fmt: skip
        if claim.prior_authorization is not None and claim.prior_authorization.number:
            self.segment("REF", "G1", claim.prior_authorization.number)
        if claim.frequency_code != "1":
            self.segment("REF", "F8", sent.original_reference)
        self.segment("HI", *((("ABK" if first else "ABF"), code) for first, code in _first(claim.diagnoses)))
        self._provider("DN", claim.referring_provider)
        if claim.rendering_provider != _as_rendering(claim.billing_provider):
            self._provider("82", claim.rendering_provider)
        self._provider("DQ", claim.supervising_provider)

    def _provider(self, role: str, provider: Provider | None) -> None:
        if provider is None:
            return
        first, _, last = (provider.name or "").rpartition(" ")
        self.segment("NM1", role, "1", last, first, "", "", "", "XX", provider.npi)
        if role == "82" and provider.taxonomy:
            self.segment("PRV", "PE", "PXC", provider.taxonomy)

    def _line(self, line: ServiceLine) -> None:
        self.segment("LX", str(line.line_number))
        place = line.place_of_service or ""
        self.segment("SV1", ("HC", line.procedure_code, *line.modifiers), _number(line.charge or Decimal(0)), "UN",
                     _number(line.units), place, "", [str(each) for each in line.diagnosis_pointers])  # fmt: skip
        first, last = _day(line.service_date), line.service_date_through
        self.segment("DTP", "472", *(("RD8", f"{first}-{_day(last)}") if last else ("D8", first)))
        for performance in line.performed_by:
            self._provider("82", Provider(npi=performance.npi or "", name="A SYNTHETIC"))


def carried(claim: Claim) -> Claim:
    """What an 837P carries of a claim: the rest is gone, and what only fits in part is cut to what fits."""
    billing = BillingProvider(npi=claim.billing_provider.npi, name=claim.billing_provider.name or "CLINIC",
                              taxonomy=claim.billing_provider.taxonomy)  # fmt: skip
    authorization = claim.prior_authorization
    return Claim(
        claim_id=claim.claim_id,
        frequency_code=claim.frequency_code,
        submitted_on=claim.submitted_on or NO_DATE,
        payer=Payer(id=claim.payer.id, name=claim.payer.name or "PAYER", program=claim.payer.program),
        patient=claim.patient.model_copy(update={"name": None, "sex": _sex(claim)}),
        billing_provider=billing,
        rendering_provider=_named(claim.rendering_provider, with_taxonomy=True) or _as_rendering(billing),
        supervising_provider=_named(claim.supervising_provider),
        referring_provider=_named(claim.referring_provider),
        place_of_service=claim.place_of_service,
        prior_authorization=PriorAuthorization(number=authorization.number)
        if authorization and authorization.number
        else None,
        diagnoses=tuple(code.replace(".", "") for code in claim.diagnoses),
        lines=tuple(_carried_line(number, line, claim) for number, line in enumerate(claim.lines, start=1)),
    )


def _sex(claim: Claim) -> str | None:
    """DMG03 stands in a segment that needs a birth date."""
    return (claim.patient.sex or "U") if claim.patient.birth_date else None


def _named(provider: Provider | None, *, with_taxonomy: bool = False) -> Provider | None:
    if provider is None:
        return None
    taxonomy = provider.taxonomy if with_taxonomy else None
    return Provider(npi=provider.npi, name=provider.name or "A SYNTHETIC", taxonomy=taxonomy)


def _as_rendering(billing: BillingProvider) -> Provider:
    return Provider(npi=billing.npi, name=billing.name, taxonomy=billing.taxonomy)


def _carried_line(number: int, line: ServiceLine, claim: Claim) -> ServiceLine:
    through = line.service_date_through
    others = [each.npi for each in line.performed_by if each.npi and each.npi != claim.rendering_provider.npi]
    return ServiceLine(
        line_number=number,
        service_date=line.service_date,
        service_date_through=through if through != line.service_date else None,
        procedure_code=line.procedure_code,
        modifiers=line.modifiers[:MOST_MODIFIERS],
        units=line.units,
        charge=line.charge or Decimal(0),
        diagnosis_pointers=line.diagnosis_pointers[:MOST_POINTERS] or (1,),
        place_of_service=line.place_of_service,
        performed_by=tuple(Performance(npi=npi) for npi in others[:1]),
    )


def _first(codes: Sequence[str]) -> Iterator[tuple[bool, str]]:
    return ((index == 0, code) for index, code in enumerate(codes))


def _day(day: date) -> str:
    return f"{day.year:04}{day.month:02}{day.day:02}"


def _number(value: Decimal) -> str:
    """Without an exponent and without zeros at the end."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
