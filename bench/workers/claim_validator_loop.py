"""claim-validator (PyPI) on the same claims: all of its rule-based checks, none by a language model, no network.

They look at NPI check digits, taxonomy codes, the format and existence of ICD-10-CM and HCPCS codes, diagnosis
pointers, place of service, charges and their sum, dates and timely filing, duplicate lines and the form of modifiers.
Nothing of it is about manual therapy: no timed units, no notes, no payer's rules.

    python -m bench.workers.claim_validator_loop FILE ROUNDS

Prints the microseconds of processor time a claim of each round, then how many claims passed.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from claim_validator import validate


def as_theirs(claim: dict[str, Any]) -> dict[str, Any]:
    """A claim of the contract as that library's input; what is not in it is made up as a right value."""
    rendering, billing = claim["rendering_provider"], claim["billing_provider"]
    lines = claim["lines"]
    return {
        "billing_provider_npi": billing["npi"],
        "billing_provider_taxonomy": billing.get("taxonomy"),
        "rendering_provider_npi": rendering["npi"],
        "subscriber_id": "W123456789",
        "subscriber_first_name": "A",
        "subscriber_last_name": "B",
        "subscriber_dob": claim["patient"].get("birth_date"),
        "subscriber_gender": claim["patient"].get("sex"),
        "patient_first_name": "A",
        "patient_last_name": "B",
        "patient_dob": claim["patient"].get("birth_date"),
        "patient_gender": claim["patient"].get("sex"),
        "patient_relationship": "self",
        "payer_id": claim["payer"]["id"],
        "place_of_service": claim["place_of_service"],
        "total_charge": sum(float(line.get("charge", 1)) for line in lines),
        "filing_date": max(line["service_date"] for line in lines),
        "diagnosis_codes": [
            {"code": _dotted(code), "pointer": number, "type": "principal" if number == 1 else "secondary"}
            for number, code in enumerate(claim["diagnoses"], start=1)
        ],
        "lines": [
            {
                "procedure_code": line["procedure_code"],
                "modifiers": line.get("modifiers", []),
                "diagnosis_pointers": line.get("diagnosis_pointers", []),
                "charge_amount": float(line.get("charge", 1)),
                "units": float(line["units"]),
                "service_date_from": line["service_date"],
                "place_of_service": line.get("place_of_service") or claim["place_of_service"],
                "rendering_provider_npi": rendering["npi"],
            }
            for line in lines
        ],
    }


def _dotted(code: str) -> str:
    return code if "." in code or len(code) == 3 else f"{code[:3]}.{code[3:]}"


def main(file: str, rounds: int) -> None:
    """Measure."""
    read = [as_theirs(json.loads(line)["data"]) for line in Path(file).read_bytes().splitlines()]
    # It refuses what lies in the future of the clock.
    claims = [claim for claim in read if claim["filing_date"] <= datetime.now(UTC).date().isoformat()]
    passed = sum(validate(claim).passed for claim in claims)
    for _ in range(rounds):
        started = time.process_time()
        for claim in claims:
            validate(claim)
        print((time.process_time() - started) / len(claims) * 1e6)
    print(passed)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
