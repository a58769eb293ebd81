"""`palpate up` and `palpate demo` as processes of their own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import eventually

ROOT = Path(__file__).parents[2]
PALPATE = [sys.executable, "-m", "palpate_cli"]


def children_of(pid: int) -> dict[int, str]:
    """The processes below one, with their command lines."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    found = {int(own): args for own, parent, args in (row for row in rows if len(row) == 3) if int(parent) == pid}
    return found | {own: args for child in list(found) for own, args in children_of(child).items()}


def alive(pid: int) -> bool:
    """Whether a process is there and is not a zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


@pytest.fixture
def environment() -> dict[str, str]:
    """This process's, without what would lead away from the folder of the test."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PALPATE_")}


@pytest.fixture
def up(tmp_path: Path, environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A running `palpate up`, ended at the end whatever happens."""
    folder, log = tmp_path / "data", tmp_path / "up.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*PALPATE, "up", "--data", str(folder)], stdout=sink, stderr=sink, env=environment, cwd=ROOT
        )
    try:
        eventually(lambda: "Palpate is up." in log.read_text(), within=45, what="palpate up is ready")
        yield process, folder
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)


def test_up_judges_heals_refuses_a_second_and_leaves_nothing_behind(
    up: tuple[subprocess.Popen[bytes], Path], environment: dict[str, str], tmp_path: Path
) -> None:
    process, folder = up
    log = tmp_path / "up.log"
    assert str(folder / "mail") in log.read_text()

    def send(sample: str) -> subprocess.CompletedProcess[str]:
        arguments = ["send", str(ROOT / "samples/json" / sample), "--data", str(folder), "--wait", "20"]
        return subprocess.run([*PALPATE, *arguments], capture_output=True, text=True, env=environment, check=False)

    failed = send("three-faults.json")
    assert failed.returncode == 1
    assert "fails SYN-1003 version 1: mod-therapy-missing, ncci-hard, units-total-over" in failed.stdout
    eventually(lambda: list((folder / "mail").glob("*.eml")), within=20, what="a mail lies in the folder")

    second = subprocess.run(
        [*PALPATE, "up", "--data", str(folder)], capture_output=True, text=True, env=environment, check=False
    )
    assert second.returncode == 2
    assert f"another palpate is running in {folder}" in second.stderr

    [validator] = [pid for pid, args in children_of(process.pid).items() if "serve validator" in args]
    os.kill(validator, signal.SIGKILL)
    assert "passes SYN-" in send("clean-pt-medicare.json").stdout
    assert "ended (SIGKILL)" in log.read_text()

    family = children_of(process.pid)
    assert len(family) >= 4, "Redis, mail sink, validator and notifier"
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0
    assert time.monotonic() - started < 15
    assert [args for pid, args in family.items() if alive(pid)] == []
    assert not (folder / "up.json").exists()


def test_the_demo_does_the_whole_job_and_says_so(environment: dict[str, str]) -> None:
    done = subprocess.run([*PALPATE, "demo"], capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for fact in ("every event was answered", "every failed claim was told", "the corrected claim closed its case"):
        assert f"  yes  {fact}" in done.stdout
    said = " ".join(done.stdout.split())
    summary = re.search(r"In all: (\d+) events sent, (\d+) passed, (\d+) failed, (\d+) rejected", said)
    assert summary is not None
    sent, passed, failed, rejected = map(int, summary.groups())
    assert sent == passed + failed + rejected
    assert min(passed, failed, rejected) >= 1
    assert ", 1 resolved." in said


def test_the_demo_fails_where_its_samples_are_broken(tmp_path: Path, environment: dict[str, str]) -> None:
    samples = tmp_path / "samples"
    shutil.copytree(ROOT / "samples", samples)
    shutil.rmtree(samples / "corrections")
    for file in samples.rglob("*.*"):
        if file.is_file():
            file.write_text(json.dumps({"nothing": "here"}))
    done = subprocess.run(
        [*PALPATE, "demo", "--samples", str(samples)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode != 0
    assert "NO   the corrected claim closed its case" in done.stdout
