"""What tests stand on: a real Redis (testcontainers with Docker, else the embedded default's) and a real SMTP sink."""

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import HealthCheck, settings
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from palpate_runtime.embedded import EmbeddedRedis, free_port

settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")

SHARED = Path(__file__).parents[1].parent / "shared"
"""The folder beside the repository with judged claims and other people's sample files."""


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command that sets up the logs in this process binds them to that test's stderr, which is gone after it."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        root = logging.getLogger()
        root.handlers[:] = []
        root.setLevel(logging.WARNING)


def docker_is_there() -> bool:
    """Whether a Docker engine answers."""
    if not os.environ.get("DOCKER_HOST") and not Path("/var/run/docker.sock").exists():
        return False
    import docker
    from docker.errors import DockerException

    try:
        with contextlib.closing(docker.from_env()) as client:
            return bool(client.ping())
    except DockerException:
        return False


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis server of this test run."""
    if docker_is_there():
        from testcontainers.redis import RedisContainer

        with RedisContainer("redis:7.4-alpine") as container:
            yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"
        return
    with EmbeddedRedis(tmp_path_factory.mktemp("redis"), extra=("--appendonly", "no")) as server:
        yield server.url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """A Redis without anything in it."""
    with Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture
def redis(redis_url: str) -> Iterator["Redis"]:
    """A client of an empty Redis."""
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def async_redis(redis_url: str) -> Any:
    """An asynchronous client of an empty Redis."""
    async with AsyncRedis.from_url(redis_url) as client:
        yield client


@dataclass
class MailSink:
    """A real SMTP server that keeps what it is given.  `answers` are given first, one a message."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.answers.pop(0) if self.answers else "250 kept"
        if answer.startswith(("250", "drop")):
            content = envelope.content or b""
            raw = content.encode() if isinstance(content, str) else content
            message = message_from_bytes(raw, policy=default)
            assert isinstance(message, EmailMessage)
            with self.arrived:
                self.raw.append(raw)
                self.mails.append(message)
                self.arrived.notify_all()
        if answer.startswith("drop"):
            # Taken, and the connection cut before the client hears of it.
            assert _server.transport is not None
            _server.transport.abort()
            return "421 gone"
        return answer

    def wait_for(self, count: int, timeout: float = 20.0) -> list[EmailMessage]:
        """The mails, when there are at least so many."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.mails) >= count, timeout), (
                f"{len(self.mails)} of {count} mails"
            )
        return self.mails


@pytest.fixture
def mail_sink() -> Iterator[MailSink]:
    """An SMTP server on loopback."""
    sink = MailSink(free_port())
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    yield sink
    controller.stop()


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
