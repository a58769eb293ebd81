"""Who is told, and which directories are refused."""

from datetime import date, time
from pathlib import Path

import pytest

from palpate_notifier.directory import Directory, WrongDirectory, load_directory
from palpate_schemas.values import Fixer

PRACTICE, ADA = "1497758544", "1245319599"


def test_the_rendering_provider_is_told(directory: Directory) -> None:
    found = directory.receiver(ADA, PRACTICE)
    assert (found.person.id, found.why) == ("ada", "rendered the service")


def test_an_unknown_provider_goes_to_the_practice_manager(directory: Directory) -> None:
    assert directory.receiver("1000000004", PRACTICE).person.id == "pat"


def test_an_unknown_practice_goes_to_whoever_receives_the_rest(directory: Directory) -> None:
    found = directory.receiver(ADA, "1999999992")
    assert found.person.id == "pat"
    assert "practice is unknown" in found.why


PERSON = '[[person]]\nid="a"\nname="A"\nemail="a@x.example"\n'
PRACTICE_9 = '[[practice]]\nnpi="9"\nname="P"\nmanager="a"\n'

WRONG = {
    "not toml": ("manager = ", "not TOML"),
    "nobody in it": ('manager = "pat"', "person"),
    "no manager": (PERSON, "manager"),
    "a manager who is not in it": ('manager="b"\n' + PERSON, "'b'"),
    "an address with a line break": ('manager="a"\n' + PERSON.replace(".example", "\\nBcc: b@x"), "email"),
    "two people of one account": (
        'manager="a"\n'
        + (PERSON + 'openid_subject="1"\n')
        + (PERSON + 'openid_subject="1"\n').replace('"a"', '"b"', 1),
        "two people have the openid_subject",
    ),
    "two people of one id": ('manager="a"\n' + PERSON * 2, "two people"),
    "a practice that is not there": ('manager="a"\n' + PERSON + 'practice="9"', "practice 9"),
    "a practice whose manager is not in it": (
        'manager="a"\n' + PRACTICE_9.replace('manager="a"', 'manager="z"') + PERSON,
        "'z'",
    ),
    "no such time zone": ('manager="a"\n' + PERSON + 'timezone="Mars/Base"', "'Mars/Base' is no time zone"),
    "no such state": ('manager="a"\n' + PRACTICE_9 + 'state="ZZ"\n' + PERSON, "'ZZ' is no US state"),
    "a biller who is not in it": ('manager="a"\n' + PRACTICE_9 + 'biller="b"\n' + PERSON, "biller of practice 9"),
    "a cover who is not in it": ('manager="a"\n' + PERSON + 'cover="b"', "cover of 'a'"),
    "a cover for oneself": ('manager="a"\n' + PERSON + 'cover="a"', "nobody covers for themselves"),
    "away until before it begins": (
        'manager="a"\n' + PERSON + "away=[{from=2026-02-02, through=2026-02-01}]",
        "ends before it begins",
    ),
    "quiet all day": ('manager="a"\n' + PERSON + 'quiet_hours={from="07:00", to="07:00"}', "none, or all day"),
    "a digest at a number": ('manager="a"\n' + PERSON + "digest_at=730", "people.toml:6: person.1.digest_at"),
    "a digest without a colon": ('manager="a"\n' + PERSON + 'digest_at="0730"', "'0730' is no time of day"),
    "quiet at a time of a zone": (
        'manager="a"\n' + PERSON + 'quiet_hours={from="19:00Z", to="07:00Z"}',
        "'19:00Z' is no time of day",
    ),
    "away from a number": ('manager="a"\n' + PERSON + "away=[{from=20260201, through=20260202}]", "away.1.from"),
    "away from no day": ('manager="a"\n' + PERSON + 'away=[{from="2026-02-30", through="2026-03-01"}]', "away.1.from"),
    "a webhook that is nowhere": ('manager="a"\n' + PERSON + 'channels=["webhook"]', "needs a webhook"),
    "a webhook that is no address": (
        'manager="a"\n' + PERSON + 'webhook={url="ftp://x", secret_file="s"}',
        "webhook.url",
    ),
    "apprise without an address": ('manager="a"\n' + PERSON + 'channels=["apprise"]', "apprise URL"),
    "an unknown channel": ('manager="a"\n' + PERSON + 'channels=["fax"]', "channels.1"),
    "no channel at all": ('manager="a"\n' + PERSON + "channels=[]", "channels"),
    "an unknown role": ('manager="a"\n' + PERSON + 'roles=["boss"]', "roles"),
    "a misspelt key": ('manager="a"\n' + PERSON + 'quiet_hour={from="19:00", to="07:00"}', "quiet_hour"),
    "a name over two lines": ('manager="a"\n' + PERSON.replace('name="A"', 'name="A\\nB"'), "name"),
    "two people of one NPI in one practice": (
        'manager="a"\n'
        + (PRACTICE_9 + PERSON + 'npi="1"\npractice="9"\n')
        + (PERSON.replace('"a"', '"b"', 1) + 'npi="1"\npractices=["9"]\n'),
        "people.toml:12: two people of one practice have the NPI '1'",
    ),
    "two practices of one number": ('manager="a"\n' + PRACTICE_9 * 2 + PERSON, "two practices"),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_directory_is_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "people.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(WrongDirectory, match=r"people\.toml") as refused:
        load_directory(path)
    assert says in str(refused.value)


def test_a_missing_directory_is_refused_saying_how_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(WrongDirectory, match="PALPATE_DIRECTORY"):
        load_directory(tmp_path / "nowhere.toml")


def test_a_folder_for_a_directory_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(WrongDirectory, match=r"cannot be read \(IsADirectoryError\)"):
        load_directory(tmp_path)


TEAM = """
manager = "pat"
timezone = "America/Denver"
[[practice]]
npi = "1"
name = "One"
manager = "pat"
biller = "bo"
timezone = "America/Chicago"
state = "ND"
[[practice]]
npi = "2"
name = "Two"
manager = "bo"
[[person]]
id = "pat"
name = "Pat"
email = "Pat@x.example"
[[person]]
id = "bo"
name = "Bo"
email = "bo@x.example"
cover = "cy"
away = [{ from = 2026-11-02, through = 2026-11-06 }]
[[person]]
id = "cy"
npi = "9"
name = "Cy"
email = "cy@x.example"
practices = ["1", "2"]
roles = ["front_desk"]
cover = "pat"
away = [{ from = 2026-11-04, through = 2026-11-04 }]
[[person]]
id = "dee"
name = "Dee"
email = "dee@x.example"
practice = "1"
timezone = "America/Phoenix"
cover = "dan"
away = [{ from = 2026-11-02, through = 2026-11-06 }]
[[person]]
id = "dan"
name = "Dan"
email = "dan@x.example"
cover = "dee"
away = [{ from = 2026-11-02, through = 2026-11-06 }]
"""


@pytest.fixture
def team(tmp_path: Path) -> Directory:
    path = tmp_path / "team.toml"
    path.write_text(TEAM, "utf-8")
    return load_directory(path)


STANDING_IN = {
    "before they are away": ("bo", date(2026, 11, 1), "bo"),
    "on the first day": ("bo", date(2026, 11, 2), "cy"),
    "while the cover is away too": ("bo", date(2026, 11, 4), "pat"),
    "on the last day": ("bo", date(2026, 11, 6), "cy"),
    "after it": ("bo", date(2026, 11, 7), "bo"),
    "when two cover for each other and both are away": ("dee", date(2026, 11, 3), "dee"),
}


@pytest.mark.parametrize(("who", "day", "instead"), STANDING_IN.values(), ids=STANDING_IN.keys())
def test_who_stands_in(team: Directory, who: str, day: date, instead: str) -> None:
    assert team.standing_in(team.people[who], day).id == instead


def test_roles_follow_from_what_somebody_is(team: Directory) -> None:
    found = {name: sorted(team.roles_of(person)) for name, person in team.people.items()}
    assert found == {
        "pat": ["manager"],
        "bo": ["biller", "manager"],
        "cy": ["clinician", "front_desk"],
        "dee": [],
        "dan": [],
    }


def test_practices_are_those_that_somebody_is_in_or_works_for(team: Directory) -> None:
    found = {name: sorted(team.practices_of(person)) for name, person in team.people.items()}
    assert found == {"pat": ["1"], "bo": ["1", "2"], "cy": ["1", "2"], "dee": ["1"], "dan": []}


def test_a_clock_is_ones_own_or_the_practices_or_the_directorys(team: Directory) -> None:
    zones = {name: str(team.zone_of(person)) for name, person in team.people.items()}
    assert (zones["dee"], zones["cy"], zones["dan"]) == ("America/Phoenix", "America/Chicago", "America/Denver")
    assert str(team.zone_of_practice("2")) == "America/Denver"
    assert (team.state_of("1"), team.state_of("2")) == ("ND", None)


def test_an_address_is_found_whatever_its_case(team: Directory) -> None:
    found = team.by_email(" PAT@x.EXAMPLE ")
    assert found is not None
    assert found.id == "pat"
    assert team.by_email("nobody@x.example") is None


def test_a_letter_that_folds_to_another_is_another_mailbox(team: Directory) -> None:
    kit = found(team, email="kit@x.example")
    assert kit.by_email("KIT@x.example") is not None
    # U+212A KELVIN SIGN is `k` in lower case; whoever owns that address would be Kit.
    assert kit.by_email("\u212ait@x.example") is None


def test_an_account_of_the_provider_is_one_persons(team: Directory) -> None:
    named = found(team, openid_subject="00u1")
    [person] = [each for each in named.people.values() if each.openid_subject]
    assert named.by_subject("00u1") is person
    assert named.by_subject("00U1") is None


def found(team: Directory, **change: str) -> Directory:
    """The team, in which the first person is a little different."""
    first = next(iter(team.people.values())).model_copy(update=change)
    return Directory({**team.people, first.id: first}, team.practices, team.manager)


def test_claim_entry_goes_to_the_biller_and_to_the_clinician_where_there_is_none(team: Directory) -> None:
    assert team.fixer(Fixer.BILLER, "9", "1").person.id == "bo"
    assert team.fixer(Fixer.BILLER, "9", "2").person.id == "cy"
    assert team.fixer(Fixer.FRONT_DESK, "9", "1").person.id == "cy"
    assert team.fixer(Fixer.CLINICIAN, "8", "1").person.id == "pat"


def test_a_time_may_be_written_as_a_time(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    path.write_text('manager="a"\n' + PERSON + "digest_at=07:30:00\n", "utf-8")
    assert load_directory(path).people["a"].digest_at == time(7, 30)
