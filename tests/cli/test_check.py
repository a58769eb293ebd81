"""`palpate check`: what it prints, in each form, and the exit codes of the contract."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from palpate_cli.main import app

SAMPLES = Path(__file__).parents[2] / "samples"
FAULTY, CLEAN = SAMPLES / "json/three-faults.json", SAMPLES / "json/clean-pt-medicare.json"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PALPATE_PROFILES", "PALPATE_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PALPATE_DATA", str(tmp_path / "data"))


def check(*arguments: object, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)], input=given)


def block(output: str, rule: str) -> list[str]:
    """The lines that a finding takes."""
    lines = output.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"  {rule} "))
    rest = lines[first + 1 :]
    return [lines[first], *rest[: next(n for n, line in enumerate(rest) if not line.startswith("    "))]]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "units-total-over",
            [
                "  units-total-over  error  claim (line 46)",
                "    40 timed minutes allow 3 units; lines 1 and 2 bill 4. Acceptable: 97124 x1 + 97140 x2.",
                (
                    "    Do: Drop the units that the total does not allow, or have the minutes corrected if they "
                    "are wrong. (billing)"
                ),
                "    Denial: CO-151 N362",
                "    Source: Medicare Claims Processing Manual (Pub. 100-04) ch. 5 §20.2.C",
            ],
        ),
        (
            "mod-therapy-missing",
            [
                "  mod-therapy-missing  error  line 1 (line 51)",
                "    Line 1 bills 97140 without GP or GO.",
                "    Do: Add GP or GO, whichever plan of care the service was given under. (billing)",
                "    Denial: CO-4 N822",
                "    Source: Medicare Claims Processing Manual (Pub. 100-04) ch. 5 §20.1",
            ],
        ),
        (
            "ncci-hard",
            [
                "  ncci-hard  error  line 2 (line 69)",
                (
                    "    97140 and 97124 do not go together on one day, with any modifier: line 2 counts as part "
                    "of the other. Which of the two was mainly given?"
                ),
                "    Do: Bill 97140 or 97124, whichever was mainly given. No modifier sets the two apart. (clinician)",
                "    Denial: CO-236",
                "    Source: CMS NCCI procedure-to-procedure table; NCCI Policy Manual 2026 ch. 1 E",
            ],
        ),
    ],
)
def test_each_fault_says_what_is_wrong_what_to_do_who_does_it_the_denial_and_the_source(
    rule: str, said: list[str]
) -> None:
    result = check(FAULTY)
    assert result.exit_code == 1
    assert block(result.stdout, rule) == said


def test_the_totals_close_the_text() -> None:
    assert check(FAULTY).stdout.endswith("1 of 1 claim fails; 3 findings.\n")
    clean = check(CLEAN)
    assert (clean.exit_code, clean.stdout.splitlines()[-1]) == (0, "1 claim, all pass.")


def test_an_unreadable_file_is_one_line_on_stderr_and_the_rest_is_judged() -> None:
    result = check(SAMPLES / "json/unreadable.json", FAULTY)
    assert result.exit_code == 2
    [complaint] = result.stderr.splitlines()
    assert complaint.startswith(f"palpate: {SAMPLES / 'json/unreadable.json'}, line 55, column 9: ")
    assert "claim SYN-1003 version 1 FAILS" in result.stdout


@pytest.mark.parametrize("name", ["[bold]a.json", "a\\[b].json", "[/]", "c\\\\[red]x"])
def test_a_file_is_named_as_it_is_called(name: str, tmp_path: Path) -> None:
    (tmp_path / name.replace("/", "_")).write_text("no claim", "utf-8")
    result = check(tmp_path / name.replace("/", "_"))
    assert result.exit_code == 2
    assert str(tmp_path / name.replace("/", "_")) in result.stderr


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_that_is_not_there_does_not_keep_the_others_from_being_judged(tmp_path: Path, order: int) -> None:
    result = check(*[tmp_path / "none.json", FAULTY][::order])
    assert result.exit_code == 2
    assert "none.json" in result.stderr
    assert "claim SYN-1003 version 1 FAILS" in result.stdout


def test_json_lines_are_one_object_a_claim() -> None:
    result = check(SAMPLES / "json/two-claims.jsonl", FAULTY, "--format", "jsonl")
    claims = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert len(claims) == 3
    assert [claim["verdict"] for claim in claims] == ["pass", "pass", "fail"]
    for claim in claims:
        assert claim.keys() >= {"claim_id", "version", "verdict", "findings"}
    faults = {each["rule"]: each for each in claims[2]["findings"] if each["severity"] == "error"}
    assert sorted(faults) == ["mod-therapy-missing", "ncci-hard", "units-total-over"]
    assert (claims[2]["claim_id"], claims[2]["version"]) == ("SYN-1003", 1)
    assert faults["units-total-over"]["denial"] == {"carc": "151", "rarc": "N362", "group": "CO"}
    assert faults["mod-therapy-missing"]["pointer"] == "/lines/0/modifiers"


def test_json_is_one_document() -> None:
    result = check(FAULTY, CLEAN, "--format", "json")
    assert result.exit_code == 1
    text = json.dumps(json.loads(result.stdout))
    assert text.count('"SYN-1003"') >= 1
    assert '"mod-therapy-missing"' in text


def test_sarif_is_what_its_viewers_read() -> None:
    result = check(FAULTY, "--format", "sarif", "--undetermined")
    log: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, log["version"]) == (1, "2.1.0")
    assert re.fullmatch(r"https://.*sarif-2\.1\.0.*\.json", log["$schema"])
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "palpate"
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["shortDescription"]["text"]
    for each in run["results"]:
        assert rules[each["ruleIndex"]]["id"] == each["ruleId"]
        assert each["message"]["text"]
        # SARIF 2.1.0 §3.27.10: a level other than none belongs to kind fail alone.
        assert each["level"] in {"error", "warning", "note"} if each["kind"] == "fail" else each["level"] == "none"
        [location] = each["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.endswith("three-faults.json")
    errors = {
        each["ruleId"]: each["locations"][0]["physicalLocation"]["region"]["startLine"]
        for each in run["results"]
        if each["level"] == "error"
    }
    assert errors == {"units-total-over": 46, "mod-therapy-missing": 51, "ncci-hard": 69}


def test_a_claim_comes_in_by_stdin() -> None:
    result = check("-", "--format", "jsonl", given=FAULTY.read_bytes())
    assert result.exit_code == 1
    assert json.loads(result.stdout)["claim_id"] == "SYN-1003"


def test_an_unknown_payer_profile_is_named_with_those_that_there_are() -> None:
    result = check(FAULTY, "--payer-profile", "nobody")
    assert result.exit_code == 2
    assert "no payer profile 'nobody'; there are aetna, " in result.stderr
    assert result.stdout == ""


def test_a_sites_own_profile_decides(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "lenient.toml").write_text(
        'id = "lenient"\nextends = "medicare-part-b"\n[rules]\n'
        'ignore = ["units-total-over", "mod-therapy-missing", "ncci-hard"]\n'
    )
    assert check(FAULTY, "--profiles", folder, "--payer-profile", "lenient").exit_code == 0
    (folder / "lenient.toml").write_text('id = "lenient"\nignored = 1\n')
    wrong = check(FAULTY, "--profiles", folder)
    assert wrong.exit_code == 2
    assert "lenient.toml:2: `ignored` is not a key of a payer profile" in wrong.stderr


@pytest.mark.parametrize(("as_of", "late"), [("2027-11-16", False), ("2027-11-17", True)])
def test_the_day_of_sending_decides_where_the_claim_does_not_say(tmp_path: Path, as_of: str, late: bool) -> None:
    claim = json.loads(CLEAN.read_text())["data"]
    del claim["submitted_on"]
    file = tmp_path / "claim.json"
    file.write_text(json.dumps(claim))
    result = check(file, "--as-of", as_of, "--format", "jsonl")
    errors = [each["rule"] for each in json.loads(result.stdout)["findings"] if each["severity"] == "error"]
    assert errors == (["timely-filing"] if late else [])
    assert result.exit_code == int(late)


def test_a_damaged_table_store_is_refused_with_its_file(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "ptp_medicare_practitioner_2026Q4.csv").write_text("not ours\n")
    result = check(FAULTY, "--tables", store)
    assert result.exit_code == 2
    assert "ptp_medicare_practitioner_2026Q4.csv:1: the first line is not" in result.stderr


def test_schemas_are_printed_by_name() -> None:
    listed = CliRunner().invoke(app, ["schema"])
    assert "claim.created" in listed.stdout.splitlines()
    created = json.loads(CliRunner().invoke(app, ["schema", "claim.created"]).stdout)
    assert created["properties"]["data"]
    streams = json.loads(CliRunner().invoke(app, ["schema", "asyncapi"]).stdout)
    assert streams["asyncapi"].startswith("3.")
    unknown = CliRunner().invoke(app, ["schema", "claim.eaten"])
    assert unknown.exit_code == 2
    assert "no event type 'claim.eaten'" in unknown.stderr
