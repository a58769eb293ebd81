"""Who pays a FHIR claim, and which kind of payer that is."""

from typing import Any

from palpate_intake.fhir_references import References, last_part
from palpate_intake.fhir_values import Resource, codings, identifier, name, obj, objects, text
from palpate_intake.x12_claim import PROGRAMS
from palpate_schemas.values import Program

_TYPES = {
    # HL7 v3 ActCode, of Coverage.type
    "AUTOPOL": Program.AUTO,
    "WCBPOL": Program.WORKERS_COMP,
    "EHCPOL": Program.COMMERCIAL,
    "HMO": Program.COMMERCIAL,
    "PPO": Program.COMMERCIAL,
    "POS": Program.COMMERCIAL,
    "HIP": Program.COMMERCIAL,
    "SUBSIDMC": Program.MEDICARE_ADVANTAGE,
    # Source of Payment Typology
    "1": Program.MEDICARE,
    "11": Program.MEDICARE_ADVANTAGE,
    "12": Program.MEDICARE,
    "121": Program.MEDICARE,
    "2": Program.MEDICAID,
    "311": Program.TRICARE,
    "32": Program.VA,
    "5": Program.COMMERCIAL,
    "6": Program.COMMERCIAL,
    "95": Program.WORKERS_COMP,
    "96": Program.AUTO,
}
_CLAIM_FILING = "claim-filing"
"""In the system of a code that is an X12 claim-filing indicator (SBR09)."""

_NAMES = {
    "medicare": Program.MEDICARE,
    "medicare advantage": Program.MEDICARE_ADVANTAGE,
    "medicaid": Program.MEDICAID,
    "tricare": Program.TRICARE,
}
_PROGRAMS = "urn:palpate:program"


def payer_of(claim: Resource, references: References) -> dict[str, Any]:
    """The contract's payer: of the insurance that the claim goes to, else of its `insurer`."""
    insurances = objects(claim.get("insurance"))
    focal = next((each for each in insurances if each.get("focal") is True), insurances[0] if insurances else {})
    reference = obj(focal.get("coverage"))
    coverage = references.resolve(reference, claim)
    payer_reference = obj(claim.get("insurer")) or next(iter(objects(coverage.get("payor"))), {})
    payer = references.resolve(payer_reference, claim)
    called = name(payer) or text(payer_reference.get("display")) or text(reference.get("display"))
    own_id = identifier(payer) or identifier(payer_reference) or last_part(payer_reference) or called
    return {
        "id": (own_id or last_part(reference) or "unknown")[:64],
        "name": called,
        "program": _program(coverage, called),
    }


def _program(coverage: Resource, called: str | None) -> Program | None:
    for system, code in codings(coverage.get("type")):
        if system == _PROGRAMS:
            return next((program for program in Program if program == code), None)
        known = PROGRAMS if _CLAIM_FILING in system else _TYPES
        if code in known:
            return known[code]
    return _NAMES.get((called or "").lower())
