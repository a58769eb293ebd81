"""What spares asking a rule changes nothing: a rule that a visit does not ask would have had nothing to say of it."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings

from palpate_schemas.claim import Claim
from palpate_validator.book import shipped_rule_book
from palpate_validator.engine import days_judged
from palpate_validator.rule import MissingFact
from palpate_validator.selection import Selected, Selection
from palpate_validator.timed_pools import plain_day, pools, units_in_question
from palpate_validator.visit import Visit, lines_of
from tests.validator.any_claims import nearly_right_claim

PAYERS = ("medicare-part-b", "medicaid", "uhc-commercial", "commercial-ama", "workers-comp")


def visits(claim: Claim, payer: str) -> Iterator[tuple[Visit, Selection, bool]]:
    """The visits of a claim with their rules, as the engine makes them."""
    book, lines = shipped_rule_book(), lines_of(claim)
    profile = book.profiles.by_id[payer]
    days = days_judged(claim, lines)
    for day, its_lines in days.items():
        selection = book.selection(profile, day)
        yield Visit(claim, day, its_lines, claim.submitted_on, profile, book, selection), selection, False
    if days:
        selection = book.selection(profile, min(days))
        yield Visit(claim, min(days), lines, claim.submitted_on, profile, book, selection), selection, True


def not_asked(visit: Visit, selection: Selection, *, per_claim: bool) -> Iterator[Selected]:
    """The rules that the visit's codes and modifiers concern, and that what is usual about it spares."""
    asked: set[Selected] = set()
    for step in selection.steps(visit, "claim" if per_claim else "visit"):
        try:
            if step.given is None or step.given(visit):
                asked |= {*step.selected}
        except MissingFact:
            asked |= {*step.selected}  # Each of them then says which fact is missing.
    for each in selection.selected:
        header = each.rule.header
        billed = header.codes is None or not header.codes.isdisjoint(visit.codes)
        carried = header.modifiers is None or not header.modifiers.isdisjoint(visit.modifiers)
        if (header.per == "claim") is per_claim and billed and carried and each not in asked:
            yield each


@settings(max_examples=60)
@given(nearly_right_claim())
@pytest.mark.parametrize("payer", PAYERS)
def test_a_rule_that_is_not_asked_has_nothing_to_say(payer: str, claim: Claim) -> None:
    for visit, selection, per_claim in visits(claim, payer):
        for each in not_asked(visit, selection, per_claim=per_claim):
            try:
                said = [result.message for result in each.rule.judge(visit)]
            except MissingFact as missing:
                said = [missing.message]
            assert said == [], each.rule.id


@settings(max_examples=100)
@given(nearly_right_claim())
@pytest.mark.parametrize("payer", PAYERS)
def test_a_fact_that_a_question_misses_is_missed_by_each_of_its_rules(payer: str, claim: Claim) -> None:
    for visit, selection, per_claim in visits(claim, payer):
        for step in selection.steps(visit, "claim" if per_claim else "visit"):
            if step.given is not None and (missed := missed_by(step.given, visit)) is not None:
                for each in step.selected:
                    assert missed_by(lambda it, each=each: list(each.rule.judge(it)), visit) == missed, each.rule.id


def missed_by(asked: Callable[[Visit], object], visit: Visit) -> tuple[str, str] | None:
    """The fact whose lack a question or a rule tells of, and in which words."""
    try:
        asked(visit)
    except MissingFact as missing:
        return missing.needs, missing.message
    return None


@settings(max_examples=200)
@given(nearly_right_claim())
def test_a_plain_day_is_what_its_pools_say(claim: Claim) -> None:
    for visit, _, _ in visits(claim, "medicare-part-b"):
        if (plain := plain_day(visit)) is not None:
            [pool] = pools(visit)
            assert (plain.minutes, plain.billed) == (pool.minutes, pool.billed)
            assert pool.noted_total in {None, pool.known_minutes}
            assert not pool.unknown
            assert units_in_question(visit) or pool.plainly_right("cms")
