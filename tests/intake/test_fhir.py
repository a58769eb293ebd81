"""FHIR R4 claims: every element that the contract has a field for, references, and our supportingInfo convention."""

import base64
import json
from copy import deepcopy
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from palpate_intake.fhir import fhir_claims
from palpate_intake.outcome import ReadClaim, Unreadable
from palpate_schemas.values import Program

BUNDLE = json.loads((Path(__file__).parents[2] / "samples" / "fhir" / "clean-pt-medicare.json").read_text())


NPI = "http://hl7.org/fhir/sid/us-npi"


def _changed(**changes: Any) -> dict[str, Any]:
    """The sample Bundle with elements of its Claim changed; None takes one away."""
    bundle = deepcopy(BUNDLE)
    claim = _resource(bundle, "Claim")
    for name, value in changes.items():
        if value is None:
            del claim[name]
        else:
            claim[name] = value
    return bundle  # type: ignore[no-any-return]


def _resource(bundle: dict[str, Any], kind: str, own_id: str | None = None) -> dict[str, Any]:
    resources = [entry["resource"] for entry in bundle["entry"]]
    return next(each for each in resources if each["resourceType"] == kind and own_id in {None, each["id"]})


def _read(value: dict[str, Any]) -> ReadClaim:
    (outcome,) = fhir_claims(value, "f.json")
    assert isinstance(outcome, ReadClaim), outcome
    return outcome


def _item(**changes: Any) -> list[dict[str, Any]]:
    items = deepcopy(_resource(BUNDLE, "Claim")["item"])
    items[0].update(changes)
    return items  # type: ignore[no-any-return]


def _code(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def test_every_element_goes_to_its_field() -> None:
    claim = _read(BUNDLE).claim
    assert (claim.claim_id, claim.version, claim.frequency_code) == ("SYN-3001", 1, "1")
    assert claim.submitted_on == date(2026, 11, 19)
    assert (claim.payer.id, claim.payer.name, claim.payer.program) == ("00882", "Medicare Part B", Program.MEDICARE)
    assert (claim.patient.birth_date, claim.patient.sex, claim.patient.name) == (date(1951, 5, 4), "F", None)
    assert (claim.billing_provider.npi, claim.billing_provider.taxonomy) == ("1497758544", "261QP2000X")
    assert (claim.rendering_provider.npi, claim.rendering_provider.name) == ("1245319599", "Ada Quist")
    assert claim.rendering_provider.taxonomy == "225100000X"
    assert claim.referring_provider is not None
    assert claim.referring_provider.npi == "1122334455"
    assert (claim.place_of_service, claim.diagnoses) == ("11", ("M54.2",))
    line = claim.lines[0]
    assert (line.line_number, line.service_date, line.procedure_code) == (1, date(2026, 11, 16), "97140")
    assert (line.modifiers, line.units, line.charge) == (("GP",), Decimal(2), Decimal(110))
    assert (line.diagnosis_pointers, line.minutes, line.regions) == ((1,), 30, ("cervical",))
    assert line.performed_by == ()
    assert claim.documentation is not None
    assert claim.documentation[0].total_timed_minutes == 45
    assert claim.therapy_accrual is not None
    assert claim.therapy_accrual.pt_slp == Decimal("640.00")
    assert claim.coverage is not None
    assert claim.coverage.part_a_stay is False


def test_parts_are_found_by_path() -> None:
    outcome = _read(BUNDLE)
    assert outcome.position == "Bundle.entry[6]"
    assert outcome.line_position("/lines/1/units") == "Bundle.entry[6].resource.item[1]"
    assert outcome.line_position("/diagnoses/0") == "Bundle.entry[6].resource.diagnosis"


@pytest.mark.parametrize(
    ("changes", "path", "value"),
    [
        ({"status": "cancelled"}, "frequency_code", "8"),
        ({"related": [{"relationship": _code("", "replaces")}]}, "frequency_code", "7"),
        ({"meta": {"versionId": "3"}}, "version", 3),
        ({"meta": {"versionId": "a1"}}, "version", 1),
        ({"identifier": None}, "claim_id", "syn-3001"),
        ({"careTeam": None}, "rendering_provider.npi", "1497758544"),
        ({"provider": {"identifier": {"system": NPI, "value": "1003000126"}}}, "billing_provider.npi", "1003000126"),
        ({"provider": {"reference": "Organization/elsewhere"}}, "billing_provider.npi", "missing"),
        ({"insurance": [{"coverage": {"display": "Medicaid"}}], "insurer": None}, "payer.program", "medicaid"),
        ({"insurance": [{"coverage": {}, "preAuthRef": ["AUTH1"]}]}, "prior_authorization.number", "AUTH1"),
        ({"item": _item(quantity={"value": 1.5})}, "lines.0.units", Decimal("1.5")),
        ({"item": _item(quantity={})}, "lines.0.units", Decimal(0)),
        ({"item": _item(net={}, unitPrice={"value": 55}, quantity={"value": 1})}, "lines.0.charge", Decimal(55)),
        ({"item": _item(locationCodeableConcept=_code("", "12"))}, "lines.0.place_of_service", "12"),
        ({"item": _item(diagnosisSequence=[7])}, "lines.0.diagnosis_pointers", ()),
        ({"item": _item(informationSequence=[99])}, "lines.0.minutes", None),
        ({"item": _item(careTeamSequence=[2])}, "lines.0.performed_by", ()),
        (
            {"item": _item(servicedDate=None, servicedPeriod={"start": "2026-11-16T09:00:00Z", "end": "2026-11-17"})},
            "lines.0.service_date_through",
            date(2026, 11, 17),
        ),
        ({"item": _item(productOrService=_code("", "97140"))}, "lines.0.procedure_code", "97140"),
        (
            {"item": _item(productOrService=_code("http://snomed.info/sct", "229319008"))},
            "lines.0.procedure_code",
            "97110",
        ),
    ],
)  # fmt: skip
def test_what_differs_is_read_so(changes: dict[str, Any], path: str, value: Any) -> None:
    found: Any = _read(_changed(**changes)).claim.model_dump()
    for part in path.split("."):
        found = found[int(part)] if part.isdigit() else found[part]
    assert found == value


def test_references_are_followed_within_the_resource_and_within_the_bundle() -> None:
    claim = deepcopy(_resource(BUNDLE, "Claim"))
    claim["contained"] = [entry["resource"] for entry in BUNDLE["entry"] if entry["resource"] is not claim]
    alone = json.loads(json.dumps(claim).replace('"Patient/', '"#').replace('"Organization/', '"#'))
    alone = json.loads(json.dumps(alone).replace('"Practitioner/', '"#').replace('"Coverage/', '"#'))
    assert _read(alone).claim == _read(BUNDLE).claim
    addressed = json.loads(json.dumps(BUNDLE).replace('"Patient/p1"', '"urn:uuid:p1"'))
    assert _read(addressed).claim.patient.birth_date == date(1951, 5, 4)
    absolute = json.loads(json.dumps(BUNDLE).replace('"Patient/p1"', '"https://other.example/fhir/Patient/p1"'))
    assert _read(absolute).claim.patient.birth_date == date(1951, 5, 4)


def test_an_intervals_time_and_an_attached_note_are_read() -> None:
    info = deepcopy(_resource(BUNDLE, "Claim")["supportingInfo"])
    info[0]["timingPeriod"] = {"start": "2026-11-16T09:00:00-05:00", "end": "2026-11-16T09:30:00-05:00"}
    note = next(each for each in info if "palpate-note" in json.dumps(each["category"]))
    note["valueAttachment"] = {"data": base64.b64encode(note.pop("valueString").encode()).decode()}
    claim = _read(_changed(supportingInfo=info)).claim
    assert [(each.start, each.end) for each in claim.lines[0].intervals] == [("09:00", "09:30")]
    assert claim.documentation == _read(BUNDLE).claim.documentation


def test_a_note_that_is_no_json_is_left_out_and_said() -> None:
    info = deepcopy(_resource(BUNDLE, "Claim")["supportingInfo"])
    for each in info:
        if "valueString" in each:
            each["valueString"] = "not JSON"
    outcome = _read(_changed(supportingInfo=info))
    assert outcome.claim.documentation is None
    assert [finding.code for finding in outcome.structure] == ["supporting-info-unread"] * 2


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"diagnosis": None}, "/diagnoses"),
        ({"item": _item(modifier=[_code("", "GPX")])}, "/lines/0/modifiers/0"),
        ({"item": _item(quantity={"value": "two"})}, "/lines/0/units"),
        ({"item": []}, "/entry/6/resource/item"),
        ({"use": "preauthorization"}, "/use"),
        ({"patient": None}, "/patient/id"),
    ],
)
def test_what_cannot_be_a_claim_says_where(changes: dict[str, Any], pointer: str) -> None:
    (outcome,) = fhir_claims(_changed(**changes), "f.json")
    assert isinstance(outcome, Unreadable)
    assert [reason.pointer for reason in outcome.reasons] == [pointer]
    assert outcome.position == "Bundle.entry[6]"
