"""The source that `palpate up` begins with: made once, then the user's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from palpate_cli.local_intake import LocalIntake
from palpate_intake.http.keys import hashed
from palpate_intake.http.sources import WrongSources, load_sources


@pytest.fixture
def intake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalIntake:
    """That of an empty data folder."""
    monkeypatch.delenv("PALPATE_SOURCES", raising=False)
    return LocalIntake(tmp_path, 8098)


def key_of(intake: LocalIntake) -> str:
    """The key that is kept, as curl would send it."""
    return intake.key_file.read_text("utf-8").removeprefix("Authorization: Bearer ").strip()


def test_the_first_start_makes_one_source_and_keeps_its_key_for_its_owner_alone(intake: LocalIntake) -> None:
    intake.begin()
    [made] = load_sources(intake.sources).source
    assert (made.name, made.source, made.keys) == ("local", "urn:pms:local", (hashed(key_of(intake)),))
    assert key_of(intake) not in intake.sources.read_text("utf-8")
    assert intake.key_file.stat().st_mode & 0o777 == 0o600
    assert intake.has_key()
    assert {path.name for path in intake.folder.iterdir()} == {"sources.toml", "key.header"}


def test_later_starts_change_nothing(intake: LocalIntake) -> None:
    intake.begin()
    before = {path: path.read_bytes() for path in intake.folder.iterdir()}
    intake.begin()
    assert {path: path.read_bytes() for path in intake.folder.iterdir()} == before


def test_a_first_start_that_broke_off_between_the_two_files_is_done_anew(intake: LocalIntake) -> None:
    intake.begin()
    lost = key_of(intake)
    intake.key_file.chmod(0o644)
    intake.sources.unlink()
    intake.begin()
    assert key_of(intake) != lost
    assert intake.has_key()
    assert intake.key_file.stat().st_mode & 0o777 == 0o600


def taken_out(intake: LocalIntake) -> None:
    intake.sources.write_text(intake.sources.read_text("utf-8").replace(hashed(key_of(intake)), hashed("another")))


def deleted(intake: LocalIntake) -> None:
    intake.key_file.unlink()


def overwritten(intake: LocalIntake) -> None:
    intake.key_file.write_bytes(b"\xff\xfe")


@pytest.mark.parametrize("gone", [taken_out, deleted, overwritten])
def test_a_key_that_opens_nothing_is_not_named_and_none_is_made_in_its_place(
    gone: Callable[[LocalIntake], None], intake: LocalIntake
) -> None:
    intake.begin()
    gone(intake)
    before = intake.sources.read_bytes()
    intake.begin()
    assert not intake.has_key()
    assert intake.sources.read_bytes() == before


def test_a_sources_file_of_ones_own_is_used_and_nothing_is_made(
    intake: LocalIntake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "mine.toml"
    monkeypatch.setenv("PALPATE_SOURCES", str(own))
    with pytest.raises(WrongSources, match="cannot be read"):
        intake.begin()
    own.write_text(f'[[source]]\nname = "mine"\nsource = "urn:mine"\nkeys = ["{hashed("k")}"]\n', "utf-8")
    intake.begin()
    assert intake.sources == own
    assert not intake.has_key()
    assert list(tmp_path.iterdir()) == [own]
