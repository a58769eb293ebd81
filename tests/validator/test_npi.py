"""An NPI as sent: ten digits, a first digit of 1 or 2, and a last digit that checks the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palpate_validator.npi import npi_fault

RIGHT = ["1234567893", "1245319599", "1497758544", "1003000126"]


@pytest.mark.parametrize("npi", RIGHT)
def test_an_issued_number_has_no_fault(npi: str) -> None:
    assert npi_fault(npi) is None


@pytest.mark.parametrize(
    ("npi", "fault"),
    [
        ("1234567890", "check digit"),
        ("1234567983", "check digit"),  # two neighbours of 1234567893 swapped
        ("3234567893", "first digit"),
        ("0234567893", "first digit"),
        ("123456789", "length"),
        ("12345678933", "length"),
        ("", "length"),
        ("123456789X", "length"),
        ("12345 6789", "length"),
        (
            "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff13",
            "length",
        ),  # digits, but not the ones a payer reads
        ("²²²²²²²²²²", "length"),
    ],
)
def test_a_wrong_number_is_told_by_what_is_wrong_first(npi: str, fault: str) -> None:
    assert npi_fault(npi) == fault


@given(st.text(max_size=20))
def test_garbage_never_raises(text: str) -> None:
    npi_fault(text)


@given(st.sampled_from(RIGHT), st.integers(1, 9), st.integers(1, 9))
def test_one_mistyped_digit_is_always_noticed(npi: str, place: int, shift: int) -> None:
    digit = (int(npi[place]) + shift) % 10
    assert npi_fault(f"{npi[:place]}{digit}{npi[place + 1 :]}") == "check digit"
