"""Builds the published contract from the models: a JSON Schema for every event, and one AsyncAPI 3 document."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from palpate_schemas import streams
from palpate_schemas.described import Described
from palpate_schemas.events import (
    SCHEMA_URI,
    ClaimEvent,
    ClaimFailed,
    ClaimPassed,
    ClaimRejected,
    CorrectionEvent,
    DeadLetter,
)
from palpate_schemas.values import Wire

DIALECT = "https://json-schema.org/draft/2020-12/schema"

MODELS: dict[str, type[Wire]] = {
    "claim.created": ClaimEvent,
    "claim.corrected": ClaimEvent,
    "claim.voided": ClaimEvent,
    "claim.passed": ClaimPassed,
    "claim.failed": ClaimFailed,
    "claim.rejected": ClaimRejected,
    "correction.requested": CorrectionEvent,
    "correction.acknowledged": CorrectionEvent,
    "correction.disputed": CorrectionEvent,
    "correction.escalated": CorrectionEvent,
    "correction.resolved": CorrectionEvent,
    "correction.cancelled": CorrectionEvent,
    "dead.letter": DeadLetter,
}
"""Every event type, and the model of its envelope.  A dead letter is a record, not a CloudEvent."""

CHANNELS: dict[str, tuple[str, tuple[str, ...]]] = {
    streams.CLAIMS_CREATED: (
        "Claims as practice-management systems create, correct and void them.",
        ("claim.created", "claim.corrected", "claim.voided"),
    ),
    streams.CLAIMS_PASSED: ("Claims that may go to the payer.", ("claim.passed",)),
    streams.CLAIMS_FAILED: ("Claims with at least one error.", ("claim.failed",)),
    streams.CLAIMS_REJECTED: ("Events that could not be read as a claim.", ("claim.rejected",)),
    streams.CORRECTIONS: (
        "What becomes of failed claims.",
        tuple(name for name in MODELS if name.startswith("correction.")),
    ),
    streams.dead(streams.CLAIMS_CREATED): ("What the validator gave up on.", ("dead.letter",)),
    streams.dead(streams.CLAIMS_FAILED): ("What the notifier gave up on.", ("dead.letter",)),
    streams.dead(streams.CLAIMS_PASSED): ("What the notifier gave up on.", ("dead.letter",)),
    streams.dead(streams.WEBHOOKS): ("What no webhook of a source took in time.", ("dead.letter",)),
}


def json_schema(event_type: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one event type.

    What a PMS writes is described as it may be sent (defaults may be left out); what Palpate writes, as it is sent.
    """
    written_by_pms = event_type in CHANNELS[streams.CLAIMS_CREATED][1]
    schema = MODELS[event_type].model_json_schema(
        mode="validation" if written_by_pms else "serialization", schema_generator=Described
    )
    if "type" in schema.get("properties", {}):
        schema["properties"]["type"] = {"const": event_type, "title": "Type", "type": "string"}
    return {"$schema": DIALECT, "$id": SCHEMA_URI.format(type=event_type), **schema, "title": event_type}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of every stream."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Palpate",
            "version": "1",
            "description": (
                "Claim events on Redis Streams.  Each entry has one field, `event`: a CloudEvents 1.0 JSON object "
                "(on the `.dead` streams a dead letter).  Publish with `XADD <stream> * event '<json>'`."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {
            _key(stream): {
                "address": stream,
                "description": description,
                "messages": {_key(name): {"$ref": f"#/components/messages/{_key(name)}"} for name in types},
            }
            for stream, (description, types) in CHANNELS.items()
        },
        "operations": dict(_operations()),
        "components": {
            "messages": {
                _key(name): {
                    "name": name,
                    "contentType": "application/json",
                    "payload": {
                        "schemaFormat": f"application/schema+json;version={DIALECT.split('/')[-2]}",
                        "schema": {"$ref": f"json_schema/{name}.json"},
                    },
                }
                for name in MODELS
            }
        },
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """From Palpate's side: it receives claims, and sends everything else."""
    for stream in CHANNELS:
        action = "receive" if stream == streams.CLAIMS_CREATED else "send"
        yield f"{action}_{_key(stream)}", {"action": action, "channel": {"$ref": f"#/channels/{_key(stream)}"}}


def _key(name: str) -> str:
    return name.replace(".", "_")


def files() -> Iterator[tuple[str, str]]:
    """Every published file: its path below `schemas/`, and its text."""
    for event_type in MODELS:
        yield f"json_schema/{event_type}.json", _json(json_schema(event_type))
    yield "asyncapi.json", _json(asyncapi())


def write(folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> list[Path]:
    """Write all files below a folder, and more that others build; returns those that changed."""
    changed: list[Path] = []
    for name, text in (*files(), *more.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path)
    return changed


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
