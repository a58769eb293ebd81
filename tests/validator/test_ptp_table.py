"""The edits by date of service, held to every row of the shipped table."""

import csv
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest

from palpate_validator.dated import BadData
from palpate_validator.quarter import Quarter
from palpate_validator.tables import TABLES, PtpQuarter, PtpTable, load_tables, ptp_quarter, rows

Pair = tuple[str, str]

with (TABLES / "ncci_ptp.csv").open(encoding="utf-8", newline="") as file:
    ROWS = [
        row
        for row in csv.DictReader(line for line in file if not line.startswith("#"))
        if row["setting"] == "practitioner"
    ]
ENFORCED = [row for row in ROWS if row["modifier_indicator"] != "9"]
TABLE = load_tables().ptp["medicare"]
ONE_DAY = timedelta(days=1)


def pair_of(row: dict[str, str]) -> Pair:
    return row["column1"], row["column2"]


def in_force(pair: Pair, day: date) -> bool:
    return any((edit.column1, edit.column2) == pair for edit in TABLE.edits(pair, day))


def deletions() -> dict[Pair, list[date]]:
    """Each pair's deletion dates, for pairs that have no row still open after them."""
    by_pair: defaultdict[Pair, list[date | None]] = defaultdict(list)
    for row in ENFORCED:
        by_pair[pair_of(row)].append(date.fromisoformat(row["deletion_date"]) if row["deletion_date"] else None)
    return {pair: sorted(d for d in days if d) for pair, days in by_pair.items() if None not in days}


def test_a_pair_is_an_edit_on_its_last_day_and_not_on_the_day_after_it() -> None:
    gone = deletions()
    assert len(gone) > 300
    for pair, days in gone.items():
        assert in_force(pair, days[-1]), pair
        assert not in_force(pair, days[-1] + ONE_DAY), pair


def test_each_deleted_row_ends_on_its_day_even_where_the_pair_was_made_again() -> None:
    deleted = [row for row in ENFORCED if row["deletion_date"]]
    assert len(deleted) > 900
    for row in deleted:
        last = date.fromisoformat(row["deletion_date"])
        assert any(edit.deletion == last for edit in TABLE.edits(pair_of(row), last)), row
        assert not any(edit.deletion == last for edit in TABLE.edits(pair_of(row), last + ONE_DAY)), row


def test_a_pair_withdrawn_on_the_day_it_began_is_never_an_edit() -> None:
    enforced = {pair_of(row) for row in ENFORCED}
    withdrawn = [row for row in ROWS if row["modifier_indicator"] == "9" and pair_of(row) not in enforced]
    assert len(withdrawn) > 300
    for row in withdrawn:
        last = date.fromisoformat(row["deletion_date"])
        assert not any(in_force(pair_of(row), day) for day in (last - ONE_DAY, last, last + ONE_DAY, date(2025, 3, 3)))


def test_indicator_0_allows_no_modifier_and_1_does() -> None:
    for row in ENFORCED:
        day = date.fromisoformat(row["deletion_date"]) if row["deletion_date"] else date(2024, 7, 1)
        edits = [each for each in TABLE.edits(pair_of(row), day) if (each.column1, each.column2) == pair_of(row)]
        assert [each.modifier_allowed for each in edits] == [row["modifier_indicator"] == "1"], row


def test_an_open_row_is_an_edit_on_every_day_from_its_quarter_on() -> None:
    for row in ENFORCED:
        if not row["deletion_date"]:
            assert in_force(pair_of(row), date(2024, 7, 1)), row
            assert in_force(pair_of(row), date(2030, 1, 1)), row


def test_the_order_of_the_codes_does_not_matter() -> None:
    day = date(2025, 3, 3)
    assert TABLE.edits(["97140", "97124", "97018"], day) == TABLE.edits(["97018", "97124", "97140", "97140"], day)
    assert [(edit.column1, edit.column2) for edit in TABLE.edits(["97140", "97124", "97018"], day)] == [
        ("97140", "97018"),
        ("97140", "97124"),
    ]


@pytest.mark.parametrize(
    ("pair", "sure_from"),
    [
        (("97140", "97124"), date(1, 1, 1)),
        (("97760", "97140"), date(2024, 7, 1)),
        (("97113", "97110"), date(2024, 7, 1)),
        (("29581", "97140"), date(2022, 1, 1)),
    ],
)
def test_the_table_says_from_when_a_pair_is_surely_an_edit(pair: Pair, sure_from: date) -> None:
    [edit] = [each for each in TABLE.edits(pair, date(2025, 3, 3)) if (each.column1, each.column2) == pair]
    assert edit.sure_from == sure_from


def published(tmp_path: Path, quarter: str, *lines: str) -> PtpQuarter:
    path = tmp_path / f"{quarter}.csv"
    header = "program,setting,column1,column2,modifier_indicator,effective_date,deletion_date,rationale"
    path.write_text("\n".join([header, *(f"medicare,practitioner,{line},x" for line in lines)]), encoding="utf-8")
    return ptp_quarter(Quarter.parse(quarter), rows(path))


def test_a_day_is_judged_by_its_own_quarter_then_the_next_then_the_newest(tmp_path: Path) -> None:
    table = PtpTable([published(tmp_path, "2025Q1"), published(tmp_path, "2026Q1")], published(tmp_path, "2024Q3"))
    judged_by = {
        day: str(table.quarter(date.fromisoformat(day)))
        for day in ("2019-06-01", "2024-08-01", "2025-01-01", "2025-03-31", "2025-04-01", "2026-03-31", "2026-04-01")
    }
    assert judged_by == {
        "2019-06-01": "2025Q1",
        "2024-08-01": "2025Q1",
        "2025-01-01": "2025Q1",
        "2025-03-31": "2025Q1",
        "2025-04-01": "2026Q1",
        "2026-03-31": "2026Q1",
        "2026-04-01": "2026Q1",
    }


def test_an_imported_quarter_older_than_the_shipped_one_does_not_judge_later_days(tmp_path: Path) -> None:
    table = PtpTable([published(tmp_path, "2023Q1")], published(tmp_path, "2024Q3"))
    assert str(table.quarter(date(2023, 3, 31))) == "2023Q1"
    assert str(table.quarter(date(2023, 4, 1))) == "2024Q3"


def test_an_edit_taken_back_in_a_later_quarter_is_not_held_against_an_older_claim(tmp_path: Path) -> None:
    then = published(tmp_path, "2020Q4", "97161,97140,1,2020-10-01,")
    later = published(tmp_path, "2021Q1", "97161,97140,9,2020-10-01,2020-10-01")
    codes, day = ["97161", "97140"], date(2020, 11, 2)
    assert len(PtpTable([then]).edits(codes, day)) == 1
    assert PtpTable([then, later]).edits(codes, day) == ()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("97140,97124,7,,", "modifier_indicator is 0, 1 or 9, not '7'"),
        ("97140,97124,0,1st of May,", "`effective_date` is not a date"),
        ("97140,97124,0,,2020-02-30", "`deletion_date` is not a date"),
    ],
)
def test_a_wrong_row_is_refused_with_file_and_line(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(BadData) as refusal:
        published(tmp_path, "2025Q1", "97140,97018,1,,", line)
    assert f"2025Q1.csv:3: {problem}" in str(refusal.value)


@pytest.mark.parametrize(
    ("quarter", "first", "last"),
    [
        ("2024Q1", date(2024, 1, 1), date(2024, 3, 31)),
        ("2024Q3", date(2024, 7, 1), date(2024, 9, 30)),
        ("2024Q4", date(2024, 10, 1), date(2024, 12, 31)),
    ],
)
def test_a_quarter_has_its_first_and_last_day(quarter: str, first: date, last: date) -> None:
    parsed = Quarter.parse(quarter)
    assert (parsed.first_day, parsed.last_day) == (first, last)
    assert Quarter.of(first) == Quarter.of(last) == parsed
    assert Quarter.of(first - ONE_DAY) < parsed < Quarter.of(last + ONE_DAY)
    assert str(parsed) == quarter


def test_a_quarter_written_another_way_is_refused() -> None:
    with pytest.raises(ValueError, match="written like 2026Q3"):
        Quarter.parse("Q3 2026")


def test_a_pair_that_was_taken_back_and_stands_from_the_same_day_stands(tmp_path: Path) -> None:
    then = published(tmp_path, "2026Q1", "97161,97140,9,1996-01-01,1996-01-01", "97161,97140,0,1996-01-01,")
    assert len(PtpTable([then]).edits(["97161", "97140"], date(2026, 2, 2))) == 1
