"""`palpate rules` and `palpate rule`: what is in force for whom on a day, and a rule's page."""

import json
import re
from pathlib import Path

import pytest
from click import unstyle
from typer.testing import CliRunner, Result

from palpate_cli.main import app
from palpate_cli.rule_pages import page_of, pages
from palpate_validator.catalogue import catalogue, rule_by_id

UNITS_FOR_MEDICARE = {
    "time-cotreatment-double-count", "time-group-vs-individual", "time-not-countable", "time-same-block",
    "time-start-end-conflict", "time-total-lt-timed", "time-total-timed-missing", "time-total-treatment-missing",
    "units-line-over", "units-line-wrong-code", "units-not-positive-integer", "units-timing-rule-unknown",
    "units-total-over", "units-under-8-total", "units-underbilled", "units-untimed-over-1", "units-vs-time-unknown",
}  # fmt: skip
"""Not the rules of payers that count each service by itself (ama), want full quarters, or want clock times."""


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(app, arguments)


def listed(*arguments: str) -> dict[str, str]:
    """The severities that `palpate rules` lists, by rule."""
    result = run("rules", *arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    rows = json.loads(result.stdout)
    assert len({row["id"] for row in rows}) == len(rows), "a rule is listed twice"
    return {row["id"]: row["severity"] for row in rows}


# -- the list --------------------------------------------------------------------------------------------------------


def test_a_family_is_listed_as_it_is_in_force_for_a_payer_on_a_day() -> None:
    arguments = ("--family", "units", "--payer", "medicare", "--on", "2026-05-01")
    assert listed(*arguments).keys() == UNITS_FOR_MEDICARE
    shown = run("rules", *arguments)
    assert shown.exit_code == 0
    text = unstyle(shown.stdout)
    # However narrow the terminal, an id begins its line and its family follows.
    assert set(re.findall(r"^([a-z0-9-]+) +units ", text, re.MULTILINE)) == UNITS_FOR_MEDICARE
    assert f"{len(UNITS_FOR_MEDICARE)} rules. `palpate rule ID` shows one." in text


def test_without_a_payer_every_rule_is_listed_once() -> None:
    assert listed().keys() == {each.id for each in catalogue()}


@pytest.mark.parametrize(
    ("rule_id", "payer", "day", "in_force"),
    [
        ("mod-kx-missing", "medicare", "2017-12-31", False),
        ("mod-kx-missing", "medicare", "2018-01-01", True),
        ("mod-kx-missing", "commercial-cms", "2018-01-01", False),
        ("mod-cq-missing", "medicare", "2019-12-31", False),
        ("mod-cq-missing", "medicare", "2020-01-01", True),
        ("mod-therapy-missing", "uhc-commercial", "2020-03-31", False),
        ("mod-therapy-missing", "uhc-commercial", "2020-04-01", True),
        ("units-line-under-8-ama", "commercial-ama", "2026-05-01", True),
        ("units-line-under-8-ama", "medicare", "2026-05-01", False),
        ("doc-signature", "medicare", "2007-12-31", True),
        ("doc-signature", "medicare", "2008-01-01", True),
    ],
)
def test_payer_and_day_decide_what_is_listed(rule_id: str, payer: str, day: str, in_force: bool) -> None:
    assert (rule_id in listed("--payer", payer, "--on", day)) is in_force


@pytest.mark.parametrize(("day", "in_force"), [("2014-12-31", False), ("2015-01-01", True)])
def test_a_day_alone_leaves_out_what_was_not_in_force(day: str, in_force: bool) -> None:
    assert ("mod-59-with-x" in listed("--on", day)) is in_force


def test_the_severity_is_that_for_the_payer() -> None:
    assert listed("--payer", "medicare", "--on", "2026-05-01")["time-total-timed-missing"] == "error"
    assert listed("--payer", "commercial-cms", "--on", "2026-05-01")["time-total-timed-missing"] == "warning"


def test_a_program_and_its_default_profile_are_the_same_payer() -> None:
    on = ("--on", "2026-05-01")
    assert listed("--payer", "medicare", *on) == listed("--payer", "medicare-part-b", *on)


def test_a_site_s_profile_is_listed_by(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'id = "mine"\nextends = "medicare-part-b"\n[rules]\nignore = ["units-underbilled"]\n'
        'severity = { units-total-over = "warning" }\n'
    )
    mine = listed("--family", "units", "--payer", "mine", "--profiles", str(tmp_path))
    assert mine.keys() == UNITS_FOR_MEDICARE - {"units-underbilled"}
    assert mine["units-total-over"] == "warning"


def test_a_row_says_who_mends_it_since_when_and_by_what_source() -> None:
    rows = {row["id"]: row for row in json.loads(run("rules", "--format", "json").stdout)}
    row = rows["mod-kx-missing"]
    assert (row["family"], row["fixer"], row["from"], row["through"]) == ("modifiers", "clinician", "2018-01-01", None)
    assert row["denial"] == {"carc": "119", "group": "CO"}
    assert row["sources"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--family", "unit"), "there is no family 'unit'; there are caps, claim, codes"),
        (("--payer", "medcare"), "there is no payer profile or program 'medcare'; there are aetna"),
        (("--on", "yesterday"), "yesterday"),
    ],
)
def test_what_there_is_not_is_said_with_exit_2(arguments: tuple[str, str], says: str) -> None:
    result = run("rules", *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""


def test_a_wrong_profile_of_a_site_is_said_with_its_line_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('id = "mine"\ntiming_rule = "eights"\n')
    result = run("rules", "--profiles", str(tmp_path))
    assert result.exit_code == 2
    assert "mine.toml:2: `timing_rule` is one of" in result.stderr


# -- a page ----------------------------------------------------------------------------------------------------------


def test_a_rule_s_page_is_shown_with_its_facts_values_and_sources() -> None:
    result = run("rule", "mod-kx-missing")
    assert result.exit_code == 0
    order = ["mod-kx-missing", "What it checks", "Why it matters", "How to fix", "Example that fails"]
    order += ["Example that passes", "Limits", "Facts", "Dated values", "2410.00", "Sources", "ch. 5 §10.3.3"]
    places = [result.stdout.find(text) for text in order]
    assert places == sorted(places)
    assert places[0] >= 0


@pytest.mark.parametrize(
    ("asked", "near"),
    [("mod-kx-mising", "mod-kx-missing"), ("kx-missing", "mod-kx-missing"), ("units_total_over", "units-total-over")],
)
def test_an_unknown_rule_is_answered_with_near_ones_and_exit_2(asked: str, near: str) -> None:
    result = run("rule", asked)
    assert result.exit_code == 2
    assert f"there is no rule '{asked}'; did you mean " in result.stderr
    assert near in result.stderr.partition("did you mean")[2]
    assert result.stdout == ""


def test_a_name_near_to_none_leads_to_the_list() -> None:
    result = run("rule", "zzzzzz")
    assert result.exit_code == 2
    assert "`palpate rules` lists them" in result.stderr


def test_a_page_tells_the_decisions_of_a_rule_apart_where_they_differ() -> None:
    page = page_of(rule_by_id("doc-functional-gcodes"))
    assert "| Dates of service | from 2013-07-01 to 2018-12-31; from 2019-01-01 |" in page
    assert (
        "(from 2013-07-01 to 2018-12-31) Take the functional reporting codes off the claim. (from 2019-01-01)" in page
    )


def test_a_page_says_which_setting_of_a_payer_it_hangs_on() -> None:
    assert "| Payers | all, where the payer profile says `kx` = `true` |" in page_of(rule_by_id("mod-kx-missing"))
    assert "| Payers | all, where the payer profile says `timely_filing_days` |" in page_of(rule_by_id("timely-filing"))


def test_a_page_holds_every_value_with_its_days_and_its_source() -> None:
    page = page_of(rule_by_id("mod-kx-missing"))
    assert "| from 2026-01-01 to 2026-12-31 | 2480.00 | alsintegratedsvc.com" in page
    assert "Checked for changes up to 2026-12-31." in page


# -- docs/rules ------------------------------------------------------------------------------------------------------


def test_writing_makes_every_page_removes_those_of_rules_that_are_gone_and_keeps_what_is_written_by_hand(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "rule-of-old.md").write_text("gone")
    (folder / "not-covered.md").write_text("by hand")
    result = run("rules", "--write", str(folder))
    assert result.exit_code == 0
    written = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert written == {**pages(), "not-covered.md": "by hand"}


def test_the_index_lists_every_rule_once_under_its_family() -> None:
    index = pages()["README.md"]
    for each in catalogue():
        assert index.count(f"| [{each.id}]({each.id}.md) |") == 1
    families = [line.removeprefix("## ") for line in index.splitlines() if line.startswith("## ")]
    assert families == sorted({each.family for each in catalogue()})


def test_no_page_shows_a_value_as_a_program_does() -> None:
    strange = ("object at 0x", "datetime.", "Decimal(", "frozenset", "_AnyValue", "True", "None")
    assert [
        name for name, text in pages().items() if any(word in text.partition("## Facts")[2] for word in strange)
    ] == []
