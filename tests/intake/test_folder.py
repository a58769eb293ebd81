"""The four folders: what is taken and when, by one alone, and where it goes."""

import fcntl
import os
from pathlib import Path
from threading import Thread

import pytest

from palpate_intake.folder import ERRORS_SUFFIX, Folder, Taken, WrongFolder

SETTLE_S = 2.0


def put(folder: Path, name: str, text: str = "ISA*") -> Path:
    path = folder / "in" / name
    path.write_text(text)
    return path


def take(folder: Folder, *times: float) -> Taken | None:
    """What the last of several looks gives."""
    taken = None
    for now in times:
        assert taken is None
        taken = folder.take(now)
    return taken


def names(folder: Path) -> list[str]:
    return sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, SETTLE_S)


def test_a_file_is_taken_when_it_has_been_seen_unchanged_for_the_time(tmp_path: Path, folder: Folder) -> None:
    put(tmp_path, "claims.837")
    assert take(folder, 10.0, 11.9) is None
    assert folder.waiting == 1
    taken = folder.take(12.0)
    assert taken is not None
    assert (taken.name, names(tmp_path)) == ("claims.837", ["work/claims.837"])
    assert take(folder, 12.1) is None
    assert folder.waiting == 0


def test_a_file_that_grows_is_left_until_it_has_rested(tmp_path: Path, folder: Folder) -> None:
    path = put(tmp_path, "claims.837")
    assert take(folder, 10.0) is None
    with path.open("a") as file:
        file.write("GS*")
    assert take(folder, 12.0, 13.9) is None
    assert take(folder, 14.0) is not None


def test_an_old_date_does_not_make_a_file_settled(tmp_path: Path, folder: Folder) -> None:
    """`cp -p`, `scp -p` and `rsync -t` give a file that is being written the date of the one that it is a copy of."""
    os.utime(put(tmp_path, "claims.837"), (0, 0))
    assert take(folder, 10.0) is None


def test_a_file_that_takes_anothers_place_has_to_rest_itself(tmp_path: Path, folder: Folder) -> None:
    put(tmp_path, "claims.837")
    assert take(folder, 10.0) is None
    other = put(tmp_path, "other.tmp")
    os.utime(other, ns=(0, (tmp_path / "in/claims.837").stat().st_mtime_ns))
    other.rename(tmp_path / "in/claims.837")
    assert take(folder, 12.0) is None
    assert take(folder, 14.0) is not None


@pytest.mark.parametrize(
    "name", [".claims.837", "claims.837.tmp", "claims.PART", "claims.837.filepart", "claims~", "claims.837.errors.json"]
)
def test_a_name_that_says_unfinished_is_left_alone(tmp_path: Path, folder: Folder, name: str) -> None:
    put(tmp_path, name)
    assert take(folder, 0.0, 100.0) is None
    assert (folder.waiting, names(tmp_path)) == (0, [f"in/{name}"])


def test_folders_links_and_pipes_are_left_alone(tmp_path: Path, folder: Folder) -> None:
    secret = tmp_path / "secret.837"
    secret.write_text("ISA*")
    (tmp_path / "in/below").mkdir()
    (tmp_path / "in/link.837").symlink_to(secret)
    os.mkfifo(tmp_path / "in/pipe.837")
    assert take(folder, 0.0, 100.0) is None
    assert folder.waiting == 0


def test_the_oldest_comes_first(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 0.0)
    for age, name in enumerate(["b.837", "c.837", "a.837"]):
        os.utime(put(tmp_path, name), (age, age))
    order = []
    while (taken := folder.take(0.0)) is not None:
        order.append(taken.name)
        folder.file_away(taken)
    assert order == ["b.837", "c.837", "a.837"]


def test_what_a_dead_watcher_left_is_taken_before_anything_new(tmp_path: Path) -> None:
    """Its lock ended with it: closing the file is what the system does when a process is killed."""
    first, second = Folder(tmp_path, 0.0), Folder(tmp_path, 0.0)
    put(tmp_path, "left.837")
    left = first.take(0.0)
    assert left is not None
    put(tmp_path, "a-new.837")
    taken = second.take(0.0)
    assert taken is not None
    assert taken.name == "a-new.837"
    second.file_away(taken)
    assert second.take(0.0) is None
    left.release()
    resumed = second.take(0.0)
    assert resumed is not None
    assert (resumed.name, resumed.path) == ("left.837", tmp_path / "work/left.837")


def test_a_file_waits_for_the_one_of_its_name_that_is_at_work(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 0.0)
    put(tmp_path, "claims.837", "first")
    first = folder.take(0.0)
    put(tmp_path, "claims.837", "second")
    assert first is not None
    assert folder.take(0.0) is None
    assert folder.waiting == 1
    folder.file_away(first)
    second = folder.take(0.0)
    assert second is not None
    assert second.path.read_text() == "second"


def test_a_file_that_changes_before_its_turn_has_to_rest_again(tmp_path: Path, folder: Folder) -> None:
    put(tmp_path, "a.837")
    second = put(tmp_path, "b.837")
    first = take(folder, 10.0, 12.0)
    assert first is not None
    folder.file_away(first)
    second.write_text("ISA*GS*")
    assert take(folder, 12.1) is None
    assert folder.waiting == 1
    assert take(folder, 13.0, 14.9) is None
    assert take(folder, 15.0) is not None


def test_several_watchers_never_take_one_file_twice(tmp_path: Path) -> None:
    Folder(tmp_path, 0.0)
    for number in range(150):
        put(tmp_path, f"{number}.837")
    taken_by: list[list[str]] = [[], [], []]

    def work(mine: list[str]) -> None:
        folder = Folder(tmp_path, 0.0)
        while (taken := folder.take(0.0)) is not None:
            mine.append(taken.name)
            folder.file_away(taken)

    threads = [Thread(target=work, args=(mine,)) for mine in taken_by]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    everything = [name for mine in taken_by for name in mine]
    assert sorted(everything) == sorted(f"{number}.837" for number in range(150))
    assert len(list((tmp_path / "done").iterdir())) == 150


def filed(tmp_path: Path, name: str, text: str, errors: str | None = None) -> Path:
    folder = Folder(tmp_path, 0.0)
    put(tmp_path, name, text)
    taken = folder.take(0.0)
    assert taken is not None
    return folder.file_away(taken, errors)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claims.837", ["claims.837", "claims.2.837", "claims.3.837"]),
        ("claims", ["claims", "claims.2", "claims.3"]),
        ("a.b.json.gz", ["a.b.json.gz", "a.b.json.2.gz", "a.b.json.3.gz"]),
    ],
)
def test_a_name_that_is_taken_gets_a_number_and_nothing_is_overwritten(
    tmp_path: Path, name: str, expected: list[str]
) -> None:
    found = [filed(tmp_path, name, f"text {number}") for number in range(3)]
    assert [path.name for path in found] == expected
    assert [path.read_text() for path in found] == ["text 0", "text 1", "text 2"]


def test_the_reasons_lie_beside_the_file_that_they_are_of(tmp_path: Path) -> None:
    first = filed(tmp_path, "claims.837", "one", errors="why one")
    second = filed(tmp_path, "claims.837", "two", errors="why two")
    assert names(tmp_path) == [
        "failed/claims.2.837",
        "failed/claims.2.837.errors.json",
        "failed/claims.837",
        "failed/claims.837.errors.json",
    ]
    assert Path(f"{first}{ERRORS_SUFFIX}").read_text() == "why one"
    assert Path(f"{second}{ERRORS_SUFFIX}").read_text() == "why two"


def test_reasons_that_a_killed_watcher_left_without_their_file_are_written_anew(tmp_path: Path) -> None:
    Folder(tmp_path, 0.0)
    (tmp_path / f"failed/claims.837{ERRORS_SUFFIX}").write_text("from before the kill")
    filed(tmp_path, "claims.837", "one", errors="why")
    assert names(tmp_path) == ["failed/claims.837", "failed/claims.837.errors.json"]
    assert (tmp_path / f"failed/claims.837{ERRORS_SUFFIX}").read_text() == "why"


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 125 + ".837", "x." + "y" * 253])
def test_a_name_of_any_length_leaves_room_for_the_number_and_the_reasons(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        filed(tmp_path, name, "text", errors="why")
    assert len(names(tmp_path)) == 4


def test_a_file_that_may_not_be_read_is_counted_and_the_others_are_taken(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    folder = Folder(tmp_path, 0.0)
    put(tmp_path, "a.837").chmod(0)
    put(tmp_path, "b.837")
    taken = folder.take(0.0)
    assert taken is not None
    assert (taken.name, folder.untakable) == ("b.837", 1)


def test_what_somebody_else_has_locked_is_waited_for(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 0.0)
    path = put(tmp_path, "claims.837")
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert folder.take(0.0) is None
        assert (folder.waiting, folder.untakable) == (1, 0)
    assert folder.take(0.0) is not None


def test_folders_that_are_made_are_not_for_everybody_to_read(tmp_path: Path) -> None:
    Folder(tmp_path / "claims", 0.0)
    for name in ("", "in", "work", "done", "failed"):
        assert (tmp_path / "claims" / name).stat().st_mode & 0o007 == 0, name


def test_a_file_is_let_go_of_once(tmp_path: Path) -> None:
    """Closing a number twice would close whatever has been opened under it since."""
    folder = Folder(tmp_path, 0.0)
    put(tmp_path, "claims.837")
    taken = folder.take(0.0)
    assert taken is not None
    taken.release()
    other = os.open(tmp_path, os.O_RDONLY)
    taken.release()
    os.fstat(other)
    os.close(other)


def test_folders_on_two_file_systems_are_refused(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system here")
    (tmp_path / "done").symlink_to(other)
    with pytest.raises(WrongFolder, match="not on one file system"):
        Folder(tmp_path, 0.0)


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongFolder, match="cannot be used"):
        Folder(tmp_path / "file", 0.0)
