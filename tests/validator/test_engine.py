"""What holds of the judge whatever the claim: it never breaks, and only what a finding is about can change it.

Claims are drawn over the whole schema (`any_claims`), and from the correct ones (`correct_claims`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palpate_schemas.claim import Claim
from palpate_schemas.finding import Finding
from palpate_schemas.values import Outcome, Severity, Verdict
from palpate_validator.book import RuleBook, load_rule_book, shipped_rule_book
from palpate_validator.engine import Judgement, judge
from palpate_validator.rule import MissingFact, Rule
from palpate_validator.visit import MANUAL_THERAPY, Visit
from tests.validator.any_claims import any_claim, nearly_right_claim
from tests.validator.claims import parsed
from tests.validator.correct_claims import Json, correct_claim

WITH_NO_HASTE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
SEEDS = st.integers(0, 10**9)


def judged(claim: Claim, book: RuleBook | None = None) -> Judgement:
    """By the shipped rule book, where no other is given."""
    return judge(claim, claim.submitted_on, book or shipped_rule_book())


def told(findings: Iterable[Finding]) -> Counter[str]:
    """Findings without their place in the order of the lines: pointers, patches and lists of line numbers."""
    return Counter(f"{f.rule} {f.outcome} {f.severity} line {f.line_number}: {f.message} {f.needs}" for f in findings)


# -- never raises -----------------------------------------------------------------------------------------------------


@settings(WITH_NO_HASTE, max_examples=150)
@given(any_claim())
def test_no_claim_of_the_schema_breaks_a_rule(claim: Claim) -> None:
    assert not judged(claim).failures


@settings(WITH_NO_HASTE, max_examples=400)
@given(nearly_right_claim())
def test_no_claim_near_a_right_one_breaks_a_rule(claim: Claim) -> None:
    judgement = judged(claim)
    assert not judgement.failures
    for finding in judgement.findings:
        assert finding == Finding.model_validate_json(finding.model_dump_json())


def _breaks(_: Visit) -> Any:
    raise ZeroDivisionError


def _book_with(*rules: Rule) -> RuleBook:
    shipped = shipped_rule_book()
    return RuleBook((*shipped.rules, *rules), shipped.parameters, shipped.tables, shipped.profiles, shipped.ruleset)


def _rule(**header: Any) -> Rule:
    """A rule of the catalogue under another id that every visit is asked, with its header changed."""
    model = next(each for each in shipped_rule_book().rules if each.id == "mod-duplicate")
    return replace(model, id="broken", header=replace(model.header, unusual=None, **header))


def test_a_rule_that_raises_is_named_and_the_others_still_run() -> None:
    claim = parsed(lines=[{"modifiers": ["GP", "GP"]}])
    judgement = judged(claim, _book_with(replace(_rule(), judge=_breaks)))
    assert [failure.rule for failure in judgement.failures] == ["broken"]
    (open_question,) = [finding for finding in judgement.findings if finding.rule == "broken"]
    assert (open_question.outcome, open_question.severity) == (Outcome.UNDETERMINED, Severity.INFO)
    assert "mod-duplicate" in {finding.rule for finding in judgement.findings}


def test_a_question_that_raises_leaves_every_rule_open_that_begins_with_it() -> None:
    judgement = judged(parsed(), _book_with(_rule(given=_breaks)))
    assert [failure.rule for failure in judgement.failures] == ["broken"]
    assert judgement.verdict is Verdict.PASS


def test_a_question_that_misses_a_fact_names_it_for_every_rule() -> None:
    def asks(_: Visit) -> bool:
        raise MissingFact("the weather")

    judgement = judged(parsed(), _book_with(_rule(given=asks)))
    assert not judgement.failures
    assert [finding.needs for finding in judgement.findings if finding.rule == "broken"] == ["the weather"]


# -- what may not matter ----------------------------------------------------------------------------------------------


def _numbered(claim: Claim) -> Claim:
    """The claim with a line number of its own on each line, by which findings can be told apart."""
    lines = tuple(line.model_copy(update={"line_number": at}) for at, line in enumerate(claim.lines, start=1))
    return claim.model_copy(update={"lines": lines})


@settings(WITH_NO_HASTE, max_examples=400)
@given(nearly_right_claim(), st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(claim: Claim, random: Random) -> None:
    claim = _numbered(claim)
    lines = list(claim.lines)
    random.shuffle(lines)
    one, other = judged(claim), judged(claim.model_copy(update={"lines": tuple(lines)}))
    assert told(one.findings) == told(other.findings)
    assert (one.verdict, one.counts) == (other.verdict, other.counts)


SUPPLY = "A4556"
"""Electrodes: no therapy, no timed service, in no pair."""


@settings(WITH_NO_HASTE, max_examples=300)
@given(SEEDS)
def test_a_supply_of_another_day_changes_no_finding(seed: int) -> None:
    sent = correct_claim(Random(seed))
    first = min(line["service_date"] for line in sent["lines"])
    day = date.fromisoformat(first) - timedelta(days=8)
    supply = {"line_number": 50, "service_date": day, "procedure_code": SUPPLY, "units": 1, "charge": "9.00"}
    with_supply = {**sent, "lines": [*sent["lines"], supply]}
    # How long a claim may be filed is counted from its first day.
    own = {"timely-filing"}
    before = [f for f in judged(Claim.model_validate(sent)).findings if f.rule not in own]
    after = [f for f in judged(Claim.model_validate(with_supply)).findings if f.rule not in own]
    assert told(before) == told(after)


@settings(WITH_NO_HASTE, max_examples=200)
@given(nearly_right_claim())
def test_the_same_claim_has_the_same_verdict_and_findings_in_the_same_order(claim: Claim) -> None:
    again = judged(claim.model_copy(deep=True), ANOTHER_BOOK)
    assert judged(claim) == again


ANOTHER_BOOK = load_rule_book()
"""Loaded anew: nothing may hang on what was judged before."""


# -- what may not fail a claim ----------------------------------------------------------------------------------------

OF_THE_CLAIM = ("documentation", "therapy_accrual", "coverage", "submitted_on", "supervising_provider")
OF_A_LINE = ("minutes", "intervals", "performed_by", "regions", "charge")
OF_A_NOTE = (
    "text", "techniques", "regions", "response", "medical_necessity", "location", "signed_on", "contributors",
    "service_minutes", "patients_treated_at_once", "restricted_motion", "goals", "plan_of_care", "progress_report",
)  # fmt: skip


@settings(WITH_NO_HASTE, max_examples=400)
@given(
    SEEDS,
    st.sets(st.sampled_from(OF_THE_CLAIM)),
    st.sets(st.sampled_from(OF_A_LINE)),
    st.sets(st.sampled_from(OF_A_NOTE)),
)
def test_a_fact_that_is_not_shared_fails_no_right_claim(
    seed: int, of_the_claim: set[str], of_a_line: set[str], of_a_note: set[str]
) -> None:
    sent = correct_claim(Random(seed))
    _drop([sent], of_the_claim)
    _drop(sent["lines"], of_a_line)
    _drop(sent.get("documentation", []), of_a_note)
    errors = [f for f in judged(Claim.model_validate(sent)).findings if f.severity is Severity.ERROR]
    assert not errors, [(error.rule, error.message) for error in errors]


def _drop(objects: list[Json], facts: set[str]) -> None:
    for each in objects:
        for fact in facts:
            each.pop(fact, None)


@settings(WITH_NO_HASTE, max_examples=200)
@given(nearly_right_claim())
def test_only_an_error_fails_a_claim_and_what_cannot_be_told_is_none(claim: Claim) -> None:
    judgement = judged(claim)
    errors = [finding for finding in judgement.findings if finding.severity is Severity.ERROR]
    open_questions = [finding for finding in judgement.findings if finding.outcome is Outcome.UNDETERMINED]
    assert (judgement.verdict is Verdict.FAIL) == bool(errors)
    assert all(finding.severity is Severity.INFO and finding.needs for finding in open_questions)
    bills = any(line.procedure_code == MANUAL_THERAPY for line in claim.lines)
    assert judgement.applicable or not bills or claim.frequency_code == "8"


@settings(WITH_NO_HASTE, max_examples=200)
@given(nearly_right_claim())
def test_the_counts_are_those_of_the_findings(claim: Claim) -> None:
    judgement = judged(claim)
    violated = {finding.rule for finding in judgement.findings if finding.outcome is Outcome.VIOLATED}
    undetermined = {finding.rule for finding in judgement.findings if finding.outcome is Outcome.UNDETERMINED}
    assert judgement.counts.violated == len(violated)
    assert judgement.counts.undetermined == len(undetermined - violated)
    assert judgement.counts.judged >= judgement.counts.violated


GRAVITY = [Severity.ERROR, Severity.WARNING, Severity.INFO]


@settings(WITH_NO_HASTE, max_examples=200)
@given(nearly_right_claim())
def test_findings_stand_by_gravity_then_by_line_rule_and_pointer(claim: Claim) -> None:
    places = [(GRAVITY.index(f.severity), f.line_number or 0, f.rule, f.pointer or "") for f in judged(claim).findings]
    assert places == sorted(places)
