"""No false alarms: ten thousand correct claims, and not one error among what the rule book says of them.

A failing claim is named by its seed: `correct_claim(Random(seed))` makes it again.
"""

from random import Random

import pytest

from palpate_schemas.claim import Claim
from palpate_schemas.values import Severity, Verdict
from palpate_validator.book import shipped_rule_book
from palpate_validator.engine import Judgement, judge
from tests.validator.correct_claims import FIRST_DAY, LAST_DAY, PAYERS, Json, correct_claim

CLAIMS = 10_000
BATCH = 2_500


def judged(sent: Json) -> Judgement:
    """What the shipped rule book says of a claim."""
    claim = Claim.model_validate(sent)
    return judge(claim, claim.submitted_on, shipped_rule_book())


@pytest.mark.parametrize("first", range(0, CLAIMS, BATCH))
def test_a_correct_claim_has_no_error(first: int) -> None:
    alarms = {}
    for seed in range(first, first + BATCH):
        judgement = judged(correct_claim(Random(seed)))
        assert not judgement.failures, (seed, judgement.failures)
        assert judgement.applicable, seed
        if errors := [f"{f.rule}: {f.message}" for f in judgement.findings if f.severity is Severity.ERROR]:
            alarms[seed] = errors
    assert not alarms


@pytest.mark.parametrize("seed", range(60))
def test_the_same_claim_with_three_units_too_many_fails(seed: int) -> None:
    claim = correct_claim(Random(seed))
    first = next(line for line in claim["lines"] if line["procedure_code"] == "97140")
    first["units"] += 3
    judgement = judged(claim)
    over = {f.rule for f in judgement.findings if f.rule.startswith("units-")}
    assert over, "units that no minutes stand behind went unseen"
    known_count = judgement.profile in {"medicare-part-b", "medicaid", "commercial-cms", "commercial-ama"}
    assert judgement.verdict is Verdict.FAIL or not known_count


def test_the_claims_reach_every_payer_year_profession_and_fact_left_out() -> None:
    claims = [correct_claim(Random(seed)) for seed in range(2_000)]
    payers = {str(claim["payer"] | {"id": ""}) for claim in claims}
    years = {int(line["service_date"][:4]) for claim in claims for line in claim["lines"]}
    rendering = {claim["rendering_provider"].get("profession") for claim in claims}
    helpers = {person["profession"] for c in claims for line in c["lines"] for person in line.get("performed_by", [])}
    assert payers == {str({"id": "", **payer.named}) for payer in PAYERS}
    assert years == set(range(FIRST_DAY.year, LAST_DAY.year + 1))
    assert rendering >= {"PT", "OT", "DC", "MD", "DO", "NP", "PA", "LMT"}
    assert helpers >= {"PTA", "OTA"}
    for fact in ("documentation", "therapy_accrual", "coverage"):
        assert {fact in claim for claim in claims} == {True, False}
    assert {len(claim["lines"]) for claim in claims} >= {1, 2, 3, 4}
