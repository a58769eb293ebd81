"""Nobody is left behind when whoever started them is killed: the tests' own runner, and `palpate up`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from redis import Redis

from palpate_runtime.embedded import EmbeddedRedis
from palpate_runtime.parents import ends_with_us
from tests.processes import eventually

RUNNER = """
import json, sys
from pathlib import Path
from tests.faults.rig import Rig, freeze
from tests.faults.servers import Sentinels

folder = Path(sys.argv[1])
with Rig(folder / "rig") as rig, Sentinels(folder) as sentinels:
    running = [rig.start(name, wait=False) for name in ("validator", "notifier", "validator")]
    freeze(running[2].process.pid)
    servers = [rig.server, sentinels.master, sentinels.replica, *running]
    print(json.dumps([each.process.pid for each in servers] + [each.pid for each in sentinels._processes]), flush=True)
    sys.stdin.read()
"""


def test_what_the_runner_has_started_goes_when_it_is_killed(tmp_path: Path) -> None:
    """Services, also one that is stopped with SIGSTOP, Redis and Sentinels."""
    runner = _started([sys.executable, "-c", RUNNER, str(tmp_path)])
    children = _pids(runner)
    assert len(children) == 9
    assert all(_lives(child) for child in children)
    _kill(runner)
    eventually(lambda: not [child for child in children if _lives(child)], within=20, what="all gone")


UP = """
import json, sys
from pathlib import Path
from palpate_runtime.embedded import EmbeddedRedis
from redis import Redis

server = EmbeddedRedis(Path(sys.argv[1])).start()
Redis(port=server.port).set("claim", "kept")
print(json.dumps([server.process.pid]), flush=True)
sys.stdin.read()
"""


def test_a_redis_whose_keeper_is_killed_writes_everything_down_and_leaves_the_folder(tmp_path: Path) -> None:
    """Else the next `palpate up` would put a second server on the same append-only file."""
    keeper = _started([sys.executable, "-c", UP, str(tmp_path)])
    [server] = _pids(keeper)
    _kill(keeper)
    eventually(lambda: not _lives(server), within=20, what="gone")
    with EmbeddedRedis(tmp_path) as again, Redis(port=again.port) as redis:
        assert redis.get("claim") == b"kept"


def _started(command: list[str]) -> "subprocess.Popen[bytes]":
    pipe, gone = subprocess.PIPE, ends_with_us(signal.SIGKILL)
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, preexec_fn=gone)  # noqa: PLW1509


def _pids(process: "subprocess.Popen[bytes]") -> list[int]:
    assert process.stdout is not None
    found: list[int] = json.loads(process.stdout.readline())
    return found


def _kill(process: "subprocess.Popen[bytes]") -> None:
    os.kill(process.pid, signal.SIGKILL)
    with process:
        process.wait(20)


def _lives(pid: int) -> bool:
    """Whether it runs; one that nobody has buried yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
