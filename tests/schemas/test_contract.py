"""The published contract: fresh, valid, and what the models really write and read."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from pydantic_asyncapi import v3

from palpate_schemas import build, streams
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
    validator(event_type).validate(json.loads(found.model_dump_json(exclude_none=True, by_alias=True)))


def test_the_asyncapi_document_is_one_and_names_every_stream() -> None:
    document = build.asyncapi()
    v3.AsyncAPI.model_validate(document)
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert set(streams.READERS) <= addresses
    for message in document["components"]["messages"].values():
        assert (FOLDER / message["payload"]["schema"]["$ref"]).exists()
