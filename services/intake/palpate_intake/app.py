"""The HTTP intake service: takes claims in, knows how they stand, and tells sources by webhook."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from redis.exceptions import RedisError

from palpate_intake.http.api import Api
from palpate_intake.http.delivering import Deliverer
from palpate_intake.http.doorkeeper import Doorkeeper
from palpate_intake.http.following import Follower
from palpate_intake.http.index import ClaimIndex
from palpate_intake.http.sources import Sources
from palpate_intake.http.taking_in import Intake
from palpate_intake.settings import IntakeSettings
from palpate_runtime.consumer import StreamConsumer
from palpate_runtime.servers import broker_for
from palpate_runtime.service import Service
from palpate_schemas.streams import (
    CLAIMS_FAILED,
    CLAIMS_PASSED,
    CLAIMS_REJECTED,
    CORRECTIONS,
    INTAKE_GROUP,
    WEBHOOKS,
    partitioned,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis

_KEPT_AT_LEAST_S = 3_600
"""Also where streams are trimmed at once, a sender can ask for a while whether its claim was accepted."""


def now() -> datetime:
    """The clock of the running service."""
    return datetime.now(UTC)


def intake_service(settings: IntakeSettings) -> Service:
    """The intake, ready to run.

    Raises:
        WrongSources: the sources file has a fault; the text names it.
    """
    sources = Sources(settings.sources)
    broker = broker_for(settings)

    def redis() -> "Redis":
        return cast("Redis", broker._connection)  # noqa: SLF001 - FastStream has no public name for its client

    index = ClaimIndex(redis, keep_s=max(settings.retain_s, _KEPT_AT_LEAST_S))
    intake = Intake(redis, index, settings, now)
    deliverer = Deliverer(redis, sources, settings, now)
    follower = Follower(redis, sources, index, now, deliverer.wake)
    parts = settings.all_partitions
    followed = [partitioned(each, part) for each in (CLAIMS_PASSED, CLAIMS_FAILED, CLAIMS_REJECTED) for part in parts]
    consumers = [
        *(StreamConsumer(broker, each, INTAKE_GROUP, settings, follower.follow) for each in (*followed, CORRECTIONS)),
        *(
            StreamConsumer(broker, partitioned(WEBHOOKS, part), INTAKE_GROUP, settings, follower.again)
            for part in parts
        ),
    ]

    async def prepare() -> None:
        # A cluster's client that many loops use for the first time at once trips over its own connections.
        with suppress(RedisError, OSError, TimeoutError):
            await redis().ping()

    async def close() -> None:
        intake.close()

    service = Service(
        "intake",
        settings,
        broker,
        consumers,
        prepare=prepare,
        loops=[deliverer.run],
        drain=deliverer.drain,
        close=close,
    )
    # Not mounted: a mount matches no path with a line break in it, and its 404 would be no problem document.
    service.asgi.router.default = Api(intake, index, Doorkeeper(sources, settings), settings).asgi()
    return service
