"""Real service processes for tests, started and killed by their own ids."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from pathlib import Path
from typing import Any

from redis import Redis

from palpate_cli.stack import EXAMPLE_DIRECTORY, is_ready
from palpate_runtime.embedded import free_port
from palpate_runtime.parents import ends_with_us


class ServiceProcess:
    """One `palpate serve` process, with its log lines in a file."""

    def __init__(self, name: str, folder: Path, env: dict[str, str], label: str = "") -> None:
        self.name, self.port = name, free_port()
        self.log_path = folder / f"{label or name}.log"
        self._env = {**os.environ, **env, "PALPATE_HTTP_PORT": str(self.port), "PALPATE_LOG_FORMAT": "json"}
        self.argv = ["-m", "palpate_cli", "serve", name]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> "ServiceProcess":
        with self.log_path.open("ab") as sink:
            self.process = subprocess.Popen(
                [sys.executable, *self.argv],
                stdout=sink,
                stderr=sink,
                env=self._env,
                start_new_session=True,
                # Also one that is stopped (SIGSTOP) goes when the tests are killed.
                preexec_fn=ends_with_us(signal.SIGKILL),  # noqa: PLW1509
            )
        if wait:
            eventually(lambda: is_ready(self.port), within=30, what=f"{self.name} ready\n{self.log_text()[-2000:]}")
        return self

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(20)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        return self.process.wait(20)

    def log_text(self) -> str:
        return self.log_path.read_text("utf-8") if self.log_path.exists() else ""

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_text().splitlines() if line.startswith("{")]


@contextmanager
def services(
    redis_url: str, folder: Path, smtp_port: int, *names: str, **settings: str
) -> Iterator[dict[str, ServiceProcess]]:
    """Validator and notifier (or those named) against one Redis, stopped at the end whatever happens."""
    directory = folder / "directory.toml"
    directory.write_text(EXAMPLE_DIRECTORY, "utf-8")
    env = {
        "PALPATE_REDIS_URL": redis_url,
        "PALPATE_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'cases.db'}",
        "PALPATE_DIRECTORY": str(directory),
        "PALPATE_SMTP_HOST": "127.0.0.1",
        "PALPATE_SMTP_PORT": str(smtp_port),
        "PALPATE_GROUP_WAIT_S": "0",
        **{f"PALPATE_{key.upper()}": value for key, value in settings.items()},
    }
    running = {name: ServiceProcess(name, folder, env) for name in names or ("validator", "notifier")}
    try:
        for each in running.values():
            each.start(wait=False)
        for each in running.values():
            eventually(lambda each=each: is_ready(each.port), within=30, what=f"{each.name} ready")  # type: ignore[misc]
        yield running
    finally:
        for each in running.values():
            each.kill()


def eventually(happened: Callable[[], Any], *, within: float, what: str | Callable[[], str]) -> Any:
    """Wait until something is true and return it; fail naming `what` when it never is."""
    deadline = time.monotonic() + within
    while True:
        if result := happened():
            return result
        assert time.monotonic() < deadline, f"not within {within} s: {what() if callable(what) else what}"
        time.sleep(0.02)


def event(claim: dict[str, Any], *, event_id: str, kind: str = "claim.created", source: str = "urn:pms:test") -> bytes:
    """A claim event as a PMS would write it, by hand."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": kind,
            "subject": claim.get("claim_id"),
            "time": "2025-03-05T12:00:00Z",
            "datacontenttype": "application/json",
            "data": claim,
        }
    ).encode()


def publish(redis: "Redis", claim: dict[str, Any], *, event_id: str, kind: str = "claim.created") -> None:
    """XADD one claim event."""
    redis.xadd("claims.created", {"event": event(claim, event_id=event_id, kind=kind)})


@contextmanager
def serving(server: HTTPServer) -> Iterator[None]:
    """A real HTTP server of this process that answers until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def events_on(redis: "Redis", stream: str) -> list[dict[str, Any]]:
    """Every event on a stream, as JSON."""
    entries: Any = redis.xrange(stream)
    return [json.loads(fields[b"event"]) for _, fields in entries]
