"""How a therapy code counts begins with its first date of service and ends after its last."""

from datetime import timedelta

import pytest

from palpate_validator.book import shipped_rule_book
from palpate_validator.dated import BEGINNING
from palpate_validator.tables import ServiceCode

ONE_DAY = timedelta(days=1)
TABLES = shipped_rule_book().tables


@pytest.mark.parametrize("service", [pytest.param(each, id=each.code) for each in TABLES.services.values()])
def test_a_code_counts_on_its_days_and_on_no_other(service: ServiceCode) -> None:
    assert TABLES.kind(service.code, service.first_day) == service.kind
    if service.first_day != BEGINNING:
        assert TABLES.kind(service.code, service.first_day - ONE_DAY) is None
    if service.last_day is not None:
        assert TABLES.kind(service.code, service.last_day) == service.kind
        assert TABLES.kind(service.code, service.last_day + ONE_DAY) is None


def test_a_code_that_is_no_therapy_service_has_no_kind() -> None:
    assert TABLES.kind("99999", BEGINNING) is None
