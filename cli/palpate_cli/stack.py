"""The embedded default: Redis, the services and a mail sink as processes of this machine, on loopback."""

import asyncio
import fcntl
import json
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from palpate_cli.processes import Command, Family, Tell
from palpate_runtime.embedded import EmbeddedRedis, free_port

if TYPE_CHECKING:
    from palpate_cli.local_intake import LocalIntake

READY_WITHIN_S = 60.0

EXAMPLE_DIRECTORY = """\
# Who is who.  Palpate finds the clinician of a failed claim here, by NPI; whatever is unknown goes to a manager.
manager = "pat"

[[practice]]
npi = "1497758544"
name = "Harbor Physical Therapy"
manager = "pat"

[[person]]
id = "pat"
name = "Pat Okafor"
email = "pat@harbor.example"
practice = "1497758544"

[[person]]
id = "ada"
npi = "1245319599"
name = "Ada Quist, PT"
email = "ada@harbor.example"
practice = "1497758544"

[[person]]
id = "ben"
npi = "1003000126"
name = "Ben Ruiz, OT"
email = "ben@harbor.example"
practice = "1497758544"
"""


class AlreadyRunning(RuntimeError):
    """Another `palpate up` has this folder."""


class NotReady(RuntimeError):
    """A service did not become ready."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, on loopback."""

    redis: int
    smtp: int
    validator: int
    notifier: int

    @classmethod
    def free(cls, redis: int | None = None, inbox: int | None = None) -> "Ports":
        return cls(redis or free_port(), free_port(), free_port(), inbox or free_port())


INBOX_PORT, INTAKE_PORT = 8097, 8098
"""The same place each time: mails link to the inbox, and senders are set up with the address of the intake."""


def port_like(usual: int) -> int:
    """The usual port if it is free, else one that is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", usual))
        except OSError:
            return free_port()
    return usual


class Stack:
    """Everything that `palpate up` runs, in one data folder."""

    def __init__(
        self,
        folder: Path,
        tell: Tell,
        *,
        redis_port: int | None = None,
        settings: Mapping[str, str] | None = None,
        inbox: bool = False,
        intake: bool = False,
    ) -> None:
        self.folder, self.ports = folder, Ports.free(redis_port, port_like(INBOX_PORT) if inbox else None)
        self.inbox_url = _inbox_url(self.ports.notifier) if inbox else None
        self.intake = _intake_of(folder) if intake else None
        self.mail = folder / "mail"
        self.directory = Path(os.environ.get("PALPATE_DIRECTORY", folder / "directory.toml"))
        self.redis = EmbeddedRedis(folder / "redis", self.ports.redis)
        self._settings = dict(settings or {})
        self._family = Family(self._commands(), tell)
        self._lock: int | None = None

    @property
    def redis_url(self) -> str:
        """Where a PMS publishes claim events."""
        return self.redis.url

    async def __aenter__(self) -> "Stack":
        self.folder.mkdir(parents=True, exist_ok=True)
        self._take_folder()
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self._stop()

    def pid(self, name: str) -> int | None:
        """The process id of `validator`, `notifier`, `intake` or `mail`."""
        return self._family.pid(name)

    async def _start(self) -> None:
        if not self.directory.exists():
            self.directory.write_text(EXAMPLE_DIRECTORY, "utf-8")
        if self.intake is not None:
            self.intake.begin()
        await asyncio.to_thread(self.redis.start)
        for file, where in self._where().items():
            file.write_text(where, "utf-8")
        await self._family.start()
        await self._ready()

    async def _stop(self) -> None:
        await self._family.stop()
        await asyncio.to_thread(self.redis.stop)
        for file in self._where():
            file.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _where(self) -> dict[Path, str]:
        """The files that say where things are while they run."""
        up = {self.folder / "up.json": json.dumps({"redis_url": self.redis_url, "pid": os.getpid()})}
        return up if self.intake is None else up | {self.intake.url_file: f"{self.intake.url}\n"}

    def _take_folder(self) -> None:
        """One stack a folder: two Redis servers on one append-only file would destroy it."""
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            self._lock = None
            raise AlreadyRunning(
                f"another palpate is running in {self.folder}; stop it, or use --data FOLDER"
            ) from error

    def _commands(self) -> list[Command]:
        palpate = [sys.executable, "-m", "palpate_cli"]
        common = {"PALPATE_REDIS_URL": self.redis_url, "PALPATE_LOG_FORMAT": "json", **self._settings}
        notifier = {
            **common,
            "PALPATE_HTTP_PORT": str(self.ports.notifier),
            "PALPATE_DATABASE_URL": f"sqlite+aiosqlite:///{self.folder / 'cases.db'}",
            "PALPATE_DIRECTORY": str(self.directory),
        }
        if self.inbox_url is not None:
            notifier["PALPATE_INBOX_URL"] = self.inbox_url
        if "PALPATE_SMTP_HOST" not in os.environ:
            # Nobody's time is taken by a mail that only lies in a folder: a newcomer need not wait two minutes for it.
            wait = notifier.get("PALPATE_GROUP_WAIT_S") or os.environ.get("PALPATE_GROUP_WAIT_S", "3")
            sink = {"PALPATE_SMTP_HOST": "127.0.0.1", "PALPATE_SMTP_PORT": str(self.ports.smtp)}
            notifier |= {**sink, "PALPATE_GROUP_WAIT_S": wait}
        return [
            Command("mail", [*palpate, "mail-sink", "--port", str(self.ports.smtp), "--folder", str(self.mail)]),
            Command(
                "validator",
                [*palpate, "serve", "validator"],
                {
                    **common,
                    "PALPATE_HTTP_PORT": str(self.ports.validator),
                    "PALPATE_TABLES": os.environ.get("PALPATE_TABLES", str(self.folder / "tables")),
                },
            ),
            Command("notifier", [*palpate, "serve", "notifier"], notifier),
            *self._intake_command(palpate, common),
        ]

    def _intake_command(self, palpate: list[str], common: Mapping[str, str]) -> list[Command]:
        if self.intake is None:
            return []
        env = {**common, "PALPATE_HTTP_PORT": str(self.intake.port), "PALPATE_SOURCES": str(self.intake.sources)}
        return [Command("intake", [*palpate, "serve", "intake"], env)]

    async def _ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
        services = {"validator": self.ports.validator, "notifier": self.ports.notifier}
        if self.intake is not None:
            services["intake"] = self.intake.port
        for name, port in services.items():
            while not await asyncio.to_thread(is_ready, port):
                if asyncio.get_running_loop().time() > deadline:
                    raise NotReady(f"the {name} did not become ready within {READY_WITHIN_S:g} s; its log says why")
                await asyncio.sleep(0.05)


def _intake_of(folder: Path) -> "LocalIntake":
    from palpate_cli.local_intake import LocalIntake  # which the demo need not wait for

    return LocalIntake(folder, port_like(INTAKE_PORT))


def _inbox_url(port: int) -> str:
    return os.environ.get("PALPATE_INBOX_URL", f"http://127.0.0.1:{port}")


def is_ready(port: int) -> bool:
    """Whether the service at a loopback port says that it is consuming."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=3) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
