"""FHIR R4 `Task`: the request to correct a claim, with a reason for each error."""

from collections.abc import Sequence
from datetime import datetime

from palpate_intake.outcome import ReadClaim
from palpate_intake.replies.fhir_words import (
    CORRECTION,
    FIXER,
    RULE,
    TASK,
    Resource,
    claim_reference,
    coding,
    denial_codings,
    practitioner_reference,
    rule_coding,
)
from palpate_schemas.finding import Finding
from palpate_schemas.values import Fixer, Outcome, Severity

_WHO = {Fixer.CLINICIAN: "Treating clinician", Fixer.BILLER: "Billing", Fixer.FRONT_DESK: "Front desk"}


def correction_task(
    read: ReadClaim, findings: Sequence[Finding], authored: datetime, *, due: datetime | None = None
) -> Resource | None:
    """The resource; None where nothing has to be corrected.

    Args:
        read: The claim.
        findings: What the rule book says of it.
        authored: When the correction is asked for; aware.
        due: Until when it is to be made, where somebody has set a day.
    """
    errors = [each for each in findings if each.outcome is Outcome.VIOLATED and each.severity is Severity.ERROR]
    if not errors:
        return None
    claim = read.claim
    owner = practitioner_reference(claim.rendering_provider.npi)
    return {
        "resourceType": "Task",
        "identifier": [{"system": CORRECTION, "value": f"{claim.claim_id}/{claim.version}"}],
        "status": "requested",
        "intent": "order",
        "code": {"coding": [coding(TASK, "correct-claim", "Correct a claim")], "text": "Correct the claim"},
        "description": f"{len(errors)} error{'s' * (len(errors) != 1)} to correct before this claim goes to the payer.",
        "focus": claim_reference(claim.claim_id),
        "authoredOn": authored.isoformat(timespec="seconds"),
        "requester": {"display": "Palpate"},
        "performerType": _performers(errors),
        **({"owner": owner} if owner else {}),
        "reasonCode": _reason(errors[0]),
        **({"restriction": {"period": {"end": due.isoformat(timespec="seconds")}}} if due else {}),
        "input": [_input(each, read) for each in errors],
    }


def _performers(errors: Sequence[Finding]) -> list[Resource]:
    fixers = list(dict.fromkeys(each.fixer for each in errors))
    return [{"coding": [coding(FIXER, str(fixer), _WHO[fixer])], "text": _WHO[fixer]} for fixer in fixers]


def _reason(gravest: Finding) -> Resource:
    return {"coding": [rule_coding(gravest), *denial_codings(gravest.denial)], "text": gravest.title}


def _input(finding: Finding, read: ReadClaim) -> Resource:
    """What is wrong, where, and what to do: one string, because R4 gives an input one value."""
    place = read.line_position(finding.pointer or "")
    return {
        "type": {"coding": [coding(RULE, finding.rule, finding.title)], "text": finding.title},
        "valueString": f"{finding.message} {finding.remedy} ({place})",
    }
