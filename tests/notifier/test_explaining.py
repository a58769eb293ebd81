"""`palpate route explain` and `palpate audit`: as somebody would type them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from palpate_cli.main import app
from palpate_notifier.actions import acknowledge, fixed_in_my_system
from palpate_notifier.database import Sessions
from tests.notifier.conftest import Clock
from tests.notifier.stories import TEAM, Story
from tests.notifier.verdicts import passed
from tests.validator.claims import claim_with

ROUTES = """\
[root]
receiver = "manager"

[[root.routes]]
name = "units"
match = { family = "units" }
receiver = "clinician"
group_wait = "10m"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "directory.toml").write_text(TEAM.format(ada="", bo="", pat=""), "utf-8")
    (tmp_path / "routes.toml").write_text(ROUTES, "utf-8")
    return tmp_path


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def explained(what: Path | str, folder: Path, *more: str) -> Any:
    people = str(folder / "directory.toml")
    found = run("route", "explain", str(what), "--directory", people, "--data", str(folder), "--format", "json", *more)
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


@pytest.fixture
def too_many_units(folder: Path) -> Path:
    made = claim_with(lines=[{"units": 9}])
    path = folder / "claim.json"
    path.write_text(json.dumps(made), "utf-8")
    return path


def test_a_claim_file_is_judged_and_its_way_is_shown(too_many_units: Path, folder: Path) -> None:
    [found] = explained(too_many_units, folder)
    told = {(each["person"], each["route"]) for each in found["would_be_told"]}
    assert told == {("Bo Lind", "root > claim entry")}


def test_another_routing_file_sends_it_elsewhere(too_many_units: Path, folder: Path) -> None:
    [found] = explained(too_many_units, folder, "--routes", str(folder / "routes.toml"))
    assert ("Ada Quist, PT", "root > units") in {(e["person"], e["route"]) for e in found["would_be_told"]}


def test_nothing_is_sent_and_nothing_is_written(too_many_units: Path, folder: Path) -> None:
    before = sorted(folder.iterdir())
    explained(too_many_units, folder)
    assert sorted(folder.iterdir()) == before


async def test_an_open_case_is_found_by_its_claim_number(sessions: Sessions, folder: Path) -> None:
    story = Story.begin(sessions, Clock(), folder)
    await story.fail(1)
    [found] = await asyncio.to_thread(explained, "CLM-1", folder)
    assert [each["person"] for each in found["would_be_told"]] == ["Ada Quist, PT"]
    await story.judge(passed(version=2))
    [found] = await asyncio.to_thread(explained, "CLM-1", folder)
    assert found["would_be_told"] == []


def test_what_is_neither_file_nor_case_is_refused(folder: Path) -> None:
    found = run("route", "explain", "CLM-9", "--directory", str(folder / "directory.toml"), "--data", str(folder))
    assert found.exit_code == 2
    assert "no such file" in found.stderr


def test_a_wrong_routing_file_is_refused_by_its_line(too_many_units: Path, folder: Path) -> None:
    (folder / "routes.toml").write_text(ROUTES.replace("10m", "ten"), "utf-8")
    people, routes = str(folder / "directory.toml"), str(folder / "routes.toml")
    found = run("route", "explain", str(too_many_units), "--directory", people, "--routes", routes)
    assert found.exit_code == 2
    assert "routes.toml:8:" in found.stderr.replace("\n", "")


async def test_the_audit_is_verified_and_exported(sessions: Sessions, folder: Path) -> None:
    story = Story.begin(sessions, Clock(), folder)
    await story.fail(1)
    for action in (acknowledge, fixed_in_my_system):
        case = await story.case()
        async with sessions.begin() as session:
            await action(session, case.id, case.row_version, story.by("ada"))
    data = ("--data", str(folder))
    checked = await asyncio.to_thread(run, "audit", "verify", *data)
    assert checked.exit_code == 0
    assert "2 entries" in checked.stdout
    exported = await asyncio.to_thread(run, "audit", "export", *data)
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2]
    assert lines[1]["previous_hash"] == lines[0]["hash"]
    for until, code in ((lines[-1]["hash"], 0), ("0" * 64, 1)):
        kept = await asyncio.to_thread(run, "audit", "verify", *data, "--until", until)
        assert kept.exit_code == code


def test_without_a_database_there_is_no_audit_to_verify(folder: Path) -> None:
    assert run("audit", "verify", "--data", str(folder)).exit_code == 2
