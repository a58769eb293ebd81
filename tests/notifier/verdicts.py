"""Verdicts to start from."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from palpate_runtime.consumer import Entry
from palpate_schemas.verdict import ClaimVerdict

FIRST = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def _verdict(**changes: Any) -> ClaimVerdict:
    values: dict[str, Any] = {
        "claim_id": "CLM-1",
        "version": 1,
        "verdict": "pass",
        "applicable": True,
        "judged_at": FIRST,
        "ruleset": {"version": "1", "digest": "d"},
        "profile": "medicare-part-b",
        "claim_digest": "c",
        "payer_id": "PAYER-1",
        "practice": "1497758544",
        "rendering_npi": "1245319599",
        "source_event": {"source": "urn:pms:test", "id": "1"},
        "service_dates": ["2025-03-03"],
        "lines": [{"line_number": 1, "procedure_code": "97140", "modifiers": ["GP"], "units": 1}],
        "counts": {"judged": 1, "violated": 0, "undetermined": 0},
        "findings": [],
    }
    return ClaimVerdict.model_validate(values | changes)


def passed(**changes: Any) -> ClaimVerdict:
    """A claim that passes."""
    return _verdict(**changes)


def voided(**changes: Any) -> ClaimVerdict:
    """A claim that was withdrawn."""
    return _verdict(voided=True, applicable=False, **changes)


def failed(*rules: str, fixer: str = "biller", **changes: Any) -> ClaimVerdict:
    """A claim with an error of each of these rules."""
    findings = [
        {
            "rule": rule,
            "outcome": "violated",
            "severity": "error",
            "title": f"Title of {rule}",
            "message": f"Message of {rule}",
            "line_number": 1,
            "fixer": fixer,
            "remedy": f"Mend {rule}.",
        }
        for rule in rules
    ]
    return _verdict(verdict="fail", findings=findings, **changes)


def entry(verdict: ClaimVerdict, number: int) -> Entry:
    """A verdict as it lies on its stream."""
    kind = "claim.failed" if verdict.verdict == "fail" else "claim.passed"
    body = {
        "specversion": "1.0",
        "id": f"answer-{number}",
        "source": "urn:palpate:validator",
        "type": kind,
        "subject": verdict.claim_id,
        "time": verdict.judged_at.isoformat(),
        "data": verdict.model_dump(mode="json", exclude_none=True),
    }
    stream = "claims.failed" if kind == "claim.failed" else "claims.passed"
    return Entry(stream, f"{number}-0", json.dumps(body).encode())


def later(verdict: ClaimVerdict, seconds: float = 60) -> ClaimVerdict:
    """The same verdict, judged later."""
    return verdict.model_copy(update={"judged_at": verdict.judged_at + timedelta(seconds=seconds)})
