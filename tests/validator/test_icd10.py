"""ICD-10-CM codes by date of service, and the tables that hang on them."""

import re
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

from palpate_schemas.values import REGION_PATTERN
from palpate_validator.diagnosis_families import (
    excluded_together,
    is_manifestation,
    regions_of,
    supports_manual_therapy,
)
from palpate_validator.icd10 import CodeSet, Release, Standing, code_set, dotted, normalised, well_formed
from palpate_validator.icd10_build import build
from palpate_validator.seventh_character import seventh_character_fault
from palpate_validator.tables import TABLES, rows

CODES = [line.split(",") for line in (TABLES / "icd10cm.csv").read_text("utf-8").splitlines() if line[:1] not in "#c"]
MONTHS = ["2021-01", "2025-04", "2026-04"]


BEGINNINGS = {code[:length] for code, _, _ in CODES for length in range(1, len(code) + 1)}


@pytest.mark.parametrize(("sent", "bare", "shown"), [
    ("M54.2", "M542", "M54.2"),
    ("M542", "M542", "M54.2"),
    (" m54.2 ", "M542", "M54.2"),
    ("I10", "I10", "I10"),
    ("S13.4XXA", "S134XXA", "S13.4XXA"),
])  # fmt: skip
def test_a_code_reads_the_same_with_and_without_its_dot(sent: str, bare: str, shown: str) -> None:
    assert normalised(sent) == bare
    assert dotted(sent) == shown
    assert well_formed(sent)


@pytest.mark.parametrize("sent", ["724.2", "M5.42", "M54.", "M54.2.1", "M54-2", "M5", "S13.4XXAD", "..."])
def test_what_is_not_written_like_a_code_is_refused(sent: str) -> None:
    assert not well_formed(sent)


@pytest.mark.parametrize(("month", "billable"), [("2021-01", 72_621), ("2025-04", 74_260), ("2026-04", 74_719)])
def test_each_release_has_as_many_codes_as_its_publisher_says(month: str, billable: int) -> None:
    assert sum(not releases or month in releases.split() for _, _, releases in CODES) == billable


def test_the_codes_stand_in_the_order_that_the_search_relies_on() -> None:
    lines = [",".join(row) for row in CODES]
    assert lines == sorted(lines)
    assert {month for _, _, releases in CODES for month in releases.split()} == set(MONTHS)


def test_every_dated_change_moves_the_standing_on_its_day_and_not_before() -> None:
    codes = code_set()
    for row in rows(TABLES / "icd10cm_changes.csv"):
        first, last = row.day("first_day"), row.day("last_day")
        assert first or last, row
        if first:
            assert codes.on(row["code"], first).standing is Standing.BILLABLE, row
            assert codes.on(row["code"], first - timedelta(days=1)).standing is Standing.NOT_YET, row
        if last:
            assert codes.on(row["code"], last).standing is Standing.BILLABLE, row
            assert codes.on(row["code"], last + timedelta(days=1)).standing is Standing.ENDED, row


def test_no_dated_change_contradicts_a_release() -> None:
    releases_of = {code: releases.split() or MONTHS for code, _, releases in CODES}
    for release in code_set().releases:
        for row in rows(TABLES / "icd10cm_changes.csv"):
            billable = code_set().on(row["code"], release.first_day).standing is Standing.BILLABLE
            assert billable == (release.month in releases_of.get(row["code"], [])), (row, release)


def test_headings_change_to_codes_and_back_only_where_a_release_says_so() -> None:
    codes = code_set()
    assert codes.on("M542", date(2025, 3, 3)).standing is Standing.BILLABLE
    assert codes.on("M54", date(2025, 3, 3)).standing is Standing.HEADER
    assert codes.on("M2551", date(2025, 3, 3)).standing is Standing.HEADER
    assert codes.on("M5477", date(2025, 3, 3)).standing is Standing.NO_SUCH_CODE


def a_code_set(*lines: str) -> CodeSet:
    releases = [
        Release("2021-01", "the first", date(2021, 1, 1), date(2021, 9, 30)),
        Release("2025-04", "the second", date(2024, 10, 1), date(2025, 9, 30)),
    ]
    return CodeSet(sorted(lines), releases, {})


BEFORE, BETWEEN, AFTER = date(2020, 3, 3), date(2023, 3, 3), date(2025, 10, 1)


@pytest.mark.parametrize(("releases", "before", "between", "after"), [
    ("", Standing.BILLABLE, Standing.BILLABLE, Standing.BILLABLE),
    ("2021-01", Standing.BILLABLE, Standing.UNKNOWN, Standing.ENDED),
    ("2025-04", Standing.UNKNOWN, Standing.UNKNOWN, Standing.BILLABLE),
])  # fmt: skip
def test_outside_the_releases_only_what_they_settle_is_said(
    releases: str, before: Standing, between: Standing, after: Standing
) -> None:
    codes = a_code_set(f"M542,,{releases}")
    assert [codes.on("M542", day).standing for day in (BEFORE, BETWEEN, AFTER)] == [before, between, after]


def test_a_heading_stays_one_after_the_last_release_and_may_have_been_a_code_before_the_first() -> None:
    codes = a_code_set("M5450,,", "M5451,,")
    standings = [codes.on("M545", day).standing for day in (BEFORE, BETWEEN, AFTER)]
    assert standings == [Standing.UNKNOWN, Standing.HEADER, Standing.HEADER]


def test_what_no_release_has_is_unknown_outside_them_all() -> None:
    codes = a_code_set("M542,,")
    standings = [codes.on("M548", day).standing for day in (BEFORE, BETWEEN, AFTER)]
    assert standings == [Standing.UNKNOWN, Standing.NO_SUCH_CODE, Standing.UNKNOWN]
    assert codes.on("M548", AFTER).release == "the second"


@pytest.mark.parametrize(("code", "side"), [
    ("M25511", "right"), ("M25512", "left"), ("M25519", "unspecified"), ("M2550", None), ("M170", "both"),
    ("M1710", "unspecified"), ("M1711", "right"), ("S83511D", "right"), ("S8390XA", "unspecified"),
    ("M5430", "unspecified"), ("M542", None), ("S134XXA", None), ("G5603", "both"), ("M79601", "right"), ("I501", None),
])  # fmt: skip
def test_the_side_is_the_one_that_the_code_names(code: str, side: str | None) -> None:
    assert code_set().side(code) == side


@pytest.mark.parametrize(("code", "regions"), [
    ("M25511", {"shoulder"}), ("M25521", {"elbow"}), ("M25532", {"wrist"}), ("M25641", {"hand"}), ("M25551", {"hip"}),
    ("M25662", {"knee"}), ("M25571", {"ankle", "foot"}), ("M542", {"cervical"}), ("M5450", {"lumbar"}),
    ("M546", {"thoracic", "rib"}), ("M7501", {"shoulder"}), ("M7711", {"elbow"}), ("M722", {"foot"}),
    ("S39012D", {"lumbar"}), ("S134XXD", {"cervical"}), ("S161XXA", {"cervical"}), ("S233XXA", {"thoracic", "rib"}),
    ("M2669", {"head", "tmj"}), ("M797", set()), ("M5489", set()), ("R52", set()), ("M2550", set()), ("M2559", set()),
])  # fmt: skip
def test_a_diagnosis_lies_where_its_code_says(code: str, regions: set[str]) -> None:
    assert regions_of(code) == regions


def test_every_row_about_regions_names_codes_and_regions_that_exist() -> None:
    for row in rows(TABLES / "diagnosis_regions.csv"):
        assert row["prefix"] in BEGINNINGS, row
        assert row["regions"], row
        assert all(re.fullmatch(REGION_PATTERN, region) for region in row["regions"].split()), row


@pytest.mark.parametrize("table", ["supporting_diagnoses.csv", "excludes1_pairs.csv", "icd10cm_manifestations.csv"])
def test_every_row_about_a_family_names_codes_that_exist(table: str) -> None:
    for row in rows(TABLES / table):
        for column in row.keys() & {"prefix", "code", "excluded"}:
            assert row[column] in BEGINNINGS, row


@pytest.mark.parametrize(("code", "supports"), [
    ("M542", True), ("M1711", True), ("S134XXD", True), ("Z471", True), ("G4486", True), ("I890", True), ("N393", True),
    ("I10", False), ("E119", False), ("R52", False), ("R2681", False), ("F329", False), ("C50911", False),
    ("Z0000", False),
])  # fmt: skip
def test_families_that_support_manual_therapy(code: str, *, supports: bool) -> None:
    assert supports_manual_therapy(code) is supports


@pytest.mark.parametrize(("code", "expected"), [("G55", True), ("M4980", True), ("M14671", False), ("M542", False)])
def test_manifestations_are_those_of_the_tabular_list(code: str, *, expected: bool) -> None:
    assert is_manifestation(code) is expected


def test_an_excluded_pair_is_found_in_either_order_and_once() -> None:
    assert list(excluded_together(["M5020", "M542"], date(2025, 3, 3))) == [("M542", "M5020", "M54.2")]
    assert list(excluded_together(["M542", "M5126"], date(2025, 3, 3))) == []


@pytest.mark.parametrize(
    ("code", "right"), [("S134D", "S134XXD"), ("S134XD", "S134XXD"), ("S83511", None), ("S134XXG", None)]
)
def test_a_misplaced_seventh_character_is_told_from_a_missing_one(code: str, right: str | None) -> None:
    fault = seventh_character_fault(code)
    assert fault is not None
    assert fault.right == right


@pytest.mark.parametrize("code", ["M542", "S134XXD", "M548", "A", "S83511A"])
def test_other_codes_have_no_fault_in_their_seventh_character(code: str) -> None:
    assert seventh_character_fault(code) is None


def test_the_tables_are_built_from_the_packages(tmp_path: Path) -> None:
    old = "00001 M251    0 Fistula\n00002 M2511   1 Fistula, shoulder\n00003 M545    1 Low back pain\n"
    new = "1\nM00-M99\nM251\nM25111\nM25112\nM25119\nM54\nM545\nM5450\nG55\nS83\nS8390XA\n"
    tabular = """<r><section><diag><name>M25.1</name><desc>Fistula of joint</desc>
        <diag><name>M25.111</name><desc>Fistula, right shoulder</desc></diag>
        <diag><name>M25.112</name><desc>Fistula, left shoulder</desc></diag>
        <diag><name>M25.119</name><desc>Fistula, unspecified shoulder</desc></diag></diag>
        <diag><name>G55</name><desc>Root compressions in diseases classified elsewhere</desc>
        <codeFirst><note>disease</note></codeFirst></diag></section></r>"""
    for version, listing in (("1.2.0", old), ("1.3.0", new), ("1.5.0", new)):
        with zipfile.ZipFile(tmp_path / f"simple_icd_10_cm-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("simple_icd_10_cm/data/list.txt", listing)
            wheel.writestr("simple_icd_10_cm/data/tabular.xml", tabular)
    tables = tmp_path / "tables"
    tables.mkdir()

    build(tmp_path, tables)

    written = [line for line in (tables / "icd10cm.csv").read_text("utf-8").splitlines() if not line.startswith("#")]
    later = "2025-04 2026-04"
    assert written == [
        "code,side,releases",
        f"G55,,{later}",
        "M2511,,2021-01",
        f"M25111,r,{later}",
        f"M25112,l,{later}",
        f"M25119,u,{later}",
        "M545,,2021-01",
        f"M5450,,{later}",
        f"S8390XA,,{later}",
    ]
    assert [row["code"] for row in rows(tables / "icd10cm_manifestations.csv")] == ["G55"]
