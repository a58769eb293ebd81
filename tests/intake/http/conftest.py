"""The whole intake on a real Redis: in this process for most tests, as a process of its own where it is killed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from palpate_intake.app import intake_service
from palpate_intake.http.keys import hashed
from palpate_intake.settings import IntakeSettings
from palpate_schemas.events import ClaimPassed, Event
from tests.notifier import verdicts
from tests.processes import event as written_event
from tests.validator.claims import claim_with

ACME, OTHER = "plpt_acme-key", "plpt_other-key"
ACME_URI, OTHER_URI = "urn:pms:acme", "urn:pms:other"
EVENT, EVENTS = "application/cloudevents+json", "application/cloudevents-batch+json"

SOURCES = f"""
[[source]]
name = "acme"
source = "{ACME_URI}"
keys = ["{hashed(ACME)}"]

[[source]]
name = "other"
source = "{OTHER_URI}"
keys = ["{hashed(OTHER)}"]
practices = ["1999999992"]
"""


def bearer(key: str = ACME) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def event(claim: Mapping[str, Any] | None = None, *, event_id: str = "e-1", source: str = ACME_URI) -> bytes:
    """A whole event of acme's, as JSON."""
    return written_event(dict(claim or claim_with()), event_id=event_id, source=source)


def answer(
    kind: type[Event[Any]], claim_id: str = "CLM-1", *, answer_id: str, source: str = ACME_URI, **of: Any
) -> bytes:
    """A verdict of the validator's, as JSON."""
    source_event = {"source": source, "id": of.pop("event_id", "e-1")}
    made = (
        verdicts.passed if kind is ClaimPassed else lambda **changes: verdicts.failed("mod-therapy-missing", **changes)
    )
    name = "claim.passed" if kind is ClaimPassed else "claim.failed"
    return (
        kind(
            specversion="1.0",
            id=answer_id,
            source="urn:palpate:validator",
            type=name,
            subject=claim_id,
            time=datetime(2026, 11, 24, 12, tzinfo=UTC),
            data=made(claim_id=claim_id, source_event=source_event, **of),
        )
        .model_dump_json(exclude_none=True)
        .encode()
    )


def publish(redis: "Redis", kind: type[Event[Any]], **of: Any) -> None:
    """XADD a verdict."""
    redis.xadd("claims.passed" if kind is ClaimPassed else "claims.failed", {"event": answer(kind, **of)})


@dataclass
class Running:
    """An intake that answers."""

    http: httpx.AsyncClient
    sources: Path
    settings: IntakeSettings

    async def post(self, path: str, content: Any, kind: str, *, key: str = ACME, **headers: str) -> httpx.Response:
        return await self.http.post(path, content=content, headers={"content-type": kind, **bearer(key), **headers})

    def key(self) -> dict[str, str]:
        return bearer()

    async def claim(self, claim_id: str = "CLM-1", *, key: str = ACME) -> httpx.Response:
        return await self.http.get(f"/claims/{claim_id}", headers=bearer(key))


Start = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def start(redis_url: str, tmp_path: Path) -> Start:
    """Starts the service in this process: `async with start(rate="2/minute") as intake`."""

    @asynccontextmanager
    async def started(sources: str = SOURCES, **changes: Any) -> AsyncIterator[Running]:
        file = tmp_path / "sources.toml"
        file.write_text(sources, "utf-8")
        values: dict[str, Any] = {
            "redis_url": redis_url,
            "sources": file,
            "block_ms": 20,
            "log_level": "info",
        } | changes
        settings = IntakeSettings(**values)
        service = intake_service(settings)
        transport = httpx.ASGITransport(service.asgi)
        async with (
            service.asgi.router.lifespan_context(service.asgi),
            httpx.AsyncClient(transport=transport, base_url="http://intake") as http,
        ):
            yield Running(http, file, settings)

    return started


@pytest.fixture
async def intake(start: Start) -> AsyncIterator[Running]:
    """An intake with its usual settings."""
    async with start() as running:
        yield running


async def until(ask: Callable[[], Awaitable[Any]], *, within: float = 15.0) -> Any:
    """Ask until the answer is true, and return it: what happens in Redis announces itself to nobody here."""
    async with asyncio.timeout(within):
        while True:
            if found := await ask():
                return found
            await asyncio.sleep(0.02)
