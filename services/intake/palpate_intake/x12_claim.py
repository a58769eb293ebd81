"""One claim of an 837P, gathered segment by segment, as the contract has it."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from palpate_intake.hints import Hints
from palpate_intake.note_minutes import noted_time
from palpate_intake.outcome import (
    Envelope,
    Locate,
    Outcome,
    ReadClaim,
    Recognised,
    StructureFinding,
    Unmapped,
    Unreadable,
)
from palpate_intake.party import NO_NPI, Party
from palpate_intake.patient_id import opaque_patient_id
from palpate_intake.x12_segments import Delimiters, words
from palpate_schemas.claim import Claim
from palpate_schemas.reasons import reasons_of
from palpate_schemas.rejection import RejectionError
from palpate_schemas.values import Program

PROGRAMS = {
    "MA": Program.MEDICARE,
    "MB": Program.MEDICARE,
    "16": Program.MEDICARE_ADVANTAGE,
    "MC": Program.MEDICAID,
    "CH": Program.TRICARE,
    "VA": Program.VA,
    "WC": Program.WORKERS_COMP,
    "AM": Program.AUTO,
    **dict.fromkeys(("12", "13", "14", "15", "BL", "CI", "FI", "HM"), Program.COMMERCIAL),
}
"""SBR09, the claim-filing indicator.  What is not here (self-pay, liability, mutually defined) is left unsaid."""

DIAGNOSIS_QUALIFIERS = frozenset({"ABK", "ABF", "BK", "BF"})
PROCEDURE_QUALIFIERS = frozenset({"HC", ""})
"""SV101-1 of CPT and HCPCS codes.  Home-infusion and other code sets (IV, WK, ER) are not the contract's."""

_MOST_FINDINGS = 100

_NUMBER = re.compile(r"-?(?:[0-9]{1,12}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})")

_WRITTEN_IN = {
    "claim_id": "CLM01",
    "place_of_service": "CLM05-1, SV105",
    "frequency_code": "CLM05-3",
    "diagnoses": "HI",
    "lines": "SV1",
    "line_number": "LX01",
    "service_date": "DTP*472",
    "procedure_code": "SV101-2",
    "modifiers": "SV101-3 to SV101-6",
    "units": "SV104",
    "charge": "SV102",
    "diagnosis_pointers": "SV107",
    "npi": "NM109",
    "taxonomy": "PRV03",
    "payer": "NM1*PR",
    "minutes": "SV104",
}


@dataclass(slots=True)
class Subscriber:
    """Loops 2000B to 2010CA: who is insured, who is the patient, who pays."""

    filing_indicator: str = ""
    is_patient: bool = True
    insured: Party | None = None
    patient: Party | None = None
    payer: Party | None = None
    birth_date: date | None = None
    sex: str | None = None
    death_date: date | None = None


@dataclass(slots=True)
class Line:
    """Loop 2400."""

    segment: int
    number: str
    service: list[str] = field(default_factory=list)
    service_segment: int = 0
    dates: tuple[date | None, date | None] | None = None
    date_segment: int = 0
    parties: dict[str, Party] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    control: str = ""


@dataclass(slots=True)
class Gathered:
    """Loop 2300 with its lines, and what the loops around it say."""

    segment: int
    claim: list[str]
    delimiters: Delimiters
    envelope: Envelope
    billing: Party | None
    subscriber: Subscriber
    receiver: Party | None
    written_on: date | None
    written_at: datetime | None
    diagnoses: list[str] = field(default_factory=list)
    diagnosis_segment: int = 0
    parties: dict[str, Party] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    dates: tuple[date | None, date | None] | None = None
    attachments: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    structure: list[StructureFinding] = field(default_factory=list)
    refused: str | None = None
    """Why this is no claim that we read, found while gathering."""

    def odd(self, code: str, segment: int, message: str) -> None:
        """Note something odd; a claim with a hundred oddities has been described well enough."""
        if len(self.structure) < _MOST_FINDINGS:
            self.structure.append(StructureFinding(code, f"segment {segment}", message))

    def composite(self, text: str) -> list[str]:
        """The components of an element."""
        return text.split(self.delimiters.component)


def day(text: str) -> date | None:
    """A CCYYMMDD date, or None where it is none."""
    if len(text) < 8 or not (text[:8].isascii() and text[:8].isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def span(elements: list[str]) -> tuple[date | None, date | None]:
    """First and last day of a DTP segment (D8, RD8, DT).  The last day is None when it is the first."""
    value = elements[3].strip() if len(elements) > 3 else ""
    first, _, last = value.partition("-")
    start, end = day(first), day(last)
    return start, None if end == start else end


def number(text: str) -> Decimal | str:
    """An X12 decimal; `?` for what is none, for the contract to refuse.  `1E9` is none."""
    return Decimal(text) if _NUMBER.fullmatch(text) else "?"


def claim_of(gathered: Gathered, file: str, hints: Hints) -> Outcome:
    """The claim in the contract's form, or the reasons why it cannot have it."""
    position = f"segment {gathered.segment}"
    if gathered.refused is not None:
        reasons: tuple[RejectionError, ...] = (RejectionError(pointer="", reason=gathered.refused),)
        return _unread(gathered, file, reasons)
    data = _Mapping(gathered, hints).data()
    try:
        claim = Claim.model_validate(data)
    except ValidationError as error:
        reasons = tuple(_with_segment(reason, gathered) for reason in reasons_of(error))
        return _unread(gathered, file, reasons)
    return ReadClaim(
        hints.applied(claim),
        file,
        position,
        structure=tuple(gathered.structure),
        written_at=gathered.written_at,
        envelope=gathered.envelope,
        unmapped=Unmapped(
            original_reference=gathered.references.get("F8"),
            attachments=tuple(gathered.attachments),
            total_charge=_total_charge(gathered),
            line_controls=tuple(line.control for line in gathered.lines),
            notes=tuple(gathered.notes + _line_notes(gathered)),
        ),
        locate=locator(gathered),
    )


def _unread(gathered: Gathered, file: str, reasons: tuple[RejectionError, ...]) -> Unreadable:
    return Unreadable(
        file,
        f"segment {gathered.segment}",
        reasons,
        _at(gathered.claim, 1)[:64] or None,
        tuple(gathered.structure),
        gathered.envelope,
        _recognised(gathered),
    )


def _recognised(gathered: Gathered) -> Recognised:
    spans = [line.dates or gathered.dates for line in gathered.lines] or [gathered.dates]
    days = sorted(day for each in spans if each is not None for day in each if day is not None)
    return Recognised(
        billing_npi=gathered.billing.npi if gathered.billing else None,
        charge=_total_charge(gathered),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
    )


def _total_charge(gathered: Gathered) -> Decimal | None:
    total = number(_at(gathered.claim, 2))
    return total if isinstance(total, Decimal) else None


class _Mapping:
    """From segments to the contract's fields.  What is odd on the way is noted."""

    def __init__(self, gathered: Gathered, hints: Hints) -> None:
        self._from = gathered
        self._hints = hints

    def data(self) -> dict[str, Any]:
        """The claim as `Claim` validates it."""
        gathered = self._from
        facility = gathered.composite(_at(gathered.claim, 5))
        lines = [mapped for line in gathered.lines if (mapped := self._line(line)) is not None]
        place = _at(facility, 0) or next((line["place_of_service"] for line in lines if line["place_of_service"]), "")
        gathered.lines = [line for line in gathered.lines if line.service]
        self._compare_total(lines)
        billing, rendering = self._billing(), self._rendering(lines)
        return {
            "claim_id": _at(gathered.claim, 1),
            "frequency_code": self._frequency(_at(facility, 2)),
            "submitted_on": gathered.written_on,
            "payer": self._payer(),
            "patient": self._patient(),
            "billing_provider": billing,
            "rendering_provider": rendering or billing,
            "supervising_provider": self._other_provider("DQ"),
            "referring_provider": self._other_provider("DN", "P3", "DK"),
            "place_of_service": place,
            "prior_authorization": {"number": words(gathered.references["G1"])}
            if "G1" in gathered.references
            else None,
            "diagnoses": gathered.diagnoses,
            "lines": lines,
        }

    def _frequency(self, sent: str) -> str:
        """CLM05-3.  Some senders write `1.00`; an empty one is an original."""
        code = sent.removesuffix(".00").removesuffix(".0")
        if code in {"7", "8"} and "F8" not in self._from.references:
            self._odd("original-reference-missing", "CLM05-3 replaces or voids a claim, and no REF*F8 says which.")
        if not code:
            self._odd("frequency-missing", "CLM05-3 is empty: read as an original claim.")
        return code or "1"

    def _compare_total(self, lines: list[dict[str, Any]]) -> None:
        total = number(_at(self._from.claim, 2))
        charges = [charge for line in lines if isinstance(charge := line["charge"], Decimal)]
        if isinstance(total, Decimal) and len(charges) == len(self._from.lines) and total != sum(charges):
            self._odd("total-charge", "CLM02 is not the sum of the line charges (SV102) that were read.")

    def _payer(self) -> dict[str, Any]:
        subscriber = self._from.subscriber
        payer = subscriber.payer or self._from.receiver
        if payer is None or not payer.identifier:
            self._odd("payer-id-missing", "NM1*PR names no payer id in NM109: the payer's name is used instead.")
        return {
            "id": (payer and (payer.identifier or (payer.name or "")[:64])) or "unknown",
            "name": payer.name if payer else None,
            "program": PROGRAMS.get(subscriber.filing_indicator),
        }

    def _patient(self) -> dict[str, Any]:
        subscriber = self._from.subscriber
        return {
            "id": self._patient_id(subscriber),
            "birth_date": subscriber.birth_date,
            "sex": subscriber.sex,
            "death_date": subscriber.death_date,
        }

    def _patient_id(self, subscriber: Subscriber) -> str:
        """By the patient's own member number, else the subscriber's, which a family shares; else the claim's number."""
        patient, insured = subscriber.patient, subscriber.insured
        if patient is not None and patient.identifier:
            return opaque_patient_id(patient.identifier)
        if insured is None or not insured.identifier:
            return opaque_patient_id("claim", _at(self._from.claim, 1))
        if patient is None:
            return opaque_patient_id(insured.identifier)
        return opaque_patient_id(insured.identifier, str(subscriber.birth_date), patient.first_name.upper())

    def _billing(self) -> dict[str, Any]:
        billing = self._from.billing
        if billing is None or billing.npi is None:
            self._odd("billing-npi-missing", "The billing provider has no NPI (NM1*85, NM108 XX).")
        return billing.as_provider() if billing else {"npi": NO_NPI}

    def _rendering(self, lines: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Loop 2310B, else the one whom every line names in 2420A; None means the billing provider (837P TR3)."""
        rendering = self._from.parties.get("82")
        if rendering is None:
            named = [line.parties.get("82") for line in self._from.lines]
            if named and named[0] is not None and {party.npi if party else None for party in named} == {named[0].npi}:
                rendering = named[0]
        if rendering is not None:
            if rendering.npi is None:
                self._odd("rendering-npi-missing", "The rendering provider has no NPI (NM1*82, NM108 XX).")
            for line in lines:
                if line["performed_by"] == [{"npi": rendering.npi}]:
                    line["performed_by"] = []
            return rendering.as_provider()
        return None

    def _other_provider(self, *qualifiers: str) -> dict[str, Any] | None:
        """Of the claim, else of the first line that names one: the contract has one a claim."""
        for parties in (self._from.parties, *(line.parties for line in self._from.lines)):
            for qualifier in qualifiers:
                if qualifier in parties:
                    return parties[qualifier].as_provider()
        return None

    def _line(self, line: Line) -> dict[str, Any] | None:
        gathered, service = self._from, line.service
        if not service:
            gathered.odd("line-without-service", line.segment, "LX opens a line and no SV1 follows: not read.")
            return None
        procedure = gathered.composite(_at(service, 1))
        if _at(procedure, 0) not in PROCEDURE_QUALIFIERS:
            gathered.odd("code-set-unknown", line.service_segment, "SV101-1 is not HC: no CPT or HCPCS code, not read.")
            line.service = []
            return None
        start, end = line.dates or gathered.dates or (None, None)
        units, in_minutes = self._units(line)
        noted = noted_time(" ".join(line.notes)) if self._hints.minutes_in_notes and line.notes else None
        performer = line.parties.get("82")
        return {
            "line_number": int(line.number),
            "service_date": start,
            "service_date_through": end,
            "procedure_code": _at(procedure, 1),
            "modifiers": [modifier for each in procedure[2:6] if (modifier := each.strip())],
            "units": units,
            "charge": number(_at(service, 2)) if _at(service, 2) else None,
            "diagnosis_pointers": self._pointers(line),
            "place_of_service": _at(service, 5) or None,
            "minutes": in_minutes if in_minutes is not None else noted.minutes if noted else None,
            "intervals": noted.intervals if noted else (),
            "performed_by": [{"npi": performer.npi}] if performer and performer.npi else [],
        }

    def _units(self, line: Line) -> tuple[Decimal | str, int | None]:
        """SV104, and the minutes where SV103 says that it counts minutes (anaesthesia)."""
        sent, measure = _at(line.service, 4), _at(line.service, 3)
        if not sent:
            self._from.odd("units-missing", line.service_segment, "SV104 is empty: read as 0 units.")
            return Decimal(0), None
        units = number(sent)
        if measure != "MJ":
            return units, None
        self._from.odd("units-are-minutes", line.service_segment, "SV103 is MJ: SV104 counts minutes, not units.")
        whole = isinstance(units, Decimal) and units == units.to_integral_value() and 0 <= units <= 1440
        return units, int(units) if whole else None

    def _pointers(self, line: Line) -> list[int | str]:
        """SV107.  Some senders write the letters of the paper form, A to L."""
        pointers: list[int | str] = []
        for sent in self._from.composite(_at(line.service, 7)):
            text = sent.strip()
            if text.isascii() and text.isdigit() and len(text) < 4:
                pointers.append(int(text))
            elif len(text) == 1 and "A" <= text.upper() <= "L":
                self._from.odd("pointer-letter", line.service_segment, "SV107 has a letter: read as its number.")
                pointers.append(ord(text.upper()) - ord("A") + 1)
            elif text:
                pointers.append(text)
        return pointers

    def _odd(self, code: str, message: str) -> None:
        self._from.odd(code, self._from.segment, message)


def locator(gathered: Gathered) -> Locate:
    """Where each part of a claim stands, by segment."""

    def locate(pointer: str) -> str | None:
        parts = pointer.split("/")[1:]
        if parts[:1] == ["lines"] and len(parts) > 1:
            return _line_segment(gathered, parts)
        return _claim_segment(gathered, parts)

    return locate


def _line_segment(gathered: Gathered, parts: list[str]) -> str | None:
    if not parts[1].isdigit() or int(parts[1]) >= len(gathered.lines):
        return None
    line = gathered.lines[int(parts[1])]
    if len(parts) > 2 and parts[2].startswith("service_date") and line.date_segment:
        return f"segment {line.date_segment} (DTP)"
    if len(parts) > 2 and parts[2] == "performed_by" and "82" in line.parties:
        return f"segment {line.parties['82'].segment} (NM1)"
    return f"segment {line.service_segment} (SV1)"


def _claim_segment(gathered: Gathered, parts: list[str]) -> str | None:
    head = parts[0] if parts else ""
    subscriber = gathered.subscriber
    parties = {
        "billing_provider": gathered.billing,
        "rendering_provider": gathered.parties.get("82") or gathered.billing,
        "supervising_provider": gathered.parties.get("DQ"),
        "referring_provider": gathered.parties.get("DN") or gathered.parties.get("P3"),
        "payer": subscriber.payer,
        "patient": subscriber.patient or subscriber.insured,
    }
    if head == "diagnoses" and gathered.diagnosis_segment:
        return f"segment {gathered.diagnosis_segment} (HI)"
    party = parties.get(head)
    if party is not None:
        return f"segment {party.segment} (NM1)"
    return f"segment {gathered.segment} (CLM)"


def _with_segment(reason: RejectionError, gathered: Gathered) -> RejectionError:
    """The reason, with the element that the field is written in and where it stands."""
    names = [part for part in reason.pointer.split("/") if part in _WRITTEN_IN]
    written = f"{_WRITTEN_IN[names[-1]]}, " if names else ""
    place = locator(gathered)(reason.pointer) or f"segment {gathered.segment}"
    return RejectionError(pointer=reason.pointer, reason=f"{reason.reason} ({written}{place.partition(' (')[0]})")


def _line_notes(gathered: Gathered) -> list[str]:
    return [note for line in gathered.lines for note in line.notes]


def _at(elements: list[str], index: int) -> str:
    return elements[index].strip() if index < len(elements) else ""
