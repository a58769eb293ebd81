"""Who is told, and which directories are refused."""

from pathlib import Path

import pytest

from palpate_notifier.directory import Directory, WrongDirectory, load_directory

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
    "two people of one id": ('manager="a"\n' + PERSON * 2, "two people"),
    "a practice that is not there": ('manager="a"\n' + PERSON + 'practice="9"', "practice 9"),
    "a practice whose manager is not in it": (
        'manager="a"\n' + PRACTICE_9.replace('manager="a"', 'manager="z"') + PERSON,
        "'z'",
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
