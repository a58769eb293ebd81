"""FHIR R4 `OperationOutcome`: what was found of one claim, or why it could not be read."""

import re
from collections.abc import Iterable, Sequence

from palpate_intake.outcome import ReadClaim, StructureFinding, Unreadable
from palpate_intake.replies.fhir_words import (
    CLAIM,
    STRUCTURE,
    Resource,
    claim_reference,
    coding,
    denial_codings,
    rule_coding,
)
from palpate_schemas.finding import Finding
from palpate_schemas.rejection import RejectionError
from palpate_schemas.values import Outcome, Severity

_SEVERITIES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "information"}
_PATH = re.compile(r"(?:Claim|Bundle)(?:\.[A-Za-z]+|\[[0-9]+\])*")
"""As the reader of FHIR names a place; it is FHIRPath.  Segments and lines are not."""


def operation_outcome(read: ReadClaim | Unreadable, findings: Iterable[Finding] = ()) -> Resource:
    """The resource.

    Args:
        read: What was read.
        findings: What the rule book says of it; none for what could not be read.
    """
    if isinstance(read, ReadClaim):
        claim_id: str | None = read.claim.claim_id
        issues = [_issue(each, read) for each in findings]
    else:
        claim_id = read.claim_id
        issues = [_unreadable(each, read) for each in read.reasons]
    issues += [_odd(each) for each in read.structure]
    named = {"extension": [{"url": CLAIM, "valueReference": claim_reference(claim_id)}]} if claim_id else {}
    return {"resourceType": "OperationOutcome", **named, "issue": issues or [_ALL_WELL]}


_ALL_WELL: Resource = {"severity": "information", "code": "informational", "details": {"text": "All OK"}}


def _issue(finding: Finding, read: ReadClaim) -> Resource:
    place = read.line_position(finding.pointer or "")
    open_question = finding.outcome is Outcome.UNDETERMINED
    return {
        "severity": "information" if open_question else _SEVERITIES[finding.severity],
        "code": "informational" if open_question else "business-rule",
        "details": {"coding": [rule_coding(finding), *denial_codings(finding.denial)], "text": finding.message},
        "diagnostics": _sentences(finding.remedy, _at(finding.line_number, place)),
        **_expression(place),
    }


def _odd(finding: StructureFinding) -> Resource:
    return {
        "severity": "warning",
        "code": "structure",
        "details": {"coding": [coding(STRUCTURE, finding.code)], "text": finding.message},
        "diagnostics": f"At {finding.position}.",
        **_expression(finding.position),
    }


def _unreadable(reason: RejectionError, read: Unreadable) -> Resource:
    return {
        "severity": "fatal",
        "code": "required" if reason.reason.startswith("this field is required") else "invalid",
        "details": {"coding": [coding(STRUCTURE, "unreadable")], "text": reason.reason},
        "diagnostics": _sentences(f"Pointer {reason.pointer}." if reason.pointer else "", f"At {read.position}."),
        **_expression(read.position),
    }


def _at(line_number: int | None, place: str) -> str:
    return f"At {place}." if line_number is None else f"Line {line_number}, at {place}."


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _expression(place: str) -> dict[str, Sequence[str]]:
    path = _PATH.match(place)
    return {"expression": [path.group(0)]} if path else {}
