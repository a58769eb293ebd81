"""Files, folders, globs, stdin and packed files are opened one by one; what cannot be opened is told, not raised."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from palpate_intake import files
from palpate_intake.files import open_files
from palpate_intake.outcome import ReadClaim, Unreadable
from palpate_intake.reading import read_claims
from tests.intake.x12_text import x12

TEXT = x12().encode()


def _told(*paths: str) -> list[tuple[str, str]]:
    """For each stream: the last part of its name, and `read` or why not."""
    return [
        (Path(name).name, "read" if isinstance(outcome, ReadClaim) else outcome.reasons[0].reason)
        for name, stream in open_files(paths)
        for outcome in read_claims(stream, name)
    ]


def test_a_folder_means_what_is_below_it_and_a_glob_what_it_matches(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.837", "a.edi", "picture.png", "sub/c.txt"):
        (tmp_path / name).write_bytes(TEXT)
    assert _told(str(tmp_path)) == [("a.edi", "read"), ("b.837", "read"), ("c.txt", "read")]
    assert _told(str(tmp_path / "*.837")) == [("b.837", "read")]
    assert _told(str(tmp_path / "**" / "*.txt")) == [("c.txt", "read")]
    assert _told(str(tmp_path / "picture.png")) == [("picture.png", "read")]


def test_packed_files_are_unpacked_whatever_they_are_called(tmp_path: Path) -> None:
    (tmp_path / "day.gz").write_bytes(gzip.compress(TEXT))
    (tmp_path / "day.edi").write_bytes(gzip.compress(TEXT))
    with zipfile.ZipFile(tmp_path / "day.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.837", TEXT)
        archive.writestr("deep/two.837", TEXT)
    assert _told(str(tmp_path)) == [("day.edi", "read"), ("day.gz", "read"), ("one.837", "read"), ("two.837", "read")]


def test_stdin_is_read_and_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    for raw in (TEXT, gzip.compress(TEXT)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
        assert _told("-") == [("stdin", "read")]


def test_what_cannot_be_opened_does_not_stop_the_rest(tmp_path: Path) -> None:
    whole = tmp_path / "whole.837"
    whole.write_bytes(TEXT)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(TEXT)[:-20])
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "empty").mkdir()
    told = _told(
        *(str(tmp_path / name) for name in ("none.837", "*.nothing", "cut.gz", "cut.zip", "empty")), str(whole)
    )
    assert [said.split(" ", 1)[1][:20] for _, said in told[:-1]] == [
        "is not there: check ",
        "is not there: check ",
        "is damaged or was cu",
        "is damaged or was cu",
        "is a folder without ",
    ]
    assert told[-1] == ("whole.837", "read")


def test_a_bomb_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_UNSUSPICIOUS", 1_000_000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"ISA*" + b" " * 20_000_000))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.json", b"[" + b" " * 20_000_000)
    told = _told(str(tmp_path / "bomb.gz"), str(tmp_path / "bomb.zip"))
    assert ["is larger than" in said for _, said in told] == [True, True]


def test_each_file_is_closed_when_the_next_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a.837").write_bytes(TEXT)
    (tmp_path / "b.gz").write_bytes(gzip.compress(TEXT))
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("c.837", TEXT)
    streams = [stream for _, stream in open_files([str(tmp_path)])]
    assert [stream.closed for stream in streams] == [True, True, True]


def test_reading_a_file_that_fails_in_the_middle_gives_the_claims_before(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(TEXT * 3000)[:-40])
    opened = open_files([str(tmp_path / "cut.gz")])
    kinds = [type(outcome) for name, stream in opened for outcome in read_claims(stream, name)]
    assert len(kinds) > 1000
    assert kinds[-1] is Unreadable
    assert set(kinds[:-1]) == {ReadClaim}
