"""OperationOutcome and Task: what they say, and that they are what R4 takes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from palpate_intake.outcome import ReadClaim
from palpate_intake.replies.correction_task import correction_task
from palpate_intake.replies.operation_outcome import operation_outcome
from tests.intake.replies.answering import AT, finding, judged
from tests.intake.replies.r4 import faults
from tests.intake.x12_text import x12

SAMPLES = Path(__file__).parents[3] / "samples"
FILES = sorted(each for each in SAMPLES.rglob("*") if each.suffix in {".json", ".jsonl", ".837"})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_sample_is_answered_by_resources_that_r4_takes(path: Path) -> None:
    answered = list(judged(path.read_bytes(), path.name))
    assert answered
    for read, findings in answered:
        assert faults(operation_outcome(read, findings)) == []
        if isinstance(read, ReadClaim):
            task = correction_task(read, findings, AT)
            failed = any(each.severity == "error" for each in findings)
            assert (task is not None) is failed
            assert task is None or faults(task) == []


@pytest.mark.parametrize(
    "spoilt",
    [
        {"issue": []},
        {"issue": [{"severity": "grave", "code": "invalid"}]},
        {"issue": [{"severity": "error"}]},
        {"issue": [{"severity": "error", "code": "invalid", "details": {}}]},
        {"issue": [{"severity": "error", "code": "invalid", "whence": "x"}]},
    ],
)
def test_the_table_of_r4_finds_what_is_wrong(spoilt: dict[str, Any]) -> None:
    assert faults({"resourceType": "OperationOutcome", **spoilt}) != []


def bundle() -> tuple[ReadClaim, Any]:
    [(read, findings)] = judged((SAMPLES / "fhir" / "modifier-25-on-97140.json").read_bytes(), "claim.json")
    assert isinstance(read, ReadClaim)
    return read, findings


def test_an_issue_says_what_is_wrong_what_to_do_and_where() -> None:
    read, findings = bundle()
    outcome = operation_outcome(read, findings)
    assert outcome["extension"][0]["valueReference"]["identifier"]["value"] == "SYN-3002"
    error = next(issue for issue in outcome["issue"] if issue["severity"] == "error")
    assert error["code"] == "business-rule"
    assert [(each["system"], each["code"]) for each in error["details"]["coding"]] == [
        ("urn:palpate:rule", "mod-25-on-97140"),
        ("https://x12.org/codes/claim-adjustment-reason-codes", "4"),
        ("https://x12.org/codes/remittance-advice-remark-codes", "N519"),
    ]
    [path] = error["expression"]
    assert path.startswith(("Claim.item[", "Bundle.entry["))
    assert "line" not in path


def test_a_place_in_another_form_is_told_in_words_and_never_as_a_path() -> None:
    [(read, findings)] = judged((SAMPLES / "837p" / "missing-gp.837").read_bytes())
    error = operation_outcome(read, findings)["issue"][0]
    assert "expression" not in error
    assert error["diagnostics"].endswith("Line 1, at segment 27 (SV1).")


def test_what_could_not_be_told_is_information_and_nothing_wrong_is_said_too() -> None:
    [(read, _)] = judged(x12())
    question = finding("units-vs-time-unknown", outcome="undetermined", severity="info")
    [issue] = operation_outcome(read, [question])["issue"]
    assert (issue["severity"], issue["code"]) == ("information", "informational")
    assert operation_outcome(read, [])["issue"] == [
        {"severity": "information", "code": "informational", "details": {"text": "All OK"}}
    ]


def test_what_cannot_be_read_is_fatal_with_a_reason_for_each_error() -> None:
    [(read, _)] = judged(b'{"claim_id": "J-1", "diagnoses": [], "lines": []}', "claim.json")
    outcome = operation_outcome(read)
    assert faults(outcome) == []
    assert {issue["severity"] for issue in outcome["issue"]} == {"fatal"}
    assert {issue["code"] for issue in outcome["issue"]} == {"required", "invalid"}


def test_a_task_asks_whom_for_what_until_when() -> None:
    read, findings = bundle()
    due = datetime(2026, 11, 30, 17, tzinfo=UTC)
    task = correction_task(read, findings, AT, due=due)
    assert task is not None
    assert faults(task) == []
    assert task["focus"] == {"type": "Claim", "identifier": {"system": "urn:palpate:claim", "value": "SYN-3002"}}
    assert task["owner"]["identifier"] == {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1245319599"}
    assert (task["status"], task["intent"]) == ("requested", "order")
    assert task["restriction"] == {"period": {"end": "2026-11-30T17:00:00+00:00"}}
    assert task["reasonCode"]["coding"][0]["code"] == "mod-25-on-97140"
    [wanted] = task["input"]
    assert wanted["type"]["coding"][0]["code"] == "mod-25-on-97140"
    assert "restriction" not in (correction_task(read, findings, AT) or {})


def test_a_task_names_nobody_by_a_number_that_is_none() -> None:
    [(read, _)] = judged(x12(("NM1*82*", "NM1*82*1*QUIST*ADA~")))
    assert isinstance(read, ReadClaim)
    task = correction_task(read, [finding("units-total-over")], AT)
    assert task is not None
    assert "owner" not in task
    assert correction_task(read, [finding("units-underbilled", severity="warning")], AT) is None
