"""`palpate check --format 277ca|999|operationoutcome|task`: stdout is a file of that form, stderr says the rest."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from palpate_cli.main import app
from tests.intake.replies import r4
from tests.intake.replies.second_reader import faults, named

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PALPATE_PROFILES", "PALPATE_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PALPATE_DATA", str(tmp_path / "data"))


def check(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def test_a_277ca_answers_every_claim_of_every_interchange() -> None:
    result = check(SAMPLES / "837p", "--format", "277ca")
    assert result.exit_code == 2
    assert faults(result.stdout) == []
    assert [each[0] for each in named(result.stdout, "ISA")] == ["00"] * 4
    assert len({each[12] for each in named(result.stdout, "ISA")}) == 4
    claims = [each[1] for each in named(result.stdout, "TRN") if each[1].startswith("SYN-")]
    assert claims == ["SYN-2001", "SYN-2002", "SYN-2005", "SYN-2006", "SYN-2003", "SYN-2004"]
    [complaint] = result.stderr.splitlines()
    assert "cut-off.837: segment 37: the transaction breaks off" in complaint


def test_a_999_answers_every_transaction() -> None:
    result = check(SAMPLES / "837p", "--format", "999")
    assert faults(result.stdout) == []
    assert [each[0] for each in named(result.stdout, "IK5")] == ["A", "E", "A", "A"]


@pytest.mark.parametrize("form", ["277ca", "999"])
def test_what_came_in_no_interchange_is_one_clear_line_a_file_and_the_rest_is_answered(form: str) -> None:
    lines, x12 = SAMPLES / "json" / "two-claims.jsonl", SAMPLES / "837p" / "missing-gp.837"
    result = check(lines, x12, "--format", form)
    assert result.exit_code == 2
    [complaint] = result.stderr.splitlines()
    assert complaint.startswith(f"palpate: {lines}: line 1: no X12 interchange holds this")
    assert "--format operationoutcome" in complaint
    assert len(named(result.stdout, "ST")) == 1
    assert faults(result.stdout) == []


def test_nothing_to_answer_is_nothing_printed() -> None:
    result = check(SAMPLES / "json" / "unreadable.json", "--format", "277ca")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "line 55, column 9" in result.stderr


def test_an_operation_outcome_is_a_line_a_claim_and_one_for_what_is_none() -> None:
    result = check(SAMPLES / "fhir", "--format", "operationoutcome")
    outcomes = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 2
    assert [r4.faults(each) for each in outcomes] == [[], [], []]
    assert ["error" in {issue["severity"] for issue in each["issue"]} for each in outcomes] == [False, True, False]
    assert {issue["severity"] for issue in outcomes[2]["issue"]} == {"fatal", "warning"}


def test_open_questions_are_issues_where_they_are_asked_for() -> None:
    x12 = SAMPLES / "837p" / "missing-gp.837"
    few = json.loads(check(x12, "--format", "operationoutcome").stdout)["issue"]
    many = json.loads(check(x12, "--format", "operationoutcome", "--undetermined").stdout)["issue"]
    assert len(many) > len(few)


def test_a_task_is_a_line_a_claim_that_fails() -> None:
    result = check(
        SAMPLES / "fhir" / "clean-pt-medicare.json", SAMPLES / "json" / "three-faults.json", "--format", "task"
    )
    [task] = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert r4.faults(task) == []
    assert task["focus"]["identifier"]["value"] == "SYN-1003"
    assert len(task["input"]) == 3
