"""The table of modifiers: dates decide, digits are a closed set, and a bad row is refused by file and line."""

from datetime import date
from pathlib import Path

import pytest

from palpate_validator.dated import BadData
from palpate_validator.modifier_codes import is_certainly_none, modifier_named, read_modifiers

HEADER = "modifier,set,first_day,last_day\n"


@pytest.mark.parametrize("code", ["GP", "GO", "GN", "CQ", "CO", "KX", "59", "25", "XE", "AT", "GA", "GY", "U1", "99"])
def test_the_modifiers_of_the_trade_are_there(code: str) -> None:
    found = modifier_named(code)
    assert found is not None
    assert found.in_force(date(2025, 3, 3))


@pytest.mark.parametrize(
    ("code", "last_day_without", "first_day_with"),
    [
        ("XS", date(2014, 12, 31), date(2015, 1, 1)),
        ("95", date(2016, 12, 31), date(2017, 1, 1)),
        ("96", date(2017, 12, 31), date(2018, 1, 1)),
        ("93", date(2021, 12, 31), date(2022, 1, 1)),
        ("SZ", date(2018, 1, 1), date(2017, 12, 31)),
        ("21", date(2009, 1, 1), date(2008, 12, 31)),
    ],
)
def test_a_modifier_is_one_on_its_days_only(code: str, last_day_without: date, first_day_with: date) -> None:
    found = modifier_named(code)
    assert found is not None
    assert not found.in_force(last_day_without)
    assert found.in_force(first_day_with)


def test_digits_are_a_closed_set_and_letters_are_not() -> None:
    assert is_certainly_none("88")
    assert not is_certainly_none("59")
    assert not is_certainly_none("YY")
    assert not is_certainly_none("1Z")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("GPX,hcpcs,,\n", "two characters"),
        ("GP,local,,\n", "cpt or hcpcs"),
        ("GP,hcpcs,soon,\n", "first_day"),
    ],
)
def test_a_bad_row_is_refused_with_its_place(tmp_path: Path, row: str, problem: str) -> None:
    path = tmp_path / "modifiers.csv"
    path.write_text(HEADER + row, "utf-8")
    with pytest.raises(BadData, match=rf"modifiers\.csv:2: .*{problem}"):
        read_modifiers(path)
