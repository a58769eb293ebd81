"""A rule that needs a payer setting of any value is judged where the profile has one; else the setting is missed."""

from palpate_validator.book import RuleBook, shipped_rule_book
from palpate_validator.rule import SAID
from palpate_validator.selection import Selection
from tests.validator.claims import parsed


def selection_for(profile: str) -> Selection:
    book: RuleBook = shipped_rule_book()
    claim = parsed(payer={"profile": profile})
    return book.selection(book.profiles.for_payer(claim.payer), claim.lines[0].service_date)


def judged(selection: Selection) -> set[str]:
    return {each.rule.id for each in selection.selected}


def test_a_profile_that_says_the_filing_limit_has_it_judged() -> None:
    selection = selection_for("medicare-part-b")
    assert "timely-filing" in judged(selection)
    assert "timely_filing_days" not in selection.unsaid_settings


def test_a_profile_that_does_not_say_it_misses_the_setting() -> None:
    selection = selection_for("commercial-cms")
    assert "timely-filing" not in judged(selection)
    assert "timely_filing_days" in selection.unsaid_settings


def test_any_value_will_do() -> None:
    for value in (True, False, 0, 365, "cms", ["PT"]):
        assert value == SAID
