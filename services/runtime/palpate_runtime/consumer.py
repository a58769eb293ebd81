"""Reading a stream through a consumer group, for good.

FastStream reads batches raw; everything that its subscriber leaves open is closed here: the group is created at 0, a
subscriber that stopped because its group vanished is started again, entries that a dead consumer holds are taken over,
and what fails too often is buried in the dead stream.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.redis import RedisBroker, StreamSub
from redis.exceptions import RedisError, ResponseError

from palpate_runtime import metrics
from palpate_runtime.commit import Commit
from palpate_runtime.logs import describe
from palpate_runtime.settings import RuntimeSettings
from palpate_schemas.events import DeadLetter
from palpate_schemas.streams import EVENT_FIELD, dead

if TYPE_CHECKING:
    from faststream.redis.subscriber.usecases import StreamBatchSubscriber
    from redis.asyncio import Redis

log = structlog.stdlib.get_logger()

SUPERVISE_EVERY_S = 0.5


def broker_for(redis_url: str) -> RedisBroker:
    """FastStream's broker, whose own log lines go through ours (its logger would print error texts: PHI)."""
    return RedisBroker(redis_url, logger=logging.getLogger("palpate.faststream"), log_level=logging.DEBUG)


@dataclass(frozen=True, slots=True)
class Entry:
    """One stream entry as it was sent."""

    stream: str
    id: str
    event: bytes
    """The `event` field; empty where the entry has none."""


class TransientError(Exception):
    """Something outside is away (a database, a server).  The batch is tried again until it is back."""


Failures = Mapping[str, Exception]
"""Entries that could not be handled, by entry id.  They stay pending and are tried again, then buried."""

Handler = Callable[[Sequence[Entry]], Awaitable[Failures]]
"""Handles and commits a batch.  It acknowledges what it has finished, and nothing else."""


class StreamConsumer:
    """One group's consumer on one stream."""

    def __init__(
        self, broker: RedisBroker, stream: str, group: str, settings: RuntimeSettings, handler: Handler
    ) -> None:
        self.stream, self.group, self.name = stream, group, settings.consumer
        self._broker, self._settings, self._handler = broker, settings, handler
        self._subscriber = self._subscribe()
        self._state = "starting"
        self._next_reclaim = 0.0
        self._cursor = "0-0"

    # -- life ------------------------------------------------------------------------------------------------------

    async def supervise(self) -> None:
        """Keep consuming until cancelled, whatever happens to Redis, the stream or the group."""
        while True:
            try:
                if not self._subscriber.running:
                    await self._ensure_group()
                    await self._subscriber.start()
                    log.info("consuming", stream=self.stream, group=self.group, consumer=self.name)
                await self._reclaim_when_due()
                self._say("consuming")
            except (RedisError, OSError, TimeoutError) as error:
                # Said once, not every half second: ops look for the change, not for the state.
                self._say("waiting_for_redis", error)
            await asyncio.sleep(SUPERVISE_EVERY_S)

    async def stop(self) -> None:
        """Read no more, finish the batch in hand, and leave the group if nothing of ours is pending."""
        await self._subscriber.stop()
        with suppress(RedisError, OSError):
            pending = await self._redis.xpending_range(self.stream, self.group, "-", "+", 1, consumername=self.name)
            if not pending:
                await self._redis.xgroup_delconsumer(self.stream, self.group, self.name)

    async def is_consuming(self) -> bool:
        """Whether this process has read from its group lately: not merely connected, but reading.

        Raises:
            RedisError: Redis does not answer.
        """
        if not self._subscriber.running:
            return False
        groups = await self._redis.xinfo_groups(self.stream)
        ours = next((group for group in groups if group["name"] == self.group.encode()), None)
        if ours is None:
            return False
        if not ours["lag"]:
            # Nothing waits.  Before 7.2, Redis writes down a consumer only when it gives it something, so that one
            # which reads and reads from an empty stream is not there to be seen.
            return True
        longest_ms = max(3 * self._settings.block_ms, 10_000)
        consumers = await self._redis.xinfo_consumers(self.stream, self.group)
        mine = (each for each in consumers if each["name"] == self.name.encode())
        return any(each["idle"] < longest_ms for each in mine)

    def _say(self, state: str, error: BaseException | None = None) -> None:
        if state == self._state:
            return
        was, self._state = self._state, state
        metrics.CONSUMING.labels(self.stream).set(state == "consuming")
        if error is not None:
            log.warning(state, stream=self.stream, group=self.group, **describe(error))
        elif was != "starting":
            log.info("consuming_again", stream=self.stream, group=self.group)

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def _redis(self) -> "Redis":
        client: Redis = self._broker._connection  # type: ignore[assignment]  # noqa: SLF001 - FastStream has no public name for its client
        return client

    def _subscribe(self) -> "StreamBatchSubscriber":
        subscriber = self._broker.subscriber(
            stream=StreamSub(
                self.stream,
                group=self.group,
                consumer=self.name,
                batch=True,
                max_records=self._settings.batch_size,
                polling_interval=self._settings.block_ms,
            ),
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            # FastStream's own parser would decode and re-encode every entry, and takes an entry whose JSON has a
            # string `data` for an envelope of its own: the entries pass through untouched.
            parser=_untouched,
            decoder=_entries,
        )
        subscriber(self._read)
        return subscriber

    async def _read(self, entries: Any) -> None:  # noqa: ANN401 - FastStream would validate and copy a typed list
        await self._handle(entries)

    async def _handle(self, entries: Sequence[Entry]) -> Failures:
        """Hand over a batch; wait as long as it takes where something outside is away."""
        started, delay = time.perf_counter(), 0.2
        while True:
            try:
                failures = await self._handler(entries)
                break
            except (TransientError, RedisError, OSError) as error:
                self._say("waiting_to_commit", error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
        self._say("consuming")
        metrics.BATCH_SECONDS.labels(self.stream).observe(time.perf_counter() - started)
        for entry_id, failure in failures.items():
            log.error("entry_failed", stream=self.stream, entry_id=entry_id, **describe(failure))
        return failures

    async def _ensure_group(self) -> None:
        """Create the group at 0, so that nothing published before the first start is skipped."""
        try:
            await self._redis.xgroup_create(self.stream, self.group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        else:
            log.info("group_created", stream=self.stream, group=self.group)

    # -- taking over -----------------------------------------------------------------------------------------------

    async def _reclaim_when_due(self) -> None:
        now = time.monotonic()
        if now < self._next_reclaim:
            return
        self._next_reclaim = now + self._settings.reclaim_every_ms / 1000
        more = True
        while more:
            more = await self._reclaim_batch()

    async def _reclaim_batch(self) -> bool:
        """Take over one batch of abandoned entries; whether there may be more."""
        answer = await self._redis.xautoclaim(
            self.stream,
            self.group,
            self.name,
            min_idle_time=self._settings.reclaim_idle_ms,
            start_id=self._cursor,
            count=self._settings.batch_size,
        )
        self._cursor = answer[0].decode()
        entries = [entry_of(self.stream, entry_id, fields) for entry_id, fields in answer[1] if fields is not None]
        if len(answer) > 2 and answer[2]:
            log.error("entries_vanished", stream=self.stream, group=self.group, count=len(answer[2]))
        if entries:
            metrics.RECLAIMED.labels(self.stream).inc(len(entries))
            log.warning("entries_reclaimed", stream=self.stream, group=self.group, count=len(entries))
            await self._retry(entries)
        return self._cursor != "0-0"

    async def _retry(self, entries: Sequence[Entry]) -> None:
        attempts = await self._attempts(entries)
        limit = self._settings.max_deliveries
        # One more delivery than the limit means that the last attempt did not come back: it may have killed us.
        hopeless = [entry for entry in entries if attempts.get(entry.id, 1) > limit]
        await self._bury(hopeless, attempts, {})
        failures = await self._handle([entry for entry in entries if attempts.get(entry.id, 1) <= limit])
        last = [entry for entry in entries if entry.id in failures and attempts.get(entry.id, 1) >= limit]
        await self._bury(last, attempts, failures)

    async def _attempts(self, entries: Sequence[Entry]) -> dict[str, int]:
        pending = await self._redis.xpending_range(
            self.stream, self.group, entries[0].id, entries[-1].id, len(entries) * 2, consumername=self.name
        )
        counts: list[dict[str, Any]] = list(pending)
        return {each["message_id"].decode(): each["times_delivered"] for each in counts}

    async def _bury(self, entries: Sequence[Entry], attempts: Mapping[str, int], failures: Failures) -> None:
        if not entries:
            return
        letters = [
            (entry.id, _letter(entry, attempts.get(entry.id, 1), failures.get(entry.id)).encode()) for entry in entries
        ]
        commit = Commit(
            self._redis,
            self.stream,
            self.group,
            dedupe_ttl_s=self._settings.dedupe_ttl_s,
            version_ttl_s=self._settings.version_ttl_s,
        )
        buried = await commit.bury(dead(self.stream), letters)
        metrics.DEAD.labels(self.stream).inc(buried)
        for entry in entries:
            log.error("entry_buried", stream=self.stream, entry_id=entry.id, attempts=attempts.get(entry.id, 1))


def _letter(entry: Entry, attempts: int, error: Exception | None) -> str:
    cause = describe(error) if error is not None else {"error": "did not come back", "where": "the last attempt"}
    return DeadLetter(
        stream=entry.stream,
        entry_id=entry.id,
        attempts=attempts,
        error=f"{cause['error']} at {cause['where']}",
        given_up_at=datetime.now(UTC),
        original_base64=base64.b64encode(entry.event).decode(),
    ).model_dump_json()


def entry_of(stream: str, entry_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """A raw Redis entry; one without an `event` field has an empty event."""
    return Entry(stream, entry_id.decode(), fields.get(EVENT_FIELD, b""))


async def _untouched(message: Any) -> StreamMessage[Any]:  # noqa: ANN401 - FastStream's raw message
    return StreamMessage(raw_message=message, body=b"")


async def _entries(message: StreamMessage[Any]) -> Any:  # noqa: ANN401 - handed on to _read as it is
    raw = message.raw_message
    return [
        entry_of(raw["channel"], entry_id, fields)
        for entry_id, fields in zip(raw["message_ids"], raw["data"], strict=True)
    ]
