"""What a site says of its payer in a profile of its own decides where the shipped profiles are silent."""

from pathlib import Path
from typing import Any

import pytest

from palpate_schemas.values import Severity
from palpate_validator.book import RuleBook, load_rule_book
from palpate_validator.engine import judge
from tests.validator.claims import parsed

PAYER = {"profile": "site", "program": "commercial"}
MASSAGE_THERAPIST = {"rendering_provider": {"profession": "LMT", "taxonomy": "225700000X"}}
NO_REFERRER = {"referring_provider": None}


@pytest.fixture
def book_with(tmp_path: Path) -> Any:
    def load(settings: str) -> RuleBook:
        text = f'id = "site"\nextends = "commercial-cms"\n{settings}\n'
        (tmp_path / "site.toml").write_text(text, "utf-8")
        return load_rule_book([tmp_path])

    return load


@pytest.mark.parametrize(
    ("settings", "rule", "claim", "severity"),
    [
        ("referral_required = true", "prov-referring", NO_REFERRER, Severity.ERROR),
        ("referral_required = false", "prov-referring", NO_REFERRER, None),
        ("telehealth_97140 = true", "pos-telehealth", {"place_of_service": "02"}, None),
        ("telehealth_97140 = false", "pos-telehealth", {"place_of_service": "02"}, Severity.ERROR),
        ("auth_required = true", "auth-missing", {}, Severity.ERROR),
        ("auth_required = false", "auth-missing", {}, None),
        ("timely_filing_days = 30", "timely-filing", {"submitted_on": "2025-04-03"}, Severity.ERROR),
        ("timely_filing_days = 60", "timely-filing", {"submitted_on": "2025-04-03"}, None),
        ("", "prov-lmt", MASSAGE_THERAPIST, Severity.WARNING),
        ('allowed_provider_types = ["PT", "LMT"]', "prov-lmt", MASSAGE_THERAPIST, None),
    ],
)
def test_the_profile_decides(
    book_with: Any, settings: str, rule: str, claim: dict[str, Any], severity: Severity | None
) -> None:
    judged = parsed(payer=PAYER, claim=claim)
    findings = judge(judged, judged.submitted_on, book_with(settings)).findings
    assert [finding.severity for finding in findings if finding.rule == rule] == (
        [] if severity is None else [severity]
    )


def test_a_filing_limit_that_the_profile_does_not_say_is_a_setting_that_it_misses(book_with: Any) -> None:
    book = book_with("")
    judged = parsed(payer=PAYER)
    profile = book.profiles.for_payer(judged.payer)
    assert "timely_filing_days" in book.selection(profile, judged.lines[0].service_date).unsaid_settings
