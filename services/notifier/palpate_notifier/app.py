"""The notifier service: reads verdicts, keeps the cases, tells people and says on `corrections` what it did."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import structlog
from starlette.routing import Mount

from palpate_notifier.database import migrate, open_database
from palpate_notifier.directory import load_directory
from palpate_notifier.dispatcher import Dispatcher
from palpate_notifier.inbox.access import covers_elsewhere
from palpate_notifier.inbox.app import inbox_app
from palpate_notifier.inbox.rule_page import RulePage
from palpate_notifier.minder import Minder
from palpate_notifier.publisher import Publisher
from palpate_notifier.recorder import Recorder
from palpate_notifier.routing import load_routes
from palpate_notifier.sender import Sender
from palpate_notifier.settings import NotifierSettings
from palpate_runtime.commit import Acknowledger
from palpate_runtime.consumer import Entry, Failures, StreamConsumer
from palpate_runtime.servers import broker_for
from palpate_runtime.service import Service
from palpate_schemas.streams import CLAIMS_FAILED, CLAIMS_PASSED, NOTIFIER_GROUP, partitioned

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.stdlib.get_logger()


def now() -> datetime:
    """The clock of the running service."""
    return datetime.now(UTC)


def notifier_service(settings: NotifierSettings, rule_page: RulePage | None = None) -> Service:
    """The notifier, ready to run.

    Args:
        settings: Its settings.
        rule_page: Looks a rule's page up for the inbox.

    Raises:
        WrongDirectory: the directory has a fault; the text names it.
        WrongRoutes: the routing file has one; the text names file and line.
    """
    directory = load_directory(settings.directory)
    if settings.inbox_url is not None and directory.shared_addresses:
        # They are told of their cases as ever; who shares an address cannot sign in by it.
        log.warning("address_shared", count=len(directory.shared_addresses))
    for practice, count in sorted(covers_elsewhere(directory).items()):
        # They are told in somebody's place all the same; the inbox shows them nothing of that practice.
        log.warning("cover_of_another_practice", practice=practice, count=count)
    engine, sessions = open_database(settings.database_url)
    broker = broker_for(settings)

    def redis() -> "Redis":
        return cast("Redis", broker._connection)  # noqa: SLF001 - FastStream has no public name for its client

    routes = load_routes(settings.routes, directory)
    sender = Sender(sessions, directory, settings, now)
    publisher = Publisher(sessions, redis, now, remember_s=settings.dedupe_ttl_s)

    def queued() -> None:
        sender.wake()
        publisher.wake()

    recorder = Recorder(
        sessions,
        directory,
        routes=routes,
        clock=now,
        group_wait=None if settings.group_wait_s is None else timedelta(seconds=settings.group_wait_s),
        queued=queued,
    )
    dispatcher = Dispatcher(sessions, directory, settings, now, queued)
    minder = Minder(sessions, directory, routes, now, queued)

    acknowledger = Acknowledger(redis)

    async def record(entries: Sequence[Entry]) -> Failures:
        return await recorder.record(entries, acknowledger, NOTIFIER_GROUP)

    consumers = [
        StreamConsumer(broker, partitioned(stream, each), NOTIFIER_GROUP, settings, record)
        for stream in (CLAIMS_FAILED, CLAIMS_PASSED)
        for each in settings.all_partitions
    ]

    async def prepare() -> None:
        await migrate(engine)
        log.info("database_ready")

    return Service(
        "notifier",
        settings,
        broker,
        consumers,
        prepare=prepare,
        loops=[dispatcher.run, minder.run, sender.run, publisher.run],
        drain=sender.drain,
        close=engine.dispose,
        routes=[]
        if settings.inbox_url is None
        else [Mount("/", inbox_app(sessions, directory, settings, now, settings.inbox_url, rule_page=rule_page))],
    )
