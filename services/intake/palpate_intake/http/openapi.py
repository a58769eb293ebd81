"""The OpenAPI 3.1 document, from the operations and the models."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from palpate_intake.http.answers import Problem
from palpate_intake.http.operations import OPERATIONS, Operation, Schema
from palpate_intake.http.problems import MEDIA_TYPE, Kind
from palpate_schemas.described import Described

_SECURITY: Mapping[str, Any] = {
    "type": "http",
    "scheme": "bearer",
    "description": "The key that `palpate intake key NAME` printed.",
}
_DESCRIPTION = (
    "Claims go in as CloudEvents, FHIR or X12; each is judged, and its verdict can be asked for here or is sent to the "
    "source's webhook. 202 is answered when the claims are safely on the stream. The same claim sent again is the same "
    "event, so after any error the whole request can simply be sent again."
)
_RETRY_AFTER: Mapping[str, Any] = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
}
_Ref = dict[tuple[type[BaseModel], JsonSchemaMode], dict[str, Any]]


def document() -> dict[str, Any]:
    """The whole document."""
    refs, definitions = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Palpate intake", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {"schemas": definitions["$defs"], "securitySchemes": {"key": _SECURITY}},
    }


@cache
def text() -> str:
    """The document as it is published."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _schemas() -> tuple[_Ref, dict[str, Any]]:
    """What is sent is described as it may be sent, what is answered as it is answered."""
    models: set[tuple[type[BaseModel], Literal["validation", "serialization"]]] = {(Problem, "serialization")}
    for operation in OPERATIONS:
        models.add((operation.answer, "serialization"))
        models |= {(model, "validation") for schema in operation.accepts.values() for model in _models_in(schema)}
    in_order = sorted(models, key=lambda each: (each[0].__name__, each[1]))
    template = "#/components/schemas/{model}"
    return models_json_schema(in_order, ref_template=template, schema_generator=Described)  # type: ignore[return-value] # its keys are wider


def _models_in(schema: Schema) -> Iterator[type[BaseModel]]:
    if isinstance(schema, type):
        yield schema
    elif isinstance(items := schema.get("items"), type):
        yield items


def _operation(operation: Operation, refs: _Ref) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "responses": {
            str(operation.status): {
                "description": operation.summary,
                "content": {"application/json": {"schema": refs[operation.answer, "serialization"]}},
                **({"headers": operation.headers} if operation.headers else {}),
            },
            **{
                str(kind.status): _problem(kind, refs)
                for kind in sorted(operation.problems, key=lambda kind: kind.status)
            },
        },
    }
    if operation.parameters:
        found["parameters"] = list(operation.parameters)
    if operation.accepts:
        content = {kind: {"schema": _schema(schema, refs)} for kind, schema in operation.accepts.items()}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _schema(schema: Schema, refs: _Ref) -> Mapping[str, Any]:
    if isinstance(schema, type):
        return refs[schema, "validation"]
    if isinstance(items := schema.get("items"), type):
        return {**schema, "items": refs[items, "validation"]}
    return schema


def _problem(kind: Kind, refs: _Ref) -> dict[str, Any]:
    return {
        "description": kind.title,
        "content": {MEDIA_TYPE: {"schema": refs[Problem, "serialization"]}},
        **({"headers": _RETRY_AFTER} if kind.status in {429, 503} else {}),
    }
