"""The published contract: fresh, valid, and what the models really write and read."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from pydantic import TypeAdapter
from pydantic import ValidationError as RefusedByModel
from pydantic_asyncapi import v3

from palpate_schemas import build, streams
from palpate_schemas.claim import Claim
from palpate_schemas.events import ClaimEvent
from palpate_schemas.lean import to_json
from palpate_schemas.reasons import reasons_of
from palpate_validator.book import shipped_rule_book
from palpate_validator.verdicts import answer
from tests.processes import event
from tests.validator.claims import claim_with

FOLDER = Path(__file__).parents[2] / "schemas"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def validator(event_type: str) -> Draft202012Validator:
    return Draft202012Validator(build.json_schema(event_type), format_checker=FormatChecker())


@pytest.mark.parametrize("name", [name for name, _ in build.files()])
def test_the_committed_file_is_what_the_models_say(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == dict(build.files())[name], "run `make docs`"


def test_nothing_else_lies_in_the_folder() -> None:
    built = {name for name, _ in build.files() if name.startswith("json_schema/")}
    assert {f"json_schema/{path.name}" for path in (FOLDER / "json_schema").iterdir()} == built


@pytest.mark.parametrize("event_type", build.MODELS)
def test_every_schema_is_one(event_type: str) -> None:
    Draft202012Validator.check_schema(build.json_schema(event_type))


def test_a_claim_written_by_hand_fits_the_schema() -> None:
    validator("claim.created").validate(json.loads(event(claim_with(), event_id="1")))


@pytest.mark.parametrize(
    "change",
    [
        {"lines": []},
        {"diagnoses": ["M54.2"] * 13},
        {"payer": {"id": None}},
        {"patient": {"birth_date": "yesterday"}},
        {"place_of_service": "1"},
        {"version": 0},
        {"version": 2**63},
        {"documentation": [{"service_date": "2026-03-02"}] * 501},
        {"documentation": [{"service_date": "2026-03-02", "techniques": ["x"] * 501}]},
        {"documentation": [{"service_date": "2026-03-02", "service_minutes": {f"{n:05}": 1 for n in range(501)}}]},
    ],
)
def test_what_the_validator_rejects_the_schema_refuses(change: dict[str, Any]) -> None:
    raw = event(claim_with(claim=change), event_id="1")
    assert answer(raw, "s/1", shipped_rule_book(), NOW).event.type == "claim.rejected"
    with pytest.raises(ValidationError):
        validator("claim.created").validate(json.loads(raw))


@pytest.mark.parametrize(
    ("event_type", "raw"),
    [
        ("claim.passed", event(claim_with(), event_id="1")),
        ("claim.failed", event(claim_with(lines=[{"modifiers": ["25"], "units": 4}]), event_id="2")),
        ("claim.rejected", event({"claim_id": "x"}, event_id="3")),
        ("claim.rejected", b"{"),
    ],
)
def test_what_the_validator_writes_fits_the_schema(event_type: str, raw: bytes) -> None:
    found = answer(raw, "s/1", shipped_rule_book(), NOW).event
    assert found.type == event_type
    validator(event_type).validate(json.loads(to_json(found)))


def test_the_asyncapi_document_is_one_and_names_every_stream() -> None:
    document = build.asyncapi()
    v3.AsyncAPI.model_validate(document)
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert set(streams.READERS) <= addresses
    for message in document["components"]["messages"].values():
        assert (FOLDER / message["payload"]["schema"]["$ref"]).exists()


MANY = 20_000


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"lines": [1] * MANY}, "/data/lines/0"),
        ({"diagnoses": [1] * MANY}, "/data/diagnoses/0"),
        ({"documentation": [1] * MANY}, "/data/documentation/0"),
        ({"lines": [{"modifiers": [1] * MANY}]}, "/data/lines/0/modifiers/0"),
        ({"lines": [{"diagnosis_pointers": ["x"] * MANY}]}, "/data/lines/0/diagnosis_pointers/0"),
        ({"lines": [{"performed_by": [1] * MANY}]}, "/data/lines/0/performed_by/0"),
        ({"documentation": [{"techniques": [1] * MANY}]}, "/data/documentation/0/techniques/0"),
        ({"documentation": [{"contributors": [1] * MANY}]}, "/data/documentation/0/contributors/0"),
        ({"lines": [{"performed_by": [{}] * MANY}]}, "/data/lines/0/performed_by"),
        ({"documentation": [{"service_minutes": dict.fromkeys(map(str, range(MANY)), 1)}]}, None),
    ],
)
def test_a_claim_of_any_number_of_wrong_parts_has_few_reasons(data: dict[str, Any], pointer: str | None) -> None:
    """Each reason costs a kilobyte and more of memory: one claim of a megabyte had half a million of them."""
    raw = json.dumps({"specversion": "1.0", "id": "1", "source": "urn:s", "type": "claim.created", "data": data})
    with pytest.raises(RefusedByModel) as refused:
        ClaimEvent.model_validate_json(raw)
    assert refused.value.error_count() < 50
    assert pointer is None or pointer in {reason.pointer for reason in reasons_of(refused.value)}


def test_a_list_that_was_left_at_its_first_wrong_member_is_not_called_too_short() -> None:
    with pytest.raises(RefusedByModel) as refused:
        Claim.model_validate(claim_with(lines=[{"units": "two"}]))
    assert [reason.pointer for reason in reasons_of(refused.value)] == ["/lines/0/units"]
    with pytest.raises(RefusedByModel) as refused:
        Claim.model_validate(claim_with() | {"lines": []})
    assert [reason.pointer for reason in reasons_of(refused.value)] == ["/lines"]


def test_of_many_reasons_a_hundred_are_told_and_how_many_more_there_are() -> None:
    with pytest.raises(RefusedByModel) as refused:
        TypeAdapter(list[int]).validate_python(["x"] * 150)
    reasons = reasons_of(refused.value, "/data")
    assert (len(reasons), reasons[99].pointer) == (101, "/data/99")
    assert (reasons[100].pointer, reasons[100].reason) == ("/data", "and 50 more")
