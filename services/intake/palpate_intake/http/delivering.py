"""Sends what is queued to the webhooks of sources, each source at its own pace."""

import asyncio
import base64
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import structlog
from redis.exceptions import RedisError

from palpate_intake.http.outbound import Outbound, Outgoing, Policy, after, sources_with_queues, tried
from palpate_intake.http.sources import Sources
from palpate_intake.settings import IntakeSettings
from palpate_runtime import metrics, webhooks
from palpate_runtime.attempt import Attempt, Sent
from palpate_runtime.logs import describe
from palpate_runtime.tasks import ended
from palpate_schemas.events import DeadLetter
from palpate_schemas.streams import EVENT_FIELD, WEBHOOKS, dead, partitioned

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.stdlib.get_logger()

LOOK_EVERY_S = 1.0
BURIED_AT_ONCE = 100
LONGEST_REST = timedelta(minutes=1)
"""How long a source whose webhook seems to be away is left alone; each event's own wait may be longer."""
AT_ONCE = 4
"""Events of one source under way at once: a small server's queue of connections often has five places."""
MEDIA_TYPE = "application/cloudevents+json"


class Deliverer:
    """Delivers for good; a source whose webhook is slow or away holds up nobody else's."""

    def __init__(
        self, redis: Callable[[], "Redis"], sources: Sources, settings: IntakeSettings, clock: Callable[[], datetime]
    ) -> None:
        self._redis, self._sources, self._settings, self._clock = redis, sources, settings, clock
        self._policy = Policy(
            timedelta(seconds=settings.retry_first_s),
            timedelta(seconds=settings.retry_longest_s),
            timedelta(seconds=settings.give_up_after_s),
        )
        # Longer than the slowest attempt, and what came of it is to be written down.
        slowest = webhooks.longest_attempt_s(settings.webhook_timeout_s)
        self._lease = timedelta(seconds=slowest + 2 * settings.redis_timeout_s)
        self._queued = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, int] = {}
        """How many rounds in a row nothing of a source could be delivered."""
        self._not_before: dict[str, datetime] = {}
        self._away = self._stopping = False

    def wake(self) -> None:
        """Something was queued: look now rather than in a second."""
        self._queued.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while not self._stopping:
                self._queued.clear()
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await self._queued.wait()
        except asyncio.CancelledError:
            # What is under way when `drain` is called is finished; what still is after that, is due again later.
            await ended(*self._busy.values())
            raise

    async def drain(self) -> None:
        """Take nothing more, and finish what is under way."""
        self._stopping = True
        self._queued.set()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _look(self) -> None:
        """Start on every source that has none at work and is not resting."""
        try:
            waiting = await sources_with_queues(self._redis)
        except (RedisError, OSError, TimeoutError) as error:
            if not self._away:
                log.warning("webhooks_waiting", **describe(error))
            self._away = True
            return
        self._away = False
        now = self._clock()
        for source in () if self._stopping else waiting:
            if source not in self._busy and self._not_before.get(source, now) <= now:
                task = asyncio.create_task(self._deliver(source))
                self._busy[source] = task
                task.add_done_callback(lambda _, source=source: self._busy.pop(source, None))  # type: ignore[misc]

    async def _deliver(self, source: str) -> None:
        """Deliver what is due for a source, until nothing is or its webhook seems to be away; give up what is old."""
        outbound = Outbound(self._redis(), source)
        for step in (self._send_due, self._give_up_old):
            try:
                await step(outbound, source)
            except Exception as error:  # noqa: BLE001 - the edge of a source: logged, and the others go on
                # What was taken is due again when its lease is over.
                log.warning("webhook_round_cut_short", event_source=source, **describe(error))
                self._rest(source)

    async def _send_due(self, outbound: Outbound, source: str) -> None:
        async with webhooks.new_client(self._settings.webhook_timeout_s) as client:
            while not self._stopping and await self._round(outbound, source, client):
                pass

    async def _give_up_old(self, outbound: Outbound, source: str) -> None:
        """Bury what waited too long: where a webhook is away for good, trying each once more would take for ever."""
        if not self._failed.get(source):
            # After a long stop, what a server that is there would take is sent, however old it is.
            return
        while old := await outbound.old(BURIED_AT_ONCE, self._clock() - self._policy.give_up_after):
            for outgoing in old:
                await self._bury(outgoing)
                await outbound.done(outgoing)
                _tell("webhook_given_up", source, outgoing)

    async def _round(self, outbound: Outbound, source: str, client: httpx.AsyncClient) -> bool:
        """One batch; whether there may be more to do at once."""
        # After a failure one is sent to see whether the webhook is back, not all that waits.
        count = 1 if self._failed.get(source) else AT_ONCE
        taken = await outbound.take(count, self._clock(), self._lease)
        attempts = await asyncio.gather(*(self._one(outbound, source, each, client) for each in taken))
        if attempts and not any(map(_was_there, attempts)):
            self._rest(source)
            return False
        self._failed.pop(source, None)
        return bool(attempts)

    def _rest(self, source: str) -> None:
        failed = self._failed[source] = self._failed.get(source, 0) + 1
        self._not_before[source] = self._clock() + min(self._policy.wait(failed), LONGEST_REST)

    async def _one(self, outbound: Outbound, source: str, outgoing: Outgoing, client: httpx.AsyncClient) -> Attempt:
        """One attempt at one event, and what follows from it."""
        attempt = await self._attempt(source, outgoing, client)
        outgoing = tried(outgoing, attempt)
        step = after(attempt, outgoing, self._policy, self._clock())
        if step.due is not None:
            await outbound.later(outgoing, step.due)
        else:
            if step.given_up:
                # First the letter: to die in between is to have it twice, not to lose it.
                await self._bury(outgoing)
            await outbound.done(outgoing)
        metrics.WEBHOOKS.labels(attempt.sent.value).inc()
        what = "webhook_delivered" if step.delivered else "webhook_given_up" if step.given_up else "webhook_failed"
        _tell(what, source, outgoing)
        return attempt

    async def _attempt(self, source: str, outgoing: Outgoing, client: httpx.AsyncClient) -> Attempt:
        holder = self._sources.now().by_uri(source)
        if holder is None or holder.webhook is None:
            return Attempt(Sent.LATER, "no webhook")
        try:
            secret = holder.webhook.secret()
        except (OSError, ValueError) as error:
            return Attempt(Sent.LATER, type(error).__name__)
        return await webhooks.post(
            webhooks.Message(outgoing.id, outgoing.event, MEDIA_TYPE),
            holder.webhook.url,
            secret,
            self._clock(),
            private=self._settings.webhook_private_addresses,
            client=client,
        )

    async def _bury(self, outgoing: Outgoing) -> None:
        stream = partitioned(WEBHOOKS, self._settings.all_partitions[0])
        letter = DeadLetter(
            stream=outgoing.stream,
            entry_id=outgoing.entry_id,
            attempts=max(1, outgoing.attempts),
            error=f"webhook: {outgoing.reason or 'away'}",
            given_up_at=self._clock(),
            original_base64=base64.b64encode(outgoing.event.encode()).decode(),
        )
        await self._redis().xadd(dead(stream), {EVENT_FIELD: letter.model_dump_json().encode()})
        metrics.DEAD.labels(stream).inc()


def _was_there(attempt: Attempt) -> bool:
    """Whether a webhook's server took an event, or looked at it and refused: others may still be sent there."""
    return attempt.sent is Sent.ACCEPTED or (attempt.sent is Sent.REFUSED and (attempt.detail or "").isdigit())


def _tell(what: str, source: str, outgoing: Outgoing) -> None:
    tell = log.info if what == "webhook_delivered" else log.warning
    tell(
        what,
        event_source=source,
        event_id=outgoing.id,
        entry_id=outgoing.entry_id,
        stream=outgoing.stream,
        attempts=outgoing.attempts,
        reason=outgoing.reason,
    )
