"""From a claim that was read to its event on the stream: the one way in for files, folders and HTTP alike.

What an event says is decided by `event_of` and where it goes by `placed`, both pure; `Publisher` and `AsyncPublisher`
only carry.  Whoever publishes the same claim again publishes the same event: its `(source, id)` is judged once.  So
after any error, or a crash anywhere, the whole file can simply be sent again.

    with client_for(url) as redis:
        publisher = Publisher(redis, partitions)
        for batch in batches(events):
            publisher.publish(batch)
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from palpate_intake.outcome import ReadClaim
from palpate_schemas.claim import Claim
from palpate_schemas.events import SCHEMA_URI, ClaimEvent
from palpate_schemas.streams import CLAIMS_CREATED, EVENT_FIELD, partition_of, partitioned

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis

EVENT_TYPES = ("claim.created", "claim.corrected", "claim.voided")
BATCH = 200
"""Events on their way at once: enough that the round trip does not count, and about a megabyte of claims."""

_REPLACEMENT, _VOID = "7", "8"
_FIRST_MINUTE = datetime(2000, 1, 1, tzinfo=UTC)

_Item = TypeVar("_Item")


def event_of(read: ReadClaim, source: str, now: datetime, *, event_type: str | None = None) -> ClaimEvent:
    """The event that a claim is published as.  Pure.

    A file that holds a full event is sent as it is.  Otherwise the id follows from the claim, so that the same file
    sent twice is the same event, and what the sender has no version for gets one from when it was written.

    Args:
        read: The claim.
        source: Who sends; becomes the event's `source`.
        now: Becomes the event's `time`.
        event_type: `claim.created`, `claim.corrected` or `claim.voided`; by default as the claim says of itself.
    """
    if read.event is not None:
        return read.event
    claim = versioned(read)
    kind = event_type or kind_of(read.claim)
    digest = hashlib.sha256(f"{source}\0{kind}\0{claim.model_dump_json()}".encode()).hexdigest()
    return ClaimEvent.model_validate(
        {
            "specversion": "1.0",
            "id": digest[:32],
            "source": source,
            "type": kind,
            "subject": claim.claim_id,
            "time": now,
            "dataschema": SCHEMA_URI.format(type=kind),
            "data": claim,
        }
    )


def kind_of(claim: Claim) -> str:
    """Voided by frequency code 8; corrected by frequency code 7 or a version above the first; created otherwise."""
    if claim.frequency_code == _VOID:
        return "claim.voided"
    return "claim.corrected" if claim.frequency_code == _REPLACEMENT or claim.version > 1 else "claim.created"


def versioned(read: ReadClaim) -> Claim:
    """The claim with a version that rises with each later file of it.

    X12 has no versions, and FHIR only where a server counts: there it is the minutes from the year 2000 to the
    sender's own date and time (`written_at`): of the instant where the sender names its zone, as FHIR does, else of
    the sender's clock as if it were UTC.  Minutes, because BHT05 has no seconds.  Two files of one minute have the same
    version, and then the one that comes later counts.
    """
    claim = read.claim
    if read.written_at is None or "version" in claim.model_fields_set:
        return claim
    written_at = read.written_at if read.written_at.tzinfo else read.written_at.replace(tzinfo=UTC)
    minutes = int((written_at - _FIRST_MINUTE).total_seconds()) // 60
    return claim.model_copy(update={"version": max(1, minutes)})


def placed(event: ClaimEvent, partitions: Sequence[int | None] = (None,)) -> tuple[str, bytes]:
    """The stream that an event goes to, its patient's partition where there are some, and its bytes.  Pure."""
    partition = partitions[partition_of(event.data.patient.id, len(partitions))]
    body = event.model_dump_json(exclude_none=True, by_alias=True).encode()
    return partitioned(CLAIMS_CREATED, partition), body


def batches(items: Iterable[_Item], size: int = BATCH) -> Iterator[list[_Item]]:
    """Items in lists of `size`, the last one shorter, none of them empty."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


class Publisher:
    """Publishes through a plain client, of a server, a cluster or a Sentinel's master."""

    def __init__(self, redis: "Redis", partitions: Sequence[int | None] = (None,)) -> None:
        self._redis, self._partitions = redis, tuple(partitions)

    def publish(self, events: Sequence[ClaimEvent]) -> list[str]:
        """Publish events in order, in one round trip a batch.

        Returns:
            Their entry ids.  When this returns, Redis has confirmed each of them.

        Raises:
            redis.exceptions.RedisError, OSError: some may be on the stream and some not; publish all of them again.
        """
        done: list[str] = []
        for batch in batches(events):
            pipeline = self._redis.pipeline(transaction=False)
            _queue(pipeline, batch, self._partitions)
            done += [entry_id.decode() for entry_id in pipeline.execute()]
        return done


class AsyncPublisher:
    """As `Publisher`, through an asynchronous client."""

    def __init__(self, redis: "AsyncRedis", partitions: Sequence[int | None] = (None,)) -> None:
        self._redis, self._partitions = redis, tuple(partitions)

    async def publish(self, events: Sequence[ClaimEvent]) -> list[str]:
        """As `Publisher.publish`."""
        done: list[str] = []
        for batch in batches(events):
            pipeline = self._redis.pipeline(transaction=False)
            _queue(pipeline, batch, self._partitions)
            done += [entry_id.decode() for entry_id in await pipeline.execute()]
        return done


def _queue(pipeline: Any, events: Iterable[ClaimEvent], partitions: Sequence[int | None]) -> None:  # noqa: ANN401 - any of redis-py's four kinds
    for event in events:
        stream, body = placed(event, partitions)
        pipeline.xadd(stream, {EVENT_FIELD: body})
