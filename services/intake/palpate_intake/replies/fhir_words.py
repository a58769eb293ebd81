"""What the FHIR replies share: code systems, and how a claim, a provider and a rule are named, never a person."""

import re
from typing import Any

from palpate_schemas.finding import Denial, Finding

Resource = dict[str, Any]

RULE = "urn:palpate:rule"
STRUCTURE = "urn:palpate:structure"
CLAIM = "urn:palpate:claim"
TASK = "urn:palpate:task"
CORRECTION = "urn:palpate:correction"
FIXER = "urn:palpate:fixer"
NPI = "http://hl7.org/fhir/sid/us-npi"
CARC = "https://x12.org/codes/claim-adjustment-reason-codes"
RARC = "https://x12.org/codes/remittance-advice-remark-codes"

_AN_NPI = re.compile(r"[0-9]{10}")


def coding(system: str, code: str, display: str = "") -> Resource:
    """One Coding."""
    return {"system": system, "code": code, **({"display": display} if display else {})}


def denial_codings(denial: Denial | None) -> list[Resource]:
    """How the payer would say it."""
    if denial is None:
        return []
    remark = [coding(RARC, denial.rarc)] if denial.rarc else []
    return [coding(CARC, denial.carc), *remark]


def rule_coding(finding: Finding) -> Resource:
    """The rule."""
    return coding(RULE, finding.rule, finding.title)


def claim_reference(claim_id: str) -> Resource:
    """A claim by its own number: whether and where it is a resource, only its sender knows."""
    return {"type": "Claim", "identifier": {"system": CLAIM, "value": claim_id}}


def practitioner_reference(npi: str) -> Resource | None:
    """A provider by NPI; none where the number is none."""
    if not _AN_NPI.fullmatch(npi):
        return None
    return {"type": "Practitioner", "identifier": {"system": NPI, "value": npi}}
