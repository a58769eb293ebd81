"""Reading a stream through a consumer group, for good.

FastStream reads batches raw; everything that its subscriber leaves open is closed here: the group is created at 0, a
subscriber that stopped because its group vanished is started again, entries that a dead consumer holds are taken over,
and what fails too often is buried in the dead stream.
"""

import asyncio
import base64
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
from palpate_runtime.retention import Retention, reason_of
from palpate_runtime.settings import RuntimeSettings
from palpate_runtime.tasks import ended
from palpate_schemas.events import DeadLetter
from palpate_schemas.streams import EVENT_FIELD, dead

if TYPE_CHECKING:
    from faststream.redis.subscriber.usecases import StreamBatchSubscriber
    from redis.asyncio import Redis

log = structlog.stdlib.get_logger()

SUPERVISE_EVERY_S = 0.5
HOLD_EVERY_S = 1.0
AUDIT_EVERY_S = 1.0
LIVE_WITHIN_S = 60.0
PENDING_AT_ONCE = 1_000
SINGLY_FROM = 3
"""From this delivery on an entry is handled by itself: if it is the one that kills, its neighbours are spared."""

_LEAVE = """
-- KEYS: stream.  ARGV: group, consumer
-- Deleting a consumer discards its pending entries, and a read that was under way when we stopped may have been
-- answered since we looked: only in one step with the look is it safe.  What is pending is taken over by others.
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end
"""

_KEEP = """
-- KEYS: stream.  ARGV: group, consumer, idle ms; then for each entry: its id, its delivery count ('-' leaves it)
-- Says of entries how long they have been idle and how often delivered, if they are still this consumer's.
local kept = 0
for i = 4, #ARGV, 2 do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) > 0 then
    if ARGV[i + 1] == '-' then
      redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'IDLE', ARGV[3], 'JUSTID')
    else
      redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'IDLE', ARGV[3], 'RETRYCOUNT', ARGV[i + 1], 'JUSTID')
    end
    kept = kept + 1
  end
end
return kept
"""


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
        self._stopping = asyncio.Event()
        self._was_consuming = False
        self._held = 0
        self._cursor = "0-0"
        now = time.monotonic()
        self._next_audit = self._next_reclaim = self._next_trim = 0.0
        self._ticked = self._moved = now
        self._delivered = ""

    # -- life ------------------------------------------------------------------------------------------------------

    async def supervise(self) -> None:
        """Keep consuming until stopped or cancelled, whatever happens to Redis, the stream or the group."""
        while not self._stopping.is_set():
            self._ticked = time.monotonic()
            try:
                await self._look_after()
                if not self._held:
                    self._say("consuming")
            except (RedisError, OSError, TimeoutError) as error:
                self._say("waiting_for_redis", error)
                # It is back when it has answered, not when half a second has gone by.
                self._next_audit = 0.0
            await asyncio.sleep(SUPERVISE_EVERY_S)

    async def _look_after(self) -> None:
        if not self._reads():
            self._subscriber.running = False
            await self._ensure_group()
            await Commit(self._redis, self.stream, self.group).rehearse()
            await self._subscriber.start()
            log.info("consuming", stream=self.stream, group=self.group, consumer=self.name)
            self._was_consuming = True
        now = time.monotonic()
        if now >= self._next_audit:
            await self._audit()
            self._next_audit = now + AUDIT_EVERY_S
        if now >= self._next_reclaim:
            self._next_reclaim = now + self._settings.reclaim_every_ms / 1000
            await self._reclaim()
        if now >= self._next_trim:
            self._next_trim = now + self._settings.trim_every_s
            await self._trim()

    def _reads(self) -> bool:
        return self._subscriber.running and any(not task.done() for task in self._subscriber.tasks)

    async def stop(self) -> None:
        """Read no more, finish the batch in hand or hand it back, and leave the group if nothing of ours is pending.

        FastStream waits for the batch as long as the settings say; a batch that waits for something outside is handed
        back at once.
        """
        self._stopping.set()
        await self._stop_reading()
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(1):
                left = await self._hand_back()
                if left:
                    log.warning("handed_back", stream=self.stream, group=self.group, count=left)
                else:
                    await self._redis.register_script(_LEAVE)(keys=[self.stream], args=[self.group, self.name])

    async def _stop_reading(self) -> None:
        # FastStream asks its reader to end, once, and does not look whether it has: one that did not hear would read on
        # beside the next one, and a connection would be left open.
        reading = tuple(self._subscriber.tasks)
        await self._subscriber.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await ended(*reading)

    def is_alive(self) -> bool:
        """Whether the loop that looks after everything still turns: if not, only a restart helps."""
        return self._state == "starting" or time.monotonic() - self._ticked < LIVE_WITHIN_S

    async def is_consuming(self) -> bool:
        """Whether what is published is being read and finished: not merely connected.

        Raises:
            RedisError: Redis does not answer.
        """
        if self._state != "consuming" or not self._reads():
            return False
        groups: list[dict[str, Any]] = list(await self._redis.xinfo_groups(self.stream))
        ours = next((group for group in groups if group["name"] == self.group.encode()), None)
        if ours is None:
            return False
        delivered = ours["last-delivered-id"].decode()
        now = time.monotonic()
        if delivered != self._delivered or not await self._waits_after(delivered):
            # Nothing waits, or somebody of the group moves on: a small stream may never have anything for us.
            self._delivered, self._moved = delivered, now
        return now - self._moved < max(3 * self._settings.block_ms / 1000, 10)

    async def _waits_after(self, delivered: str) -> bool:
        return bool(await self._redis.xrange(self.stream, f"({delivered}", "+", count=1))

    def _say(self, state: str, error: BaseException | None = None) -> None:
        """Said once, not every half second: ops look for the change, not for the state."""
        reason = None if error is None else reason_of(error)
        # The loop that reads and the one that looks after it find the same trouble, one after the other.
        if reason == self._reason and (error is not None or state == self._state):
            return
        was, self._state, self._reason = self._state, state, reason
        metrics.CONSUMING.labels(self.stream).set(state == "consuming")
        if error is not None:
            log.warning(state, stream=self.stream, group=self.group, reason=reason, **describe(error))
        elif was != "starting":
            log.info("consuming_again", stream=self.stream, group=self.group)

    _reason: str | None = None

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def _redis(self) -> "Redis":
        client: Redis = self._broker._connection  # type: ignore[assignment]  # noqa: SLF001 - FastStream has no public name for its client
        return client

    @property
    def _retention(self) -> Retention:
        return Retention(self._redis, self.stream, self.group)

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
        started = time.perf_counter()
        failures = await self._handed_over(entries)
        if failures is None:
            # They are handed back when we have stopped reading.
            return {}
        metrics.BATCH_SECONDS.labels(self.stream).observe(time.perf_counter() - started)
        for entry_id, failure in failures.items():
            log.error("entry_failed", stream=self.stream, entry_id=entry_id, **describe(failure))
        return failures

    async def _handed_over(self, entries: Sequence[Entry]) -> Failures | None:
        """What the handler says of a batch; None when it is time to stop before it could say anything."""
        delay, held = 0.2, False
        try:
            while True:
                try:
                    return await self._handler(entries)
                except (TransientError, RedisError, OSError, TimeoutError) as error:
                    if not held:
                        held, self._held = True, self._held + 1
                    self._say("waiting_to_commit", error)
                    if not await self._wait_with(entries, delay):
                        return None
                    delay = min(delay * 2, 5.0)
                except Exception as error:  # noqa: BLE001 - the stream edge: each is tried again by itself, then buried
                    return {entry.id: error for entry in entries}
        finally:
            # Also when the reading is cut off: a batch that nobody holds must not keep the others from being reclaimed.
            self._held -= held

    async def _wait_with(self, entries: Sequence[Entry], seconds: float) -> bool:
        """Wait, and say meanwhile that these entries are not abandoned; False when it is time to stop.

        Without it a database that is away for minutes would look like a consumer that died, again and again, until
        the entries were buried.
        """
        until = time.monotonic() + seconds
        while not self._stopping.is_set():
            with suppress(RedisError, OSError, TimeoutError):
                await self._keep(entries, idle_ms=0)
            left = until - time.monotonic()
            if left <= 0:
                return True
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, HOLD_EVERY_S)):
                    await self._stopping.wait()
            self._ticked = time.monotonic()
        return False

    async def _ensure_group(self) -> None:
        try:
            again = await self._retention.create_group()
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        else:
            # Gone while we were reading (FLUSHALL, DEL, an empty replica): whatever waited unread went with it.
            speak = log.warning if again or self._was_consuming else log.info
            speak("group_created", stream=self.stream, group=self.group, again=again or self._was_consuming)

    # -- the books -------------------------------------------------------------------------------------------------

    async def _audit(self) -> None:
        """Look whether something vanished that nobody has read."""
        books = await self._retention.audit()
        if books is None:
            # The subscriber finds out by itself only with its next read, which may block for seconds; stopped first, so
            # that it is not there twice when it is started again.
            await self._stop_reading()
            return
        metrics.WAITING.labels(self.stream).set(-1 if books.waiting is None else books.waiting)
        metrics.PENDING.labels(self.stream).set(books.pending)
        if books.new:
            metrics.VANISHED.labels(self.stream).inc(books.new)
            log.error(
                "entries_vanished_unread",
                stream=self.stream,
                group=self.group,
                count=books.new,
                after_entry=books.before,
                before_entry=books.first if books.length else books.last,
            )

    async def _trim(self) -> None:
        gone = await self._retention.trim(retain_s=self._settings.retain_s)
        if gone:
            metrics.TRIMMED.labels(self.stream).inc(gone)
            log.info("stream_trimmed", stream=self.stream, count=gone)

    # -- taking over -----------------------------------------------------------------------------------------------

    async def _reclaim(self) -> None:
        more = not self._held
        while more and not self._stopping.is_set():
            more = await self._reclaim_batch()
            self._ticked = time.monotonic()

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
            log.error(
                "entries_deleted_unfinished",
                stream=self.stream,
                group=self.group,
                count=len(answer[2]),
                entry_ids=[each.decode() for each in answer[2][:20]],
            )
        if entries:
            metrics.RECLAIMED.labels(self.stream).inc(len(entries))
            log.warning("entries_reclaimed", stream=self.stream, group=self.group, count=len(entries))
            await self._retry(entries)
        return self._cursor != "0-0"

    async def _retry(self, entries: Sequence[Entry]) -> None:
        attempts, limit = await self._attempts(entries), self._settings.max_deliveries
        count = {entry.id: attempts.get(entry.id, 1) for entry in entries}
        # One more delivery than the limit means that the last attempt did not come back: it may have killed us.
        await self._bury([entry for entry in entries if count[entry.id] > limit], attempts, {})
        singly_from = min(SINGLY_FROM, limit)
        # Those that went wrong least come first, so that whoever kills is met when the others are done.
        singles = sorted(
            (entry for entry in entries if singly_from <= count[entry.id] <= limit), key=lambda entry: count[entry.id]
        )
        # Not counted before they are really tried: an entry further on must not pay for the one that kills.
        await self._count(singles, {entry.id: count[entry.id] - 1 for entry in singles})
        together = [entry for entry in entries if count[entry.id] < singly_from]
        if together:
            await self._try(together, count)
        for entry in singles:
            if self._stopping.is_set():
                return
            await self._count([entry], count)
            await self._try([entry], count)

    async def _try(self, entries: Sequence[Entry], count: Mapping[str, int]) -> None:
        failures = await self._handle(entries)
        limit = self._settings.max_deliveries
        last = [entry for entry in entries if entry.id in failures and count[entry.id] >= limit]
        await self._bury(last, count, failures)

    async def _attempts(self, entries: Sequence[Entry]) -> dict[str, int]:
        """How often each was delivered.  Between them may lie others of ours: a batch in hand, or what was held up."""
        counts: dict[str, int] = {}
        start, last = entries[0].id, entries[-1].id
        while start:
            rows: list[dict[str, Any]] = list(
                await self._redis.xpending_range(
                    self.stream, self.group, start, last, PENDING_AT_ONCE, consumername=self.name
                )
            )
            counts |= {each["message_id"].decode(): each["times_delivered"] for each in rows}
            start = f"({rows[-1]['message_id'].decode()}" if len(rows) == PENDING_AT_ONCE else ""
        return counts

    async def _keep(self, entries: Sequence[Entry], *, idle_ms: int, count: Mapping[str, int] | None = None) -> None:
        args: list[Any] = [self.group, self.name, idle_ms]
        for entry in entries:
            args += (entry.id, "-" if count is None else count[entry.id])
        await self._redis.register_script(_KEEP)(keys=[self.stream], args=args)

    async def _count(self, entries: Sequence[Entry], count: Mapping[str, int]) -> None:
        if entries:
            await self._keep(entries, idle_ms=0, count=count)

    async def _hand_back(self) -> int:
        """Whoever looks next takes these over at once, and it has cost them nothing."""
        pending: list[dict[str, Any]] = list(
            await self._redis.xpending_range(self.stream, self.group, "-", "+", 10_000, consumername=self.name)
        )
        count = {each["message_id"].decode(): max(0, each["times_delivered"] - 1) for each in pending}
        if count:
            entries = [Entry(self.stream, entry_id, b"") for entry_id in count]
            await self._keep(entries, idle_ms=self._settings.reclaim_idle_ms, count=count)
        return len(count)

    async def _bury(self, entries: Sequence[Entry], attempts: Mapping[str, int], failures: Failures) -> None:
        if not entries:
            return
        letters = [
            (entry.id, _letter(entry, attempts.get(entry.id, 1), failures.get(entry.id)).encode()) for entry in entries
        ]
        buried = await Commit(self._redis, self.stream, self.group).bury(dead(self.stream), letters)
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
