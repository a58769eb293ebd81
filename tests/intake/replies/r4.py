"""As much of FHIR R4 (4.0.1) as our resources use: elements with cardinality and type, and the value sets that bind.

From https://hl7.org/fhir/R4/operationoutcome.html, task.html, references.html and datatypes.html.  An element that is
not here is an error: what R4 does not have, a server refuses.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

ISSUE_SEVERITY = {"fatal", "error", "warning", "information"}
ISSUE_TYPE = {
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
}
TASK_STATUS = {
    "draft",
    "requested",
    "received",
    "accepted",
    "rejected",
    "ready",
    "cancelled",
    "in-progress",
    "on-hold",
    "failed",
    "completed",
    "entered-in-error",
}
TASK_INTENT = {
    "unknown",
    "proposal",
    "plan",
    "order",
    "original-order",
    "reflex-order",
    "filler-order",
    "instance-order",
    "option",
}

# name: (least, most, type); a set is a value set that binds, a text the name of a type below.
TYPES: dict[str, dict[str, tuple[int, int | None, Any]]] = {
    "OperationOutcome": {
        "resourceType": (1, 1, {"OperationOutcome"}),
        "extension": (0, None, "Extension"),
        "issue": (1, None, "Issue"),
    },
    "Issue": {
        "severity": (1, 1, ISSUE_SEVERITY),
        "code": (1, 1, ISSUE_TYPE),
        "details": (0, 1, "CodeableConcept"),
        "diagnostics": (0, 1, str),
        "expression": (0, None, str),
    },
    "Task": {
        "resourceType": (1, 1, {"Task"}),
        "identifier": (0, None, "Identifier"),
        "status": (1, 1, TASK_STATUS),
        "intent": (1, 1, TASK_INTENT),
        "code": (0, 1, "CodeableConcept"),
        "description": (0, 1, str),
        "focus": (0, 1, "Reference"),
        "authoredOn": (0, 1, datetime),
        "requester": (0, 1, "Reference"),
        "performerType": (0, None, "CodeableConcept"),
        "owner": (0, 1, "Reference"),
        "reasonCode": (0, 1, "CodeableConcept"),
        "restriction": (0, 1, "Restriction"),
        "input": (0, None, "Input"),
    },
    "Restriction": {"period": (0, 1, "Period")},
    "Period": {"start": (0, 1, datetime), "end": (0, 1, datetime)},
    "Input": {"type": (1, 1, "CodeableConcept"), "valueString": (1, 1, str)},
    "Extension": {"url": (1, 1, "uri"), "valueReference": (0, 1, "Reference")},
    "Reference": {"type": (0, 1, str), "identifier": (0, 1, "Identifier"), "display": (0, 1, str)},
    "Identifier": {"system": (0, 1, "uri"), "value": (0, 1, str)},
    "CodeableConcept": {"coding": (0, None, "Coding"), "text": (0, 1, str)},
    "Coding": {"system": (0, 1, "uri"), "code": (0, 1, "code"), "display": (0, 1, str)},
}
_CODE = re.compile(r"[^\s]+(?:\s[^\s]+)*")
_URI = re.compile(r"[a-z]+:\S+")


def faults(value: dict[str, Any]) -> list[str]:
    """What is wrong with a resource, by path."""
    return list(_faults(value, value["resourceType"], value["resourceType"]))


def _faults(value: Any, kind: str, path: str) -> Iterator[str]:
    if not isinstance(value, dict) or not value:
        yield f"{path} is no {kind}"
        return
    elements = TYPES[kind]
    yield from (f"{path}.{name} is no element" for name in value if name not in elements)
    for name, (least, most, of) in elements.items():
        if name not in value:
            if least:
                yield f"{path}.{name} is missing"
            continue
        many = value[name] if most is None else [value[name]]
        if not isinstance(many, list) or not many:
            yield f"{path}.{name} is no list, or an empty one"
            continue
        for each in many:
            yield from _faults_of(each, of, f"{path}.{name}")


def _faults_of(value: Any, of: Any, path: str) -> Iterator[str]:
    if isinstance(of, str) and of in TYPES:
        yield from _faults(value, of, path)
    elif not isinstance(value, str) or not value.strip():
        yield f"{path} is no text, or an empty one"
    elif isinstance(of, set) and value not in of:
        yield f"{path} is not of its value set"
    elif of is datetime and datetime.fromisoformat(value).tzinfo is None:
        yield f"{path} has a time and no zone"
    elif (of == "code" and not _CODE.fullmatch(value)) or (of == "uri" and not _URI.fullmatch(value)):
        yield f"{path} is no {of}"
