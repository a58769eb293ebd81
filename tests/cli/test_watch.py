"""`palpate watch` as a real process: killed in the middle, beside another, told to stop, telling nothing private."""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from typer.testing import CliRunner

from palpate_cli.main import app
from palpate_runtime.embedded import free_port
from tests.intake.x12_text import x12
from tests.processes import events_on, eventually

CLAIMS = 3_000
"""Enough for the better part of a second, so that the middle of it is met."""
_PR_CAPBSET_DROP, _DAC_OVERRIDE, _DAC_READ_SEARCH = 24, 1, 2
"""linux/prctl.h, linux/capability.h"""
PHI = ("QUIXOTE", "DULCINEA", "19310704", "1931-07-04")


def many_claims(count: int = CLAIMS, first: int = 0) -> str:
    """An 837P of so many claims."""
    private = (
        ("NM1*IL", "NM1*IL*1*QUIXOTE*DULCINEA****MI*QUIXOTE9~"),
        ("DMG*", "DMG*D8*19310704*F~"),
        ("CLM*", "CLM*NUMBER*165***11:B:1*Y*A*Y*Y~"),
    )
    head, _, rest = x12(*private).partition("HL*2*1*22*0~\n")
    loop, _, _ = rest.partition("SE*")
    loops = "".join("HL*2*1*22*0~\n" + loop.replace("NUMBER", f"C-{number}") for number in range(first, first + count))
    return head + loops + "SE*0*0001~\nGE*1*1~\nIEA*1*000000001~\n"


class Watch:
    """One `palpate watch` process."""

    def __init__(
        self, folder: Path, redis_url: str, log: Path, *options: str, preexec_fn: Callable[[], None] | None = None
    ) -> None:
        self.log = log
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "palpate_cli", "watch", folder, "--redis", redis_url, "--settle", "0", *options],
                stdout=sink, stderr=sink, env={**os.environ, "PALPATE_LOG_FORMAT": "json"}, start_new_session=True,
                preexec_fn=preexec_fn,  # noqa: PLW1509
            )  # fmt: skip

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def obey_modes() -> None:
    """Let what is started next be refused a file that its mode closes, though it may be root's."""
    libc = ctypes.CDLL(None)
    for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
        # Fails for everybody but root, who are refused anyhow.
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


@contextmanager
def watching(
    folder: Path, redis_url: str, log: Path, *options: str, preexec_fn: Callable[[], None] | None = None
) -> Iterator[Watch]:
    watch = Watch(folder, redis_url, log, *options, preexec_fn=preexec_fn)
    try:
        yield watch
    finally:
        watch.process.kill()
        watch.process.wait(20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With `in/` made, as the first start would."""
    (tmp_path / "claims/in").mkdir(parents=True)
    return tmp_path / "claims"


def names(folder: Path) -> list[str]:
    return sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file())


def test_killed_in_the_middle_nothing_is_lost_and_the_same_claim_is_the_same_event(
    folder: Path, redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    (folder / "in/claims.837").write_text(many_claims())
    with watching(folder, redis_url, tmp_path / "log") as watch:
        eventually(lambda: redis.xlen("claims.created"), within=30, what="it has begun")
        watch.process.kill()
        watch.process.wait(20)
    assert redis.xlen("claims.created") < CLAIMS, "it was killed in the middle"
    assert names(folder) == ["work/claims.837"]
    with watching(folder, redis_url, tmp_path / "log") as watch:
        eventually(lambda: names(folder) == ["done/claims.837"], within=30, what="it was resumed")
        assert watch.stop() == 0
    ids_of_claims: dict[str, set[str]] = {}
    for event in events_on(redis, "claims.created"):
        ids_of_claims.setdefault(event["data"]["claim_id"], set()).add(event["id"])
    assert ids_of_claims.keys() == {f"C-{number}" for number in range(CLAIMS)}
    assert Counter(len(ids) for ids in ids_of_claims.values()) == {1: CLAIMS}


def test_two_watchers_share_a_folder_and_publish_each_file_once(
    folder: Path, redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    for number in range(40):
        (folder / f"in/{number}.837").write_text(many_claims(5, first=number * 5))
    with watching(folder, redis_url, tmp_path / "a"), watching(folder, redis_url, tmp_path / "b"):
        eventually(lambda: len(list((folder / "done").glob("*"))) == 40, within=30, what="all are done")
    subjects = Counter(event["subject"] for event in events_on(redis, "claims.created"))
    assert subjects == Counter(f"C-{number}" for number in range(200))


def test_a_living_watchers_file_is_not_taken_by_one_that_starts(
    folder: Path, redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    (folder / "in/claims.837").write_text(many_claims(1_000))
    with watching(folder, redis_url, tmp_path / "a") as first:
        eventually(lambda: redis.xlen("claims.created"), within=30, what="it has begun")
        first.process.send_signal(signal.SIGSTOP)
        before = redis.xlen("claims.created")
        second = subprocess.run(
            [sys.executable, "-m", "palpate_cli", "watch", folder, "--redis", redis_url, "--once", "--settle", "0"],
            capture_output=True, check=False,
        )  # fmt: skip
        assert (second.returncode, redis.xlen("claims.created")) == (0, before)
        first.process.send_signal(signal.SIGCONT)
        eventually(lambda: names(folder) == ["done/claims.837"], within=30, what="it is done")
    assert redis.xlen("claims.created") == 1_000


def test_told_to_stop_it_ends_and_what_it_says_holds_nothing_private(
    folder: Path, redis_url: str, tmp_path: Path
) -> None:
    (folder / "in/QUIXOTE.837").write_text(many_claims(3))
    (folder / "in/DULCINEA.837").write_text(many_claims(3).partition("SE*")[0])
    with watching(folder, redis_url, tmp_path / "log") as watch:
        eventually(lambda: len(names(folder)) == 3 and not list(folder.glob("in/*")), within=30, what="both are read")
        eventually(lambda: not list(folder.glob("work/*")), within=30, what="both are filed away")
        assert watch.stop() == 0
        lines = watch.lines()
    assert [(line["event"], line["outcome"]) for line in lines] == [("file_read", "done"), ("file_read", "failed")]
    assert {line["service"] for line in lines} == {"folder"}
    told = (folder / "failed/DULCINEA.837.errors.json").read_text()
    for private in PHI:
        assert private not in (tmp_path / "log").read_text()
        assert private not in told.replace("DULCINEA.837", "")


def test_once_says_by_its_exit_code_that_some_could_not_be_read(folder: Path, redis_url: str, tmp_path: Path) -> None:
    (folder / "in/claims.837").write_text("nonsense")
    with watching(folder, redis_url, tmp_path / "log", "--once") as watch:
        assert watch.process.wait(30) == 1
    assert names(folder) == ["failed/claims.837", "failed/claims.837.errors.json"]


def test_once_says_by_its_exit_code_that_a_file_could_not_be_opened(
    folder: Path, redis_url: str, tmp_path: Path
) -> None:
    (folder / "in/closed.837").write_text(many_claims(1))
    (folder / "in/closed.837").chmod(0)
    (folder / "in/open.837").write_text(many_claims(1))
    (folder / "in/QUIXOTE.swp").write_text("")
    with watching(folder, redis_url, tmp_path / "log", "--once", preexec_fn=obey_modes) as watch:
        assert watch.process.wait(30) == 1
        assert [(line["event"], line.get("reason")) for line in watch.lines()] == [
            ("file_read", None),
            ("file_not_taken", "it may not be read by this user"),
            ("file_passed_over", ".swp in its name: it is being written, or is no claim"),
        ]
    assert names(folder) == ["done/open.837", "in/QUIXOTE.swp", "in/closed.837"]


def test_once_says_by_its_exit_code_that_it_was_stopped_before_the_end(folder: Path, tmp_path: Path) -> None:
    (folder / "in/claims.837").write_text(many_claims(1))
    with watching(folder, f"redis://127.0.0.1:{free_port()}/0", tmp_path / "log", "--once") as watch:
        eventually(lambda: "redis_away" in watch.log.read_text(), within=30, what="it said so")
        assert watch.stop() == 1
    assert names(folder) == ["work/claims.837"]


def test_stopping_does_not_wait_for_a_redis_that_is_away(folder: Path, tmp_path: Path) -> None:
    (folder / "in/claims.837").write_text(many_claims(1))
    with watching(folder, f"redis://127.0.0.1:{free_port()}/0", tmp_path / "log") as watch:
        eventually(lambda: "redis_away" in watch.log.read_text(), within=30, what="it said so")
        assert watch.stop() == 0
        assert [line["event"] for line in watch.lines()] == ["redis_away", "file_left_in_work"]
    assert names(folder) == ["work/claims.837"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["file"], "cannot be used"),
        ([".", "--redis", "http://127.0.0.1:1"], "no such kind of Redis URL"),
        ([".", "--source", ""], "--source is who sends"),
    ],
)
def test_what_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["watch", *arguments])
    assert result.exit_code == 2
    assert says in result.stderr
