"""Which profile judges a claim, what it says on a day, and what start-up refuses."""

from datetime import date
from pathlib import Path

import pytest

from palpate_schemas.claim import Payer
from palpate_schemas.values import Program, Severity
from palpate_validator.book import load_rule_book, shipped_rule_book
from palpate_validator.catalogue import catalogue
from palpate_validator.dated import BadData
from palpate_validator.engine import judge
from palpate_validator.profiles import CHOICES, KEYS, PAYERS, load_profiles
from palpate_validator.rule import SAID
from tests.validator.claims import parsed

SHIPPED = {
    "medicare-part-b", "medicare-advantage", "medicaid", "tricare", "va-ccn", "uhc-commercial", "aetna", "cigna",
    "anthem", "humana", "bcbs-north-dakota", "bcbs-nebraska", "workers-comp", "auto-pip", "commercial-cms",
    "commercial-ama", "commercial-unknown",
}  # fmt: skip
DAY = date(2025, 3, 3)


def site(folder: Path, **files: str) -> Path:
    """A folder of profiles, each file's text by its name."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


# -- the shipped profiles --------------------------------------------------------------------------------------------


def test_the_profiles_of_the_contract_are_shipped_each_in_the_file_of_its_name() -> None:
    profiles = load_profiles().by_id
    assert set(profiles) == SHIPPED
    assert {path.stem for path in PAYERS.glob("*.toml")} == SHIPPED
    assert all(profile.origin.stem == profile.id for profile in profiles.values())


@pytest.mark.parametrize("program", list(Program))
def test_every_program_has_one_default(program: Program) -> None:
    profiles = load_profiles().by_id.values()
    assert len([profile for profile in profiles if profile.default_for_program and profile.program is program]) == 1


@pytest.mark.parametrize("profile_id", sorted(SHIPPED))
def test_every_value_of_a_shipped_profile_has_one_answer_on_each_day_that_it_changes(profile_id: str) -> None:
    profile = load_profiles().by_id[profile_id]
    for key, timeline in profile.settings.items():
        assert key in KEYS
        for dated in timeline.values:
            assert profile.on(key, dated.start) == dated
            before = None if dated.start == date.min else profile.on(key, date.fromordinal(dated.start.toordinal() - 1))
            assert before is None or before.start < dated.start


def test_nothing_is_known_of_the_unknown_payer() -> None:
    assert load_profiles().by_id["commercial-unknown"].settings == {}


def test_medicare_answers_every_setting_that_a_rule_for_it_needs() -> None:
    assert shipped_rule_book().selection(load_profiles().by_id["medicare-part-b"], DAY).unsaid_settings == ()


# -- the look-up -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payer", "profile"),
    [
        ({"id": "87X", "program": "medicare", "profile": "aetna"}, "aetna"),
        ({"id": "87X", "program": "medicare", "profile": "no-such-profile"}, "mine"),
        ({"id": "87X", "program": "medicare"}, "mine"),
        ({"id": "88X", "program": "medicare"}, "medicare-part-b"),
        ({"id": "88X", "program": "va"}, "va-ccn"),
        ({"id": "88X", "program": "commercial"}, "commercial-unknown"),
        ({"id": "88X"}, "commercial-unknown"),
    ],
)
def test_a_payer_leads_to_its_profile_by_name_then_by_id_then_by_program(
    payer: dict[str, str], profile: str, tmp_path: Path
) -> None:
    site(tmp_path, mine='id = "mine"\nprogram = "commercial"\npayer_ids = ["87X"]\n')
    assert load_profiles(tmp_path).for_payer(Payer.model_validate(payer)).id == profile


def test_a_site_s_default_goes_before_the_shipped_one(tmp_path: Path) -> None:
    site(tmp_path, mine='id = "mine"\nextends = "medicaid"\ndefault_for_program = true\n')
    assert load_profiles(tmp_path).for_payer(Payer(id="X", program=Program.MEDICAID)).id == "mine"


def test_a_site_s_file_replaces_the_shipped_one_of_the_same_id(tmp_path: Path) -> None:
    site(tmp_path, own='id = "aetna"\nprogram = "commercial"\ntiming_rule = "ama"\n')
    aetna = load_profiles(tmp_path).by_id["aetna"]
    assert {key: timeline.values[0].value for key, timeline in aetna.settings.items()} == {"timing_rule": "ama"}


def test_a_later_folder_goes_before_an_earlier_one(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, rule in ((first, "cms"), (second, "ama")):
        folder.mkdir()
        site(folder, mine=f'id = "{rule}"\nprogram = "commercial"\npayer_ids = ["87X"]\n')
    assert load_profiles(first, second).for_payer(Payer(id="87X")).id == "ama"


# -- extends and dates -----------------------------------------------------------------------------------------------


def test_a_profile_takes_what_it_does_not_say_from_the_one_it_extends(tmp_path: Path) -> None:
    site(
        tmp_path,
        base='id = "base"\nprogram = "tricare"\npayer_ids = ["B"]\ntiming_rule = "cms"\nkx = false\n'
        '[rules]\nignore = ["ncci-stale"]\nseverity = { ncci-hard = "warning" }\n',
        mine='id = "mine"\nextends = "base"\ntiming_rule = "ama"\n[rules]\nignore = ["ncci-em"]\n',
    )
    mine = load_profiles(tmp_path).by_id["mine"]
    assert mine.program is Program.TRICARE
    assert {key: timeline.values[0].value for key, timeline in mine.settings.items()} == {
        "timing_rule": "ama",
        "kx": False,
    }
    assert mine.rules.ignore == {"ncci-stale", "ncci-em"}
    assert mine.rules.severity == {"ncci-hard": Severity.WARNING}
    assert mine.payer_ids == frozenset()


DATED = """id = "mine"
program = "commercial"

[[timing_rule]]
from = 2024-01-01
value = "ama"
source = "contract of 2024"

[[timing_rule]]
from = 2025-07-01
through = 2025-12-31
value = "cms"
source = "amendment"
"""


@pytest.mark.parametrize(
    ("day", "value"),
    [
        ("2023-12-31", None),
        ("2024-01-01", "ama"),
        ("2025-06-30", "ama"),
        ("2025-07-01", "cms"),
        ("2025-12-31", "cms"),
        ("2026-01-01", None),
    ],
)
def test_a_dated_value_holds_from_its_first_day_through_its_last(day: str, value: str | None, tmp_path: Path) -> None:
    dated = load_profiles(site(tmp_path, mine=DATED)).by_id["mine"].on("timing_rule", date.fromisoformat(day))
    assert (dated and dated.value) == value


def test_a_dated_value_keeps_its_source(tmp_path: Path) -> None:
    dated = load_profiles(site(tmp_path, mine=DATED)).by_id["mine"].on("timing_rule", date(2024, 5, 1))
    assert dated is not None
    assert dated.source == "contract of 2024"


def test_a_plain_value_holds_on_every_day(tmp_path: Path) -> None:
    site(tmp_path, mine='id = "mine"\nprogram = "commercial"\ndaily_timed_unit_cap = 4\n')
    profile = load_profiles(tmp_path).by_id["mine"]
    assert {profile.on("daily_timed_unit_cap", day) for day in (date(1970, 1, 1), date(2100, 1, 1))} != {None}


# -- what start-up refuses -------------------------------------------------------------------------------------------

_HEAD = 'id = "mine"\nprogram = "commercial"\n'
_ROW = "[[timing_rule]]\nfrom = 2024-01-01\nvalue = {value}\n"

REFUSED = {
    "not TOML": (_HEAD + "timing_rule = \n", 3, "not TOML"),
    "no id": ('program = "commercial"\n', 1, "`id` is missing"),
    "an id that is a number": ("id = 7\n", 1, "`id` is text, not 7"),
    "a key that there is not": (_HEAD + "\ntiming_rules = 'cms'\n", 4, "`timing_rules` is not a key"),
    "a value of the wrong kind": (_HEAD + "kx = 'yes'\n", 3, "`kx` takes true or false, not 'yes'"),
    "true where a number goes": (_HEAD + "visit_limit = true\n", 3, "`visit_limit` takes a whole number, not True"),
    "a number below nothing": (_HEAD + "visit_limit = -1\n", 3, "`visit_limit` is 0 or more"),
    "a choice that there is not": (_HEAD + "ncci = 'cms'\n", 3, "`ncci` is one of custom, medicaid, medicare, none"),
    "a program that there is not": ("id = 'mine'\nprogram = 'vip'\n", 2, "program is one of"),
    "a list of numbers": (_HEAD + "required_modifiers = [59]\n", 3, "`required_modifiers` holds text in quotes"),
    "a modifier of three letters": (_HEAD + "forbidden_modifiers = ['GPX']\n", 3, "not 'GPX'"),
    "a profession that there is not": (_HEAD + "allowed_provider_types = ['CHIRO']\n", 3, "not 'CHIRO'"),
    "a pair without its second code": (_HEAD + "extra_pairs = [{ column1 = '97140' }]\n", 3, "`extra_pairs` holds"),
    "a pair of a code too short": (
        _HEAD + "extra_pairs = [{ column1 = '97140', column2 = '9753', modifier_allowed = true }]\n",
        3,
        "has a procedure code of five",
    ),
    "a pair that says maybe": (
        _HEAD + "extra_pairs = [{ column1 = '97140', column2 = '97530', modifier_allowed = 'maybe' }]\n",
        3,
        "modifier_allowed = true or false",
    ),
    "a cap that is no number": (_HEAD + "daily_line_cap = { 97140 = 'four' }\n", 3, "each with its most units"),
    "a row without from": (_HEAD + "[[kx]]\nvalue = true\n", 3, "each dated value needs from and value"),
    "a second row without value": (
        _HEAD + _ROW.format(value="'cms'") + "[[timing_rule]]\nfrom = 2025-01-01\n",
        6,
        "each dated value needs from and value",
    ),
    "a date in quotes": (
        _HEAD + "[[kx]]\nfrom = '2024-01-01'\nvalue = true\n",
        3,
        "from and through are dates, written without quotes",
    ),
    "an end before its start": (
        _HEAD + _ROW.format(value="'cms'") + "through = 2023-01-01\n",
        3,
        "through (2023-01-01) lies before from (2024-01-01)",
    ),
    "two values on one day": (
        _HEAD + _ROW.format(value="'cms'") + _ROW.format(value="'ama'"),
        3,
        "two values hold on 2024-01-01",
    ),
    "an empty source": (_HEAD + _ROW.format(value="'cms'") + "source = ' '\n", 3, "a source is a citation in words"),
    "a row with a strange key": (_HEAD + _ROW.format(value="'cms'") + "until = 2025-01-01\n", 3, "not until"),
    "a strange choice in the second row": (
        _HEAD + _ROW.format(value="'cms'") + "[[timing_rule]]\nfrom = 2025-01-01\nvalue = 'eights'\n",
        6,
        "not 'eights'",
    ),
    "a base that is not there": ("id = 'mine'\nextends = 'nobody'\n", 2, "extends 'nobody', which is not a profile"),
    "itself as its base": ("id = 'mine'\nextends = 'mine'\n", 2, "circle: mine -> mine"),
    "a strange key under rules": (_HEAD + "[rules]\nskip = ['ncci-hard']\n", 4, "knows select, ignore and severity"),
    "rules that are no list": (_HEAD + "[rules]\nignore = 'ncci-hard'\n", 4, "`ignore` is a list of rule ids"),
    "a severity that there is not": (
        _HEAD + "[rules]\nseverity = { ncci-hard = 'fatal' }\n",
        4,
        "a severity is error, warning or info",
    ),
    "payer ids without quotes": (_HEAD + "payer_ids = [60054]\n", 3, "`payer_ids` holds payer ids in quotes"),
    "a default that is a word": (_HEAD + "default_for_program = 'yes'\n", 3, "`default_for_program` is true or false"),
    "a default of no program": ("id = 'mine'\ndefault_for_program = true\n", 2, "a default needs a `program`"),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_wrong_profile_is_refused_with_its_file_and_line(mistake: str, tmp_path: Path) -> None:
    text, line, problem = REFUSED[mistake]
    with pytest.raises(BadData) as refusal:
        load_profiles(site(tmp_path, mine=text))
    where, what = str(refusal.value).split(": ", 1)
    assert where == f"{tmp_path / 'mine.toml'}:{line}"
    assert problem in what


@pytest.mark.parametrize(
    ("rival", "key"),
    [
        ('id = "mine"\n', "id"),
        ('id = "other"\npayer_ids = ["87X"]\n', "payer_ids"),
        ('id = "other"\nprogram = "commercial"\ndefault_for_program = true\n', "default_for_program"),
    ],
)
def test_two_files_of_a_folder_may_not_claim_the_same(rival: str, key: str, tmp_path: Path) -> None:
    mine = _HEAD + 'payer_ids = ["87X"]\ndefault_for_program = true\n'
    with pytest.raises(BadData, match=rf"rival\.toml:\d: `{key}`: .* is already taken by mine\.toml"):
        load_profiles(site(tmp_path, mine=mine, rival=rival))


def test_profiles_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    site(tmp_path, a='id = "a"\nextends = "b"\n', b='id = "b"\nextends = "a"\n')
    with pytest.raises(BadData, match="circle: a -> b -> a"):
        load_profiles(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no such folder of payer profiles"):
        load_profiles(tmp_path / "nowhere")


@pytest.mark.parametrize("key", ["select", "ignore"])
def test_a_rule_that_there_is_not_is_refused_with_file_and_line(key: str, tmp_path: Path) -> None:
    site(tmp_path, mine=_HEAD + f'[rules]\n{key} = ["ncci-hard", "ncci-herd"]\n')
    with pytest.raises(BadData, match=r"mine\.toml:4: there is no rule ncci-herd"):
        load_rule_book([tmp_path])


# -- what a profile does to the rules --------------------------------------------------------------------------------


def test_a_profile_selects_ignores_and_grades_rules(tmp_path: Path) -> None:
    site(
        tmp_path,
        one='id = "one"\nextends = "medicare-part-b"\n[rules]\nselect = ["ncci-hard", "ncci-stale"]\n',
        two='id = "two"\nextends = "medicare-part-b"\n[rules]\nignore = ["ncci-hard"]\n'
        'severity = { ncci-modifier-missing = "warning" }\n',
    )
    book = load_rule_book([tmp_path])
    one = book.selection(book.profiles.by_id["one"], DAY)
    assert {each.rule.id for each in one.selected} == {"ncci-hard", "ncci-stale"}
    two = {each.rule.id: each.severity for each in book.selection(book.profiles.by_id["two"], DAY).selected}
    assert "ncci-hard" not in two
    assert two["ncci-modifier-missing"] is Severity.WARNING


@pytest.mark.parametrize("only", ["mod-kx-missing", "timely-filing"])
def test_a_profile_may_leave_one_rule_of_a_visit_or_of_a_claim(only: str, tmp_path: Path) -> None:
    site(tmp_path, one=f'id = "one"\nextends = "medicare-part-b"\n[rules]\nselect = ["{only}"]\n')
    book = load_rule_book([tmp_path])
    judgement = judge(parsed(), DAY, book, profile=book.profiles.by_id["one"])
    assert (judgement.counts.judged, judgement.failures) == (1, ())


def test_settings_that_rules_name_are_keys_and_their_values_choices() -> None:
    for rule in catalogue():
        for key, value in rule.header.profile.items():
            assert key in KEYS, rule.id
            assert key not in CHOICES or value is SAID or value in CHOICES[key], rule.id
