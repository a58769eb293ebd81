"""Every rule, case by case, from the YAML file of its name.

A case's `settings` are values of the payer profile, laid over the one that the claim leads to (`null` takes one away).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from palpate_schemas.finding import Finding
from palpate_schemas.values import Outcome, Severity
from palpate_validator.book import RuleBook, shipped_rule_book
from palpate_validator.catalogue import catalogue
from palpate_validator.dated import BEGINNING, DatedValue, Timeline
from palpate_validator.engine import judge
from palpate_validator.profiles import Profile, Profiles
from tests.validator.claims import parsed

CASES = Path(__file__).parent / "rules"
_SHORTHAND = {"lines", "date", "payer", "claim", "note", "notes"}
_EXPECTATIONS = {"fails", "warns", "informs", "cannot tell", "passes"}


def file_of(rule_id: str) -> Path:
    """Where a rule's cases are."""
    return CASES / f"{rule_id.replace('-', '_').replace('.', '_')}.yaml"


def cases_of(rule_id: str) -> list[dict[str, Any]]:
    """The cases of one rule; none where the file is not there."""
    path = file_of(rule_id)
    cases: list[dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["cases"] if path.exists() else []
    return cases


RULE_IDS = sorted({rule.id for rule in catalogue()})
ALL = [pytest.param(rule_id, case, id=f"{rule_id}: {case['it']}") for rule_id in RULE_IDS for case in cases_of(rule_id)]


def answer(findings: list[Finding]) -> str:
    """What a rule said, in the words of the cases: its gravest finding, or that it passes."""
    if not findings:
        return "passes"
    violated = [finding for finding in findings if finding.outcome is Outcome.VIOLATED]
    if not violated:
        return "cannot tell"
    severities = {finding.severity for finding in violated}
    if Severity.ERROR in severities:
        return "fails"
    return "warns" if Severity.WARNING in severities else "informs"


def book_with(settings: dict[str, Any], profile: Profile) -> RuleBook:
    """The shipped rule book, with one profile's settings changed."""
    shipped = shipped_rule_book()
    if not settings:
        return shipped
    changed = {
        key: Timeline([] if value is None else [DatedValue(value, BEGINNING, None, "the case")])
        for key, value in settings.items()
    }
    mine = replace(profile, settings={**profile.settings, **changed})
    others = [each for each in shipped.profiles.by_id.values() if each.id != mine.id]
    return RuleBook(shipped.rules, shipped.parameters, shipped.tables, Profiles([*others, mine]), shipped.ruleset)


@pytest.mark.parametrize(("rule_id", "case"), ALL)
def test_the_rule_answers_as_the_case_says(rule_id: str, case: dict[str, Any]) -> None:
    known = {"it", "settings", "expect", "evidence", "message", "line", "pointer", "needs", "patch"}
    unknown = case.keys() - _SHORTHAND - known
    assert not unknown, f"a case does not know {unknown}"
    assert case["expect"] in _EXPECTATIONS

    claim = parsed(**{key: case[key] for key in _SHORTHAND & case.keys()})
    profile = shipped_rule_book().profiles.for_payer(claim.payer)
    judgement = judge(claim, claim.submitted_on, book_with(case.get("settings", {}), profile))
    assert not judgement.failures, judgement.failures
    findings = [finding for finding in judgement.findings if finding.rule == rule_id]

    assert answer(findings) == case["expect"], findings
    if findings:
        first = findings[0]
        shown = {key: first.evidence.get(key, "nothing") for key in case.get("evidence", {})}
        assert shown == case.get("evidence", {})
        assert case.get("message", "") in first.message
        assert first.line_number == case.get("line", first.line_number)
        assert first.pointer == case.get("pointer", first.pointer)
        assert first.needs == case.get("needs", first.needs)
        if "patch" in case:
            assert [operation.model_dump(by_alias=True, exclude_none=True) for operation in first.patch or ()] == case[
                "patch"
            ]


def test_every_case_file_belongs_to_a_rule() -> None:
    assert {path.name for path in CASES.glob("*.yaml")} <= {file_of(rule_id).name for rule_id in RULE_IDS}
