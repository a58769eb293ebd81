"""From a request's body to claims on the stream, and what became of each.

Claims are read in a thread while the body arrives, and published a batch at a time: a body of any number of claims
needs the memory of one batch.  A claim counts as accepted when Redis has confirmed it, not before.
"""

import asyncio
import io
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

import structlog
from redis.exceptions import RedisError
from starlette.requests import ClientDisconnect, Request

from palpate_intake.http.answers import ClaimResult, Notice
from palpate_intake.http.bodies import Body, Pace, checked_length
from palpate_intake.http.index import ClaimIndex
from palpate_intake.http.problems import AWAY, BUSY, NOT_YOURS, TOO_LARGE, TOO_SLOW, UNREADABLE, Refused
from palpate_intake.http.sources import Source
from palpate_intake.outcome import Outcome, ReadClaim, StructureFinding, Unreadable, UnreadableStream
from palpate_intake.publishing import AsyncPublisher, batches, event_of
from palpate_intake.settings import IntakeSettings
from palpate_runtime import metrics
from palpate_runtime.logs import describe
from palpate_runtime.retention import reason_of
from palpate_schemas.events import MAX_EVENT_BYTES, ClaimEvent
from palpate_schemas.rejection import RejectionError
from palpate_schemas.verdict import SourceEvent

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.stdlib.get_logger()

RETRY_AFTER_S = 5
MOST_SAID = 20_000
"""Reasons and notices that an answer tells in full: with more, it would be hundreds of times what was sent."""
NAME = "the body"
"""What a body is called where a file would have a name."""

Read = Callable[[BinaryIO], Iterator[Outcome]]


@dataclass(frozen=True, slots=True)
class Reader:
    """How a body is read."""

    read: Read
    """From a body to its claims, one by one; runs in a thread."""
    most: int
    """Bytes that it may have."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """One claim of a body: what is answered about it, and the event to publish if it may be."""

    result: ClaimResult
    event: ClaimEvent | None = None
    not_yours: bool = False
    """It was rejected because the source may not send it."""


def weigh(read: Outcome, source: Source, now: datetime) -> Weighed:
    """What becomes of a claim that was read.  Pure."""
    if isinstance(read, Unreadable):
        return Weighed(_rejected(read, read.claim_id, read.reasons))
    event = event_of(read, source.source, now)
    prefix = "" if read.event is None else "/data"
    if event.source != source.source:
        reason = "this is not the source that the key belongs to: send events with your own source"
        return _not_yours(read, "/source", reason)
    if not source.may_send_for(event.data.billing_provider.npi):
        reason = "this source may not send claims of this practice: whoever keeps the sources file can add it"
        return _not_yours(read, f"{prefix}/billing_provider/npi", reason)
    if (size := len(event.model_dump_json(exclude_none=True, by_alias=True).encode())) > MAX_EVENT_BYTES:
        reason = f"as an event this claim has {size} bytes; the most that one may have is {MAX_EVENT_BYTES}"
        return Weighed(_rejected(read, event.data.claim_id, (RejectionError(pointer=prefix, reason=reason),)))
    return Weighed(
        ClaimResult(
            position=read.position,
            status="accepted",
            claim_id=event.data.claim_id,
            version=event.data.version,
            event=SourceEvent(source=event.source, id=event.id),
            location=location_of(event.data.claim_id),
            notices=_notices(read.structure),
        ),
        event,
    )


def location_of(claim_id: str) -> str:
    """Where a claim's verdict will be."""
    return f"/claims/{quote(claim_id, safe='')}"


def _not_yours(read: ReadClaim, pointer: str, reason: str) -> Weighed:
    reasons = (RejectionError(pointer=pointer, reason=reason),)
    return Weighed(_rejected(read, read.claim.claim_id, reasons), not_yours=True)


def _rejected(read: Outcome, claim_id: str | None, reasons: Sequence[RejectionError]) -> ClaimResult:
    return ClaimResult(
        position=read.position,
        status="rejected",
        claim_id=claim_id,
        errors=tuple(reasons),
        notices=_notices(read.structure),
    )


def _notices(structure: Sequence[StructureFinding]) -> tuple[Notice, ...]:
    return tuple(Notice(code=each.code, position=each.position, message=each.message) for each in structure)


@dataclass(slots=True)
class Progress:
    """What has become of the claims of a request so far."""

    results: list[ClaimResult] = field(default_factory=list)
    accepted: int = 0
    not_yours: int = 0
    said: int = 0
    """Reasons and notices in the results."""

    def add(self, batch: Sequence[Weighed]) -> None:
        """A batch whose events are on the stream."""
        for each in batch:
            self.results.append(self._within_bounds(each.result))
            self.accepted += each.event is not None
            self.not_yours += each.not_yours
            metrics.TAKEN_IN.labels(each.result.status).inc()

    def _within_bounds(self, result: ClaimResult) -> ClaimResult:
        """The result; of many reasons the first alone once so many have been told that the answer grows too long."""
        self.said += len(result.errors) + len(result.notices)
        left_out = max(0, len(result.errors) - 1) + max(0, len(result.notices) - 1)
        if self.said <= MOST_SAID or not left_out:
            return result
        more = Notice(
            code="more-left-out",
            position=result.position,
            message=f"{left_out} more reasons and notices are left out: send fewer claims at once to be told them.",
        )
        return result.model_copy(update={"errors": result.errors[:1], "notices": (*result.notices[:1], more)})

    @property
    def rejected(self) -> int:
        """How many were not published."""
        return len(self.results) - self.accepted

    def refusal(self) -> Refused | None:
        """The problem to answer with when nothing was accepted."""
        if self.accepted:
            return None
        if self.not_yours and self.not_yours == self.rejected:
            return Refused(NOT_YOURS, "the key's source may not send these; see claims", claims=tuple(self.results))
        return Refused(UNREADABLE, "see claims for what is wrong, and where", claims=tuple(self.results))


class Intake:
    """Takes claims in."""

    def __init__(
        self,
        redis: Callable[[], "Redis"],
        index: ClaimIndex,
        settings: IntakeSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._redis, self._index, self._settings, self._clock = redis, index, settings, clock
        self._threads = ThreadPoolExecutor(settings.readers, thread_name_prefix="reader")
        self._free = asyncio.Semaphore(settings.readers)
        # A source that sends slowly, or many bodies at once, leaves half of the readers to the others.
        self._turns: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(max(1, settings.readers // 2))
        )

    @asynccontextmanager
    async def _turn(self, source: Source) -> AsyncIterator[None]:
        """A reader for a body of this source."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._settings.turn_wait_s):
                    await held.enter_async_context(self._turns[source.name])
                    await held.enter_async_context(self._free)
            except TimeoutError:
                wait = {"Retry-After": str(RETRY_AFTER_S)}
                raise Refused(BUSY, "nothing of this body was read: send it again", headers=wait) from None
            yield

    def close(self) -> None:
        """Read no more bodies."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def take(self, request: Request, source: Source, reader: Reader) -> Progress:
        """Read the body, and publish its claims.

        Raises:
            Refused: nothing was accepted, or not everything could be read or published; what was is named in it.
        """
        checked_length(request, reader.most)
        loop, progress = asyncio.get_running_loop(), Progress()
        pace = Pace(pause_s=self._settings.body_pause_s, grace_s=self._settings.body_grace_s)
        body = Body(request, loop, most=reader.most, pace=pace)
        try:
            async with self._turn(source):
                await loop.run_in_executor(self._threads, self._read, body, reader, source, progress, loop)
        except Refused as refused:
            raise Refused(
                refused.kind, refused.detail, claims=tuple(progress.results), headers=refused.headers
            ) from None
        except ClientDisconnect:
            raise Refused(TOO_SLOW, "the sender went away", claims=tuple(progress.results)) from None
        finally:
            _tell(source, progress)
        if (refusal := progress.refusal()) is not None:
            raise refusal
        return progress

    def _read(
        self, body: Body, reader: Reader, source: Source, progress: Progress, loop: asyncio.AbstractEventLoop
    ) -> None:
        """In a thread: the claims one by one, a batch of them published at a time."""
        weighed = (weigh(read, source, self._clock()) for read in _until_it_breaks(reader, body))
        most = self._settings.max_claims
        for batch in batches(islice(weighed, most)):
            events = [each.event for each in batch if each.event is not None]
            if events:
                asyncio.run_coroutine_threadsafe(self._publish(events), loop).result()
            progress.add(batch)
        if next(weighed, None) is not None:
            raise Refused(TOO_LARGE, f"a request may have {most} claims: send those after the last one named")

    async def _publish(self, events: Sequence[ClaimEvent]) -> None:
        publisher = AsyncPublisher(self._redis(), self._settings.all_partitions)
        try:
            async with asyncio.timeout(3 * self._settings.redis_timeout_s):
                await publisher.publish(events)
                await self._index.accepted(events)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("not_published", reason=reason_of(error), **describe(error))
            raise Refused(
                AWAY,
                "not every claim could be published: send the whole body again; what is there already stays one event",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            ) from None


def _until_it_breaks(reader: Reader, body: Body) -> Iterator[Outcome]:
    try:
        yield from reader.read(io.BufferedReader(body, 65_536))
    except UnreadableStream as error:
        yield Unreadable(NAME, NAME, (RejectionError(pointer="", reason=str(error)),))


def _tell(source: Source, progress: Progress) -> None:
    """One line a request: how many, never what."""
    log.info(
        "claims_taken_in",
        event_source=source.source,
        count=len(progress.results),
        published=progress.accepted,
        rejected=progress.rejected,
    )
