"""Correct claims to start from; a test changes one thing.

`claim_with` takes the shorthand of the YAML rule cases:

* `lines`: a list of partial lines, each laid over a correct 97140 line (15 minutes, 1 unit, GP);
* `date`: the date of service of lines and note (2025-03-03);
* `payer`, `claim`, `note`: merged into the claim, its payer or its note as an RFC 7396 merge patch (null removes);
* `notes`: the whole list of notes instead (`null`: none shared).

Minutes in the note (`service_minutes`, the totals) follow the lines unless `note` says otherwise.
"""

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

from palpate_schemas.claim import Claim

DATE_OF_SERVICE = "2025-03-03"

_TIMED = {
    "97032", "97033", "97034", "97035", "97036", "97110", "97112", "97113", "97116", "97124", "97129", "97130",
    "97140", "97530", "97533", "97535", "97537", "97542", "97750", "97755", "97760", "97761", "97763",
}  # fmt: skip


def claim_with(
    *,
    lines: list[dict[str, Any]] | None = None,
    date: str = DATE_OF_SERVICE,
    payer: dict[str, Any] | None = None,
    claim: dict[str, Any] | None = None,
    note: dict[str, Any] | None = None,
    notes: list[dict[str, Any]] | str | None = "follow the lines",
) -> dict[str, Any]:
    """A Medicare physical-therapy claim that is right in every way, with some things changed, as JSON values."""
    built = _base(date)
    built["lines"] = [_line(number, change, date) for number, change in enumerate(lines or [{}], start=1)]
    built["documentation"] = [merged(_note(built, date), note or {})] if notes == "follow the lines" else notes
    built["payer"] = merged(built["payer"], payer or {})
    if built["documentation"] is None:
        del built["documentation"]
    return merged(built, claim or {})


def parsed(**changes: Any) -> Claim:
    """The same as a `Claim`."""
    return Claim.model_validate(claim_with(**changes))


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396: objects are merged, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _base(day: str) -> dict[str, Any]:
    return {
        "claim_id": "CLM-1",
        "version": 1,
        "frequency_code": "1",
        "submitted_on": _plus(day, 2),
        "payer": {"id": "PAYER-1", "program": "medicare"},
        "patient": {"id": "PT-1001", "birth_date": "1961-05-04", "sex": "F"},
        "billing_provider": {"npi": "1497758544", "name": "Clinic", "taxonomy": "261QP2000X"},
        "rendering_provider": {"npi": "1245319599", "taxonomy": "225100000X", "profession": "PT"},
        "referring_provider": {"npi": "1003000126", "profession": "MD"},
        "place_of_service": "11",
        "diagnoses": ["M54.2"],
        "coverage": {"active_on_service_date": True, "part_a_stay": False, "home_health_episode": False},
        "therapy_accrual": {"year": int(day[:4]), "pt_slp": "300.00", "ot": "0.00"},
    }


def _line(number: int, change: dict[str, Any], day: str) -> dict[str, Any]:
    line: dict[str, Any] = {
        "line_number": number,
        "service_date": day,
        "procedure_code": "97140",
        "modifiers": ["GP"],
        "units": 1,
        "charge": "45.00",
        "diagnosis_pointers": [1],
    }
    code = change.get("procedure_code", "97140")
    if code in _TIMED:
        line["minutes"] = 15
    if code == "97140":
        line["regions"] = ["cervical"]
    return merged(line, change)


def _note(claim: dict[str, Any], day: str) -> dict[str, Any]:
    minutes: dict[str, int] = {}
    for line in claim["lines"]:
        if line.get("minutes") is not None and line["procedure_code"] in _TIMED:
            minutes[line["procedure_code"]] = minutes.get(line["procedure_code"], 0) + line["minutes"]
    timed = sum(minutes.values())
    return {
        "service_date": day,
        "clinician": {"npi": "1245319599", "profession": "PT"},
        "text": (
            "Joint mobs gr III C4-C6 PA glides to restore cervical rotation. Restricted C5 motion, "
            "rotation R 45 to 60 deg after treatment, pain 6/10 to 3/10."
        ),
        "techniques": ["joint mobilization"],
        "regions": ["cervical"],
        "total_timed_minutes": timed,
        "total_treatment_minutes": timed + 15,
        "response": "Rotation right improved 45 to 60 degrees, pain 6 to 3 of 10",
        "medical_necessity": "Restricted cervical motion limits driving; skilled mobilization required",
        "location": "office",
        "signed_by": {"name": "A. Clinician", "credentials": "PT"},
        "signed_on": day,
        "patients_treated_at_once": 1,
        "restricted_motion": "C5 rotation right restricted",
        "goals": "Rotation 70 degrees for safe driving",
        "plan_of_care": {
            "established_on": day,
            "certified_on": day,
            "certified_through": _plus(day, 86),
            "visits_per_week": 3,
            "procedure_codes": ["97140"],
        },
        "progress_report": {"last_on": day, "treatment_days_since": 1},
        "service_minutes": minutes,
    }


def _plus(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
