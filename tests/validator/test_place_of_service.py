"""Where a line was given, by the place-of-service codes of its date."""

from datetime import date
from pathlib import Path

import pytest

from palpate_validator.dated import BadData
from palpate_validator.place_of_service import place_of, read_places
from palpate_validator.visit import Line, lines_of
from tests.validator.claims import parsed


def line_at(place: str, day: str) -> Line:
    return lines_of(parsed(date=day, claim={"place_of_service": place}))[0]


@pytest.mark.parametrize(
    ("place", "before", "first"),
    [
        ("02", "2016-12-31", "2017-01-01"),
        ("10", "2021-12-31", "2022-01-01"),
        ("16", "2007-12-31", "2008-01-01"),
        ("19", "2015-12-31", "2016-01-01"),
        ("27", "2023-09-30", "2023-10-01"),
        ("58", "2019-12-31", "2020-01-01"),
        ("66", "2024-07-31", "2024-08-01"),
    ],
)
def test_a_code_begins_on_its_first_day(place: str, before: str, first: str) -> None:
    assert place_of(line_at(place, before)) is None
    found = place_of(line_at(place, first))
    assert found is not None
    assert found.code == place


@pytest.mark.parametrize(
    ("place", "manual_therapy"), [("11", "plausible"), ("99", "doubtful"), ("31", "facility"), ("02", "telehealth")]
)
def test_a_code_says_whether_hands_on_therapy_is_plausible_there(place: str, manual_therapy: str) -> None:
    found = place_of(line_at(place, "2025-03-03"))
    assert found is not None
    assert found.manual_therapy == manual_therapy


@pytest.mark.parametrize("place", ["00", "28", "30", "59", "98"])
def test_an_unassigned_code_is_none(place: str) -> None:
    assert place_of(line_at(place, "2025-03-03")) is None


@pytest.mark.parametrize("row", ["11,office,,,perhaps", "11,office,yesterday,,plausible"])
def test_a_wrong_row_is_refused_with_its_line(tmp_path: Path, row: str) -> None:
    path = tmp_path / "place_of_service.csv"
    path.write_text(f"code,name,first_day,last_day,manual_therapy\n{row}\n", "utf-8")
    with pytest.raises(BadData, match=r"place_of_service\.csv:2: "):
        read_places(path)


def test_a_code_ends_on_its_last_day(tmp_path: Path) -> None:
    path = tmp_path / "place_of_service.csv"
    path.write_text("code,name,first_day,last_day,manual_therapy\n98,gone,,2024-12-31,doubtful\n", "utf-8")
    place = read_places(path)["98"]
    assert place.in_force(date(2024, 12, 31))
    assert not place.in_force(date(2025, 1, 1))
