"""FHIR R4 `Claim` and `Bundle` as claims.  What FHIR has no field for is read by docs/fhir-convention.md.

A reference that leads nowhere is a fact that is not there: the rules that need it cannot tell.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from palpate_intake.fhir_payer import payer_of
from palpate_intake.fhir_references import References, last_part
from palpate_intake.fhir_values import (
    Resource,
    codes,
    codings,
    day,
    identifier,
    name,
    npi,
    number_of,
    obj,
    objects,
    taxonomy,
    text,
)
from palpate_intake.hints import NO_HINTS, Hints
from palpate_intake.outcome import Locate, Outcome, ReadClaim, StructureFinding, Unreadable, unreadable
from palpate_intake.party import NO_NPI
from palpate_intake.patient_id import opaque_patient_id
from palpate_schemas.claim import MAX_VERSION, Claim
from palpate_schemas.reasons import reasons_of
from palpate_schemas.rejection import RejectionError

LineOf = Callable[[str], int | None]
"""From an RFC 6901 pointer into the file's value to its line."""

MINUTES = "palpate-minutes"
NOTE = "palpate-note"
FACTS = "palpate-facts"
SHARED_FACTS = ("therapy_accrual", "coverage", "prior_authorization")

RENDERING = frozenset({"rendering", "performing", "primary"})
SUPERVISING = frozenset({"supervising", "supervisor"})
REFERRING = frozenset({"referring", "referrer"})

_MOST_DIGITS = len(str(MAX_VERSION))
_WITHDRAWN = frozenset({"cancelled", "entered-in-error"})
_REPLACES = frozenset({"replaces", "replacement"})
_MOST_LINES, _MOST_PERFORMERS = 51, 501
"""One more than the contract takes: enough for it to refuse the claim, and a bound on what is looked up."""
_BILLED = re.compile(r"[0-9]{4}[0-9A-Z]|[A-Z][0-9]{4}")
_BILLED_SYSTEMS = ("/cpt", "hcpcs", "2.16.840.1.113883.6.12", "2.16.840.1.113883.6.285", "2.16.840.1.113883.6.14")
_ICD = ("icd-10", "icd10", "icd-9", "icd9", "2.16.840.1.113883.6.90", "2.16.840.1.113883.6.103")
_REGIONS = "urn:palpate:region"


def fhir_claims(
    value: Resource, file: str, hints: Hints = NO_HINTS, position: str = "line 1", line_of: LineOf = lambda _: None
) -> Iterator[Outcome]:
    """Every claim of a resource.

    Args:
        value: A `Claim`, or a `Bundle` with claims among its entries.
        file: The file's name, for the outcomes.
        hints: What the caller knows besides.
        position: Where in the file the resource stands.
        line_of: The line of any part of the resource.
    """
    kind = text(value.get("resourceType"))
    if kind == "Claim":
        yield _Mapping(value, References(), "").outcome(file, hints, position, line_of)
    elif kind == "Bundle":
        yield from _of_bundle(value, file, hints, position, line_of)
    else:
        yield unreadable(file, position, "this FHIR resource is no Claim and no Bundle of claims", "/resourceType")


def _of_bundle(value: Resource, file: str, hints: Hints, position: str, line_of: LineOf) -> Iterator[Outcome]:
    references = References(value)
    entries = value.get("entry")
    found = False
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        resource = obj(obj(entry).get("resource"))
        if resource.get("resourceType") == "Claim":
            found = True
            mapping = _Mapping(resource, references, f"/entry/{index}/resource")
            yield mapping.outcome(file, hints, f"Bundle.entry[{index}]", line_of)
    if not found:
        yield unreadable(file, position, "there is no Claim among the entries of this Bundle", "/entry")


class _Mapping:
    """From one `Claim` resource to the contract's fields.  What is odd on the way is noted."""

    def __init__(self, claim: Resource, references: References, pointer: str) -> None:
        self._claim, self._references, self._pointer = claim, references, pointer
        self._position = ""
        self._structure: list[StructureFinding] = []
        self._sources: dict[str, str] = {}
        """From the contract's parts to the resource's, for those that have one."""
        self._informed = {
            number: info
            for info in objects(claim.get("supportingInfo"))
            if (number := number_of(info.get("sequence"))) is not None
        }
        self._team = {
            number: member
            for member in objects(claim.get("careTeam"))
            if (number := number_of(member.get("sequence"))) is not None
        }

    def outcome(self, file: str, hints: Hints, position: str, line_of: LineOf) -> Outcome:
        """The claim, or the reasons why it is none."""
        self._position = position
        claim_id = (identifier(self._claim) or text(self._claim.get("id")) or "")[:64]
        use = text(self._claim.get("use")) or "claim"
        if use != "claim":
            return unreadable(file, position, "this is a request made before treatment (use), not a claim", "/use")
        data = self._data(claim_id)
        if not data["lines"]:
            reason = "no item has a CPT or HCPCS code (productOrService), so there is nothing to judge"
            refused = unreadable(file, position, reason, f"{self._pointer}/item")
            return Unreadable(file, position, refused.reasons, claim_id or None, tuple(self._structure))
        try:
            claim = Claim.model_validate(data)
        except ValidationError as error:
            reasons = tuple(self._placed(reason) for reason in reasons_of(error))
            return Unreadable(file, position, reasons, claim_id or None, tuple(self._structure))
        return ReadClaim(
            hints.applied(claim),
            file,
            position,
            structure=tuple(self._structure),
            written_at=_instant(self._claim.get("created")),
            locate=self._locator(line_of),
        )

    def _data(self, claim_id: str) -> dict[str, Any]:
        claim = self._claim
        if "institutional" in codes(claim.get("type")):
            self._odd("type-institutional", "", "An institutional claim, read as a professional one.")
        facts = self._facts()
        positions, diagnoses = self._diagnoses()
        read = (line for item in self._items() if (line := self._line(*item, positions)) is not None)
        lines = list(islice(read, _MOST_LINES))
        billing = self._provider(claim.get("provider"), "provider")
        return {
            "claim_id": claim_id,
            **self._version(),
            "frequency_code": self._frequency(),
            "submitted_on": day(claim.get("created")),
            "payer": payer_of(claim, self._references),
            "patient": self._patient(),
            "billing_provider": billing,
            "rendering_provider": self._member(RENDERING) or billing,
            "supervising_provider": self._member(SUPERVISING),
            "referring_provider": self._member(REFERRING) or self._referrer(),
            "place_of_service": next((line["place_of_service"] for line in lines if line["place_of_service"]), None),
            "prior_authorization": self._authorization() or facts.get("prior_authorization"),
            "diagnoses": diagnoses,
            "lines": lines,
            "documentation": self._notes(),
            "therapy_accrual": facts.get("therapy_accrual"),
            "coverage": facts.get("coverage"),
        }

    # -- the claim as a whole -------------------------------------------------------------------------------------

    def _version(self) -> dict[str, int]:
        """`meta.versionId`, where it is a number: a server raises it with every change.  Unsaid otherwise."""
        sent = text(obj(self._claim.get("meta")).get("versionId")) or ""
        known = sent.isascii() and sent.isdigit() and len(sent) <= _MOST_DIGITS and 0 < int(sent) <= MAX_VERSION
        return {"version": int(sent)} if known else {}

    def _frequency(self) -> str:
        if text(self._claim.get("status")) in _WITHDRAWN:
            return "8"
        related = [code for each in objects(self._claim.get("related")) for code in codes(each.get("relationship"))]
        return "7" if not _REPLACES.isdisjoint(related) else "1"

    def _authorization(self) -> dict[str, Any] | None:
        for insurance in objects(self._claim.get("insurance")):
            references = insurance.get("preAuthRef")
            for each in references if isinstance(references, list) else []:
                if (number := text(each)) is not None:
                    return {"number": number}
        return None

    def _patient(self) -> dict[str, Any]:
        reference = obj(self._claim.get("patient"))
        patient = self._references.resolve(reference, self._claim)
        own_id = identifier(patient) or text(patient.get("id")) or identifier(reference) or last_part(reference)
        gender = text(patient.get("gender"))
        return {
            "id": opaque_patient_id(own_id) if own_id else None,
            "birth_date": day(patient.get("birthDate")),
            "sex": {"male": "M", "female": "F"}.get(gender, "U") if gender else None,
            "death_date": day(patient.get("deceasedDateTime")),
        }

    # -- who ------------------------------------------------------------------------------------------------------

    def _provider(self, reference: object, what: str) -> dict[str, Any]:
        """By the practitioner, organization or role that a reference leads to, or by the NPI that it names itself."""
        found = self._references.resolve(reference, self._claim)
        person = self._references.resolve(found.get("practitioner") or found.get("organization"), self._claim)
        number = npi(obj(reference)) or npi(found) or npi(person) or npi(obj(found.get("practitioner")))
        if number is None:
            self._odd("npi-missing", f"/{what}", f"No NPI is found for {what}: the reference leads to none.")
        return {
            "npi": number or NO_NPI,
            "name": name(person) or name(found) or text(obj(reference).get("display")),
            "taxonomy": taxonomy(found.get("specialty"))
            or taxonomy([each.get("code") for each in objects(person.get("qualification"))])
            or taxonomy([each.get("code") for each in objects(found.get("qualification"))])
            or taxonomy(found.get("type")),
        }

    def _member(self, roles: frozenset[str]) -> dict[str, Any] | None:
        """The member of the care team in a role; for who treated, also the one who is responsible, or the only one."""
        members = list(self._team.values())
        chosen = next((each for each in members if not roles.isdisjoint(codes(each.get("role")))), None)
        if chosen is None and roles is RENDERING:
            unnamed = [each for each in members if not codes(each.get("role"))]
            chosen = next((each for each in unnamed if each.get("responsible") is True), None)
            chosen = chosen or (unnamed[0] if len(unnamed) == 1 else None)
        if chosen is None:
            return None
        provider = self._provider(chosen.get("provider"), "careTeam")
        provider["taxonomy"] = taxonomy(chosen.get("qualification")) or provider["taxonomy"]
        return provider

    def _referrer(self) -> dict[str, Any] | None:
        request = self._references.resolve(self._claim.get("referral"), self._claim)
        requester = request.get("requester")
        return self._provider(requester, "referral") if requester else None

    # -- diagnoses and lines --------------------------------------------------------------------------------------

    def _diagnoses(self) -> tuple[dict[int, int], list[str]]:
        """From each diagnosis' sequence to its place in the contract's list, and the list."""
        positions: dict[int, int] = {}
        found: list[str] = []
        for diagnosis in objects(self._claim.get("diagnosis")):
            sequence = number_of(diagnosis.get("sequence"))
            condition = self._references.resolve(diagnosis.get("diagnosisReference"), self._claim)
            code = _diagnosis_code(diagnosis.get("diagnosisCodeableConcept")) or _diagnosis_code(condition.get("code"))
            if code is None:
                self._odd("diagnosis-unread", "/diagnosis", "A diagnosis has no ICD code: not read.")
            elif sequence is not None:
                found.append(code)
                positions[sequence] = len(found)
        return positions, found

    def _items(self) -> Iterator[tuple[int, dict[str, Any]]]:
        items = self._claim.get("item")
        for index, item in enumerate(items if isinstance(items, list) else []):
            if isinstance(item, dict):
                yield index, item

    def _line(self, index: int, item: dict[str, Any], positions: dict[int, int]) -> dict[str, Any] | None:
        code = _procedure_code(item.get("productOrService"))
        if code is None:
            self._odd("code-set-unknown", f"/item/{index}", "productOrService has no CPT or HCPCS code: not read.")
            return None
        self._sources[f"/lines/{len(self._sources)}"] = f"/item/{index}"
        period = obj(item.get("servicedPeriod"))
        claimed = obj(self._claim.get("billablePeriod"))
        start = day(item.get("servicedDate")) or day(period.get("start")) or day(claimed.get("start"))
        end = day(period.get("end"))
        minutes, intervals = self._time(item)
        return {
            "line_number": item.get("sequence", index + 1),
            "service_date": start,
            "service_date_through": end if end != start else None,
            "procedure_code": code,
            "modifiers": [modifier for _, modifier in _modifiers(item)],
            "units": self._units(index, item),
            "charge": _charge(item),
            "diagnosis_pointers": self._pointers(index, item, positions),
            "place_of_service": next((place for _, place in codings(item.get("locationCodeableConcept"))), None),
            "minutes": minutes,
            "intervals": intervals,
            "performed_by": self._performers(item),
            "regions": [region for system, region in codings(item.get("bodySite")) if system == _REGIONS],
        }

    def _units(self, index: int, item: dict[str, Any]) -> Any:  # noqa: ANN401 - the contract judges what was sent
        units = obj(item.get("quantity")).get("value")
        if units is None:
            self._odd("units-missing", f"/item/{index}", "quantity is not there: read as 0 units.")
            return 0
        return units

    def _pointers(self, index: int, item: dict[str, Any], positions: dict[int, int]) -> list[int]:
        sent = item.get("diagnosisSequence")
        numbers = [number for each in (sent if isinstance(sent, list) else []) if (number := number_of(each))]
        if any(number not in positions for number in numbers):
            self._odd("pointer-unread", f"/item/{index}", "diagnosisSequence names a diagnosis that was not read.")
        return [positions[number] for number in numbers if number in positions]

    def _performers(self, item: dict[str, Any]) -> list[dict[str, Any]]:
        """Who else than the claim's rendering provider gave this line."""
        sent = item.get("careTeamSequence")
        found = []
        for each in sent[:_MOST_PERFORMERS] if isinstance(sent, list) else []:
            member = self._team.get(each) if number_of(each) is not None else None
            roles = set(codes(member.get("role"))) if member else set()
            if member is not None and not roles & (SUPERVISING | REFERRING):
                number = self._provider(member.get("provider"), "careTeam")["npi"]
                found.append(number)
        if found == [(self._member(RENDERING) or {}).get("npi")]:
            return []
        return [{"npi": number} for number in found if number != NO_NPI]

    # -- our convention (docs/fhir-convention.md) -----------------------------------------------------------------

    def _time(self, item: dict[str, Any]) -> tuple[Any, list[dict[str, str]]]:
        """Minutes and intervals of a line: the `palpate-minutes` that its informationSequence names."""
        sent = item.get("informationSequence")
        minutes: Any = None
        intervals = []
        for each in sent if isinstance(sent, list) else []:
            info = self._informed.get(each) if number_of(each) is not None else None
            if info is None or MINUTES not in codes(info.get("category")):
                continue
            quantity = obj(info.get("valueQuantity")).get("value")
            minutes = minutes if quantity is None else quantity
            period = obj(info.get("timingPeriod"))
            if (start := _clock(period.get("start"))) and (end := _clock(period.get("end"))):
                intervals.append({"start": start, "end": end})
        return minutes, intervals

    def _notes(self) -> list[Any] | None:
        notes = [note for info in self._of(NOTE) if (note := self._shared(info)) is not None]
        return notes or None

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        for info in self._of(FACTS):
            shared = self._shared(info) or {}
            facts.update({key: shared[key] for key in SHARED_FACTS if key in shared})
        return facts

    def _of(self, category: str) -> Iterator[dict[str, Any]]:
        for info in objects(self._claim.get("supportingInfo")):
            if category in codes(info.get("category")):
                yield info

    def _shared(self, info: dict[str, Any]) -> dict[str, Any] | None:
        """The JSON object in a valueString or an attachment."""
        attachment = obj(info.get("valueAttachment"))
        try:
            written = text(info.get("valueString")) or base64.b64decode(text(attachment.get("data")) or "")
            value = from_json(written)
        except (ValueError, binascii.Error):
            value = None
        if not isinstance(value, dict):
            self._odd("supporting-info-unread", "/supportingInfo", "supportingInfo holds no JSON object: not read.")
            return None
        return value

    # -- where ----------------------------------------------------------------------------------------------------

    def _odd(self, code: str, pointer: str, message: str) -> None:
        if len(self._structure) < 100:
            where = _path(f"{self._pointer}{pointer}")
            self._structure.append(StructureFinding(code, where, message))

    def _placed(self, reason: RejectionError) -> RejectionError:
        """The reason, with the part of the resource that it is about."""
        source = self._sources.get("/".join(reason.pointer.split("/")[:3]), "")
        return RejectionError(pointer=reason.pointer, reason=f"{reason.reason} ({_path(self._pointer + source)})")

    def _locator(self, line_of: LineOf) -> Locate:
        sources = {
            **self._sources,
            "/diagnoses": "/diagnosis",
            "/billing_provider": "/provider",
            "/rendering_provider": "/careTeam",
            "/referring_provider": "/careTeam",
            "/supervising_provider": "/careTeam",
            "/patient": "/patient",
            "/payer": "/insurance",
            "/documentation": "/supportingInfo",
        }
        here = self._pointer

        def locate(pointer: str) -> str | None:
            source = sources.get(pointer) if pointer else ""
            if source is None:
                return None
            line = line_of(here + source)
            return _path(here + source) + ("" if line is None else f" (line {line})")

        return locate


def _path(pointer: str) -> str:
    """A pointer as FHIR people write it: `Bundle.entry[2].resource.item[0]`."""
    root = "Bundle" if pointer.startswith("/entry/") else "Claim"
    return root + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in pointer.split("/")[1:])


def _diagnosis_code(concept: object) -> str | None:
    for system, code in codings(concept):
        if not system or any(mark in system for mark in _ICD):
            return code
    return None


def _procedure_code(concept: object) -> str | None:
    """The CPT or HCPCS code.  One of a code set that is neither is none; one without a system counts if it looks so."""
    for system, code in codings(concept):
        if any(mark in system for mark in _BILLED_SYSTEMS) or (not system and _BILLED.fullmatch(code.upper())):
            return code
    return None


def _modifiers(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for concept in objects(item.get("modifier")):
        yield from list(codings(concept))[:1]


def _charge(item: dict[str, Any]) -> Any:  # noqa: ANN401 - the contract judges what was sent
    """What the line costs: `net`, else the price of one where one was given."""
    net = obj(item.get("net")).get("value")
    if net is not None:
        return net
    price, units = obj(item.get("unitPrice")).get("value"), obj(item.get("quantity")).get("value")
    return price if units in {None, 1} else None


def _clock(value: object) -> str | None:
    """HH:MM of a dateTime, in the local time that it was written in."""
    sent = text(value) or ""
    return sent[11:16] if len(sent) >= 16 and sent[10] == "T" else None


def _instant(value: object) -> datetime | None:
    """A dateTime with the zone that it was written with; a bare date has none."""
    sent = text(value)
    try:
        return datetime.fromisoformat(sent) if sent else None
    except ValueError:
        return None
