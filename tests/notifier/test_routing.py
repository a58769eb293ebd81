"""Which route takes a finding, who is behind it, and which routing files are refused, by line."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from palpate_notifier.directory import Directory, load_directory
from palpate_notifier.routing import Route, Subject, WrongRoutes, assignments, load_routes, take
from palpate_schemas.values import Fixer, Program, Severity
from tests.notifier.verdicts import failed

PRACTICE, ADA_NPI, BEN_NPI = "1497758544", "1245319599", "1003000126"

PEOPLE = """\
manager = "pat"

[[practice]]
npi = "1497758544"
name = "Harbor Physical Therapy"
manager = "pat"
biller = "bo"
front_desk = "fay"

[[person]]
id = "pat"
name = "Pat Okafor"
email = "pat@harbor.example"

[[person]]
id = "bo"
name = "Bo Lind"
email = "bo@harbor.example"

[[person]]
id = "fay"
name = "Fay Odum"
email = "fay@harbor.example"

[[person]]
id = "ada"
npi = "1245319599"
name = "Ada Quist, PT"
email = "ada@harbor.example"
practices = ["1497758544"]
"""

TREE = """\
[root]
receiver = "clinician"
group_wait = "5m"
repeat = "2d"

[[root.routes]]
name = "billing"
match = { fixer = "biller" }
receiver = "biller"

[[root.routes.routes]]
name = "compensation"
match = { program = ["workers_comp", "auto"] }
receiver = "desk"
group_wait = "1h"
repeat = "never"

[[root.routes]]
name = "auditors"
match = { family = "ncci" }
receiver = "desk"
continue = true

[[root.routes]]
name = "warnings of units"
match = { severity = "warning", family = "units" }
receiver = "manager"

[[root.routes]]
name = "ada's"
match = { clinician = "ada", practice = "1497758544" }
receiver = "manager"

[receivers.desk]
people = ["bo", "fay"]
channels = ["email"]
"""


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    (tmp_path / "people.toml").write_text(PEOPLE, "utf-8")
    return load_directory(tmp_path / "people.toml")


def tree(text: str, directory: Directory, tmp_path: Path) -> Route:
    path = tmp_path / "routes.toml"
    path.write_text(text, "utf-8")
    return load_routes(path, directory)


@pytest.fixture
def root(directory: Directory, tmp_path: Path) -> Route:
    return tree(TREE, directory, tmp_path)


def subject(**changes: Any) -> Subject:
    values: dict[str, Any] = {
        "rule": "r",
        "family": "modifiers",
        "severity": Severity.ERROR,
        "fixer": Fixer.CLINICIAN,
        "program": Program.MEDICARE,
        "practice": PRACTICE,
        "clinician": "ben",
    }
    return Subject(**(values | changes))


def ways(root: Route, **changes: Any) -> list[str]:
    return [" > ".join(hit.way) for hit in take(root, subject(**changes))]


def test_what_no_route_takes_the_root_takes(root: Route) -> None:
    assert ways(root) == ["root"]


def test_a_route_takes_what_fits_all_that_it_names(root: Route) -> None:
    assert ways(root, fixer=Fixer.BILLER) == ["root > billing"]
    assert ways(root, clinician="ada") == ["root > ada's"]
    assert ways(root, clinician="ada", practice="1999999992") == ["root"]


def test_the_narrower_route_below_is_looked_at_first(root: Route) -> None:
    assert ways(root, fixer=Fixer.BILLER, program=Program.AUTO) == ["root > billing > compensation"]


def test_a_route_that_continues_lets_the_next_ones_see_it_too(root: Route) -> None:
    assert ways(root, family="ncci") == ["root > auditors"]
    assert ways(root, family="ncci", clinician="ada") == ["root > auditors", "root > ada's"]


def test_a_warning_goes_only_where_warnings_are_asked_for(root: Route) -> None:
    assert ways(root, severity=Severity.WARNING) == []
    assert ways(root, severity=Severity.WARNING, family="units") == ["root > warnings of units"]
    assert ways(root, severity=Severity.ERROR, family="units") == ["root"]


def test_a_route_has_from_above_what_it_does_not_say(root: Route) -> None:
    [billing] = take(root, subject(fixer=Fixer.BILLER))
    [compensation] = take(root, subject(fixer=Fixer.BILLER, program=Program.AUTO))
    assert (billing.route.group_wait, billing.route.repeat) == (timedelta(minutes=5), 2)
    assert (compensation.route.group_wait, compensation.route.repeat) == (timedelta(hours=1), 0)


def told(root: Route, directory: Directory, *verdicts: Any, npi: str = ADA_NPI) -> list[tuple[str, str]]:
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    found = assignments(root, directory, findings, program=None, practice=PRACTICE, rendering_npi=npi)
    return [(each.part.value, each.person.id) for each in found]


def test_each_part_of_a_claim_goes_to_whoever_mends_it(directory: Directory) -> None:
    shipped = load_routes(None, directory)
    mixed = [failed("a", fixer="front_desk"), failed("b", fixer="biller"), failed("c", fixer="clinician")]
    assert told(shipped, directory, *mixed) == [("clinician", "ada"), ("biller", "bo"), ("front_desk", "fay")]


def test_an_unknown_provider_goes_to_the_manager(directory: Directory) -> None:
    assert told(load_routes(None, directory), directory, failed("c", fixer="clinician"), npi=BEN_NPI) == [
        ("clinician", "pat")
    ]


def test_a_list_of_people_is_told_each(root: Route, directory: Directory) -> None:
    verdict = failed("c", fixer="clinician")
    ncci = verdict.findings[0].model_copy(update={"family": "ncci"})
    found = assignments(root, directory, [ncci], program=None, practice=PRACTICE, rendering_npi=BEN_NPI)
    assert [(each.person.id, each.channels) for each in found] == [("bo", ("email",)), ("fay", ("email",))]


def changed(old: str, new: str) -> str:
    assert TREE.count(old) >= 1, old
    return TREE.replace(old, new, 1)


WRONG = {
    "not toml": (changed("[[root.routes]]", "[[root.routes"), 6, "not TOML"),
    "no root": (TREE[TREE.index("[receivers.desk]") :].replace('["bo", "fay"]', '["bo"]'), 1, "no [root]"),
    "an unknown table": (TREE + "\n[people]\n", 38, "'people'"),
    "an unknown key of a route": (changed('receiver = "biller"', 'reciever = "biller"'), 9, "'reciever'"),
    "a root that takes only some": (changed("[root]\n", '[root]\nmatch = { fixer = "biller" }\n'), 2, "everything"),
    "a root that continues": (changed("[root]\n", "[root]\ncontinue = true\n"), 2, "`continue`"),
    "a root without a receiver": (changed('receiver = "clinician"\n', ""), 1, "no receiver"),
    "a receiver that is not there": (changed('receiver = "desk"\ngroup', 'receiver = "dsk"\ngroup'), 14, "'dsk'"),
    "a receiver that names nobody": (changed('["bo", "fay"]', "[]"), 35, "names nobody"),
    "a receiver of somebody who is not there": (changed('"fay"', '"eve"'), 35, "'eve'"),
    "a receiver that the directory fills": (TREE + '\n[receivers.biller]\npeople = ["bo"]\n', 38, "filled by"),
    "a receiver that nobody uses": (TREE + '\n[receivers.night]\npeople = ["bo"]\n', 38, "'night'"),
    "an unknown channel": (changed('["email"]', '["fax"]'), 36, "'fax'"),
    "a channel that somebody does not have": (changed('["email"]', '["webhook"]'), 36, "no webhook"),
    "a match on something else": (changed("family =", "famly ="), 20, "'famly'"),
    "a match on nothing": (changed('family = "ncci"', "family = []"), 20, "something in it"),
    "a match on a number": (changed('"ncci"', "7"), 20, "text"),
    "no such family": (changed('"ncci"', '"NCCI edits"'), 20, "no rule family"),
    "no such severity": (changed('"warning"', '"fatal"'), 26, "no severity"),
    "no such fixer": (changed('"biller" }', '"billing" }'), 8, "no fixer"),
    "no such program": (changed('"auto"', '"car"'), 13, "no program"),
    "a practice that is not there": (changed('practice = "1497758544"', 'practice = "1"'), 31, "practice 1"),
    "a clinician who is not there": (changed('clinician = "ada"', 'clinician = "eve"'), 31, "'eve'"),
    "a clinician without a number": (changed('clinician = "ada"', 'clinician = "bo"'), 31, "no NPI"),
    "a wait in words": (changed('"1h"', '"an hour"'), 15, "no time to wait"),
    "a wait of two days": (changed('"1h"', '"48h"'), 15, "longer than a day"),
    "reminders by the hour": (changed('repeat = "2d"', 'repeat = "2h"'), 4, "between reminders"),
    "reminders every 30 days": (changed('repeat = "2d"', 'repeat = "30d"'), 4, "between reminders"),
    "continue in words": (changed("continue = true", 'continue = "yes"'), 22, "true or false"),
    "a route without a match": (changed('match = { family = "ncci" }\n', ""), 18, "no match"),
    "two routes of one name": (changed('name = "auditors"', 'name = "billing"'), 19, "two routes"),
    "a route that nothing reaches": (changed('family = "ncci" }', 'fixer = "biller" }'), 18, "takes all of it"),
    "routes that are no tables": ('[root]\nreceiver = "manager"\nroutes = ["a"]\n', 3, "[[root.routes]]"),
}


@pytest.mark.parametrize(("text", "line", "says"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_by_its_line(
    directory: Directory, tmp_path: Path, text: str, line: int, says: str
) -> None:
    with pytest.raises(WrongRoutes, match=rf"routes\.toml:{line}: ") as refused:
        tree(text, directory, tmp_path)
    assert says in str(refused.value)


def test_a_file_that_is_not_there_is_refused_by_name(directory: Directory, tmp_path: Path) -> None:
    with pytest.raises(WrongRoutes, match=r"nowhere\.toml:1: cannot be read"):
        load_routes(tmp_path / "nowhere.toml", directory)


def test_lines_are_right_after_a_list_over_several_lines(directory: Directory, tmp_path: Path) -> None:
    spread = 'match.program = [\n  "workers_comp", # [not a table]\n  "auto",\n]'
    text = changed('match = { program = ["workers_comp", "auto"] }', spread).replace('"fay"', '"eve"')
    with pytest.raises(WrongRoutes, match=r"routes\.toml:38: .*'eve'"):
        tree(text, directory, tmp_path)


def test_the_example_that_is_shipped_is_right() -> None:
    deploy = Path(__file__).parents[2] / "deploy"
    people = load_directory(deploy / "directory.example.toml")
    root = load_routes(deploy / "routes.example.toml", people)
    assert [" > ".join(hit.way) for hit in take(root, subject(family="ncci"))] == [
        "root > pairs of codes go to the auditors as well",
        "root > the clinician's own",
    ]
