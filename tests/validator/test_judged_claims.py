"""The claims that the domain's experts judged by hand: each must get their verdict, and their findings."""

import json
from pathlib import Path
from typing import Any

import pytest

from palpate_schemas.claim import Claim
from palpate_schemas.values import Outcome
from palpate_validator.book import shipped_rule_book
from palpate_validator.engine import judge

VECTORS = Path(__file__).parents[2].parent / "shared" / "domain" / "vectors.jsonl"
ROWS: list[dict[str, Any]] = (
    [json.loads(line) for line in VECTORS.read_text("utf-8").splitlines() if line.strip()] if VECTORS.exists() else []
)


def test_the_judged_claims_are_there() -> None:
    assert ROWS, f"no judged claims: {VECTORS} is absent or empty"


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in ROWS])
def test_a_claim_is_judged_as_by_hand(row: dict[str, Any]) -> None:
    claim = Claim.model_validate(row["claim"])
    judgement = judge(claim, claim.submitted_on, shipped_rule_book())
    violated = {finding.rule for finding in judgement.findings if finding.outcome is Outcome.VIOLATED}

    assert not judgement.failures
    assert set(row["must"]) <= violated
    assert violated.isdisjoint(row["must_not"])
    assert judgement.verdict == row["verdict"], [f.message for f in judgement.findings if f.severity == "error"]
