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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.processes import eventually, is_ready

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


@contextmanager
def running(
    log: Path, environment: dict[str, str], *arguments: str, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A `palpate up` that is ready, ended at the end whatever happens."""
    with log.open("wb") as sink:
        process = subprocess.Popen([*PALPATE, "up", *arguments], stdout=sink, stderr=sink, env=environment, cwd=cwd)
    try:
        eventually(lambda: "Palpate is up." in log.read_text(), within=45, what=log.read_text)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)


@pytest.fixture
def up(tmp_path: Path, environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """One in a data folder of its own."""
    folder = tmp_path / "data"
    with running(tmp_path / "up.log", environment, "--data", str(folder)) as process:
        yield process, folder


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
    assert len(family) >= 5, "Redis, mail sink, validator, notifier and intake"
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0
    assert time.monotonic() - started < 15
    assert [args for pid, args in family.items() if alive(pid)] == []
    assert not [name for name in ("up.json", "intake.url") if (folder / name).exists()]


def tried(guide: str) -> list[str]:
    """The commands of "Try it here"."""
    return re.findall(r"<!-- try: .*? -->\n```sh\n(.*?)```\n", guide, re.DOTALL)


def test_up_takes_claims_in_over_http_as_the_guide_shows_and_the_key_is_in_its_file_alone(
    environment: dict[str, str], tmp_path: Path
) -> None:
    send, ask = tried((ROOT / "docs/http-intake.md").read_text("utf-8"))
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    log, folder = tmp_path / "up.log", tmp_path / ".palpate"

    def shell(command: str) -> dict[str, Any]:
        done = subprocess.run(["sh", "-eu", "-c", command], capture_output=True, cwd=tmp_path, timeout=30, check=True)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    with running(log, environment, "--verbose", cwd=tmp_path) as process:
        url = (folder / "intake.url").read_text().strip()
        assert f"{url}   the key is in {folder / 'key.header'}" in log.read_text()
        assert shell(send)["accepted"] == 1
        eventually(lambda: shell(ask)["status"] != "waiting", within=20, what="the verdict")

        [intake] = [pid for pid, args in children_of(process.pid).items() if "serve intake" in args]
        os.kill(intake, signal.SIGKILL)
        eventually(lambda: "ended (SIGKILL)" in log.read_text(), within=20, what="its end is noticed")
        eventually(lambda: is_ready(int(url.rpartition(":")[2])), within=30, what="it is there again")
        stands = shell(ask)
        assert (stands["status"], stands["claim_id"]) == ("failed", "SYN-2003")
        errors = [each["rule"] for each in stands["verdict"]["findings"] if each["severity"] == "error"]
        assert errors == ["mod-therapy-missing"]
        assert groups_of_the_intake(folder) == destroyed_by((ROOT / "docs/durability.md").read_text("utf-8"))

    key = re.findall(r"plpt_[\w-]{43}", (folder / "key.header").read_text())
    assert len(key) == 1
    assert (folder / "key.header").stat().st_mode & 0o777 == 0o600
    written = [path for path in [log, *folder.rglob("*")] if path.is_file() and key[0].encode() in path.read_bytes()]
    assert written == [folder / "key.header"]


def groups_of_the_intake(folder: Path) -> set[str]:
    """The streams that it reads with a group."""
    with Redis.from_url(json.loads((folder / "up.json").read_text())["redis_url"]) as redis:
        streams = [name.decode() for name in redis.scan_iter(_type="stream")]
        return {name for name in streams if b"intake" in {group["name"] for group in redis.xinfo_groups(name)}}


def destroyed_by(page: str) -> set[str]:
    """The streams from which the command of a page takes its group."""
    [streams] = re.findall(
        r"^for stream in (.*); do\n +redis-cli .* XGROUP DESTROY \"\$stream\" intake$", page, re.MULTILINE
    )
    return set(streams.split())


def test_up_says_at_once_what_is_wrong_with_a_sources_file_and_starts_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "sources.toml").write_text('[[source]]\nname = "local"\n')
    done = subprocess.run(
        [*PALPATE, "up", "--data", str(folder)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 2
    assert f"{folder / 'sources.toml'}: source number 1, source: Field required" in done.stderr
    assert not (folder / "redis").exists()


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
