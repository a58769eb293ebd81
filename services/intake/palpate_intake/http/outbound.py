"""Events on their way to the webhooks of sources, in Redis: what is due when, and for how long it has been tried.

For each source two sorted sets of event ids, by when they are due and by since when they wait, and a hash with the
events.  Whoever takes an event
moves its due time on by the length of a lease; a sender that dies simply leaves it to be taken again when that is
over.  So an event is sent at least once, and is away from here only when it was delivered or given up.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from palpate_runtime.attempt import Attempt, Sent
from palpate_schemas.values import Wire

if TYPE_CHECKING:
    from redis.asyncio import Redis

SOURCES_KEY = "palpate:webhooks"
"""The sources that have had something to send."""

_PUT = """
-- KEYS: due, events, since.  ARGV: now; then for each event: id, record.  One that waits already is not put in again.
for i = 2, #ARGV, 2 do
  if redis.call('HSETNX', KEYS[2], ARGV[i], ARGV[i + 1]) == 1 then
    redis.call('ZADD', KEYS[1], ARGV[1], ARGV[i])
    redis.call('ZADD', KEYS[3], ARGV[1], ARGV[i])
  end
end
"""

_TAKE = """
-- KEYS: due, events, since.  ARGV: now, until when it is ours, how many
local taken = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local record = redis.call('HGET', KEYS[2], id)
  if record then
    redis.call('ZADD', KEYS[1], ARGV[2], id)
    taken[#taken + 1] = record
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return taken
"""

_OLD = """
-- KEYS: due, events, since.  ARGV: since when, how many
local old = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  local record = redis.call('HGET', KEYS[2], id)
  if record then old[#old + 1] = record else redis.call('ZREM', KEYS[3], id) end
end
return old
"""

_DONE = """
-- KEYS: due, events, since.  ARGV: the event's id
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
"""

_LATER = """
-- KEYS: due, events, since.  ARGV: the event's id, when it is due, its record.  One that is done stays done.
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end
"""


class Outgoing(Wire):
    """An event that waits to be sent."""

    id: str
    stream: str
    entry_id: str
    """Where it was read."""
    since: datetime
    attempts: int = 0
    reason: str | None = None
    """Why the last attempt failed: a code, or an error's type."""
    event: str
    """The CloudEvent as JSON, as it is sent."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to wait between attempts, and when to stop."""

    first: timedelta
    longest: timedelta
    give_up_after: timedelta

    def wait(self, attempts: int) -> timedelta:
        """After so many attempts: doubling from `first`, never beyond `longest`."""
        return min(self.longest, self.first * float(2 ** min(max(0, attempts - 1), 30)))


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of an event after an attempt: exactly one of these."""

    delivered: bool = False
    given_up: bool = False
    due: datetime | None = None


def after(attempt: Attempt, outgoing: Outgoing, policy: Policy, now: datetime) -> Next:
    """Decide what follows an attempt.  Pure.

    A refusal is tried again like any failure: a receiver that answers 401 or 404 today is mended tomorrow, and nothing
    is to be lost by that.  Only 410 means what it says.
    """
    if attempt.sent is Sent.ACCEPTED:
        return Next(delivered=True)
    if attempt.bounced or now - outgoing.since >= policy.give_up_after:
        return Next(given_up=True)
    return Next(due=now + policy.wait(outgoing.attempts))


class Outbound:
    """The queue of one source."""

    def __init__(self, redis: "Redis", source: str) -> None:
        self._redis, self._source = redis, source
        tag = hashlib.blake2b(source.encode(), digest_size=16).hexdigest()
        self._keys = [f"palpate:webhook:{{{tag}}}:{each}" for each in ("due", "events", "since")]

    async def put(self, events: Sequence[Outgoing], now: datetime) -> None:
        """Queue events, due at once.

        Raises:
            redis.exceptions.RedisError: some may be queued; do it again.
        """
        args: list[Any] = [_ms(now)]
        for each in events:
            args += (each.id, each.model_dump_json())
        await self._redis.sadd(SOURCES_KEY, self._source)
        await self._redis.register_script(_PUT)(keys=self._keys, args=args)

    async def take(self, count: int, now: datetime, lease: timedelta) -> list[Outgoing]:
        """Events that are due; nobody else gets them until the lease is over."""
        args = [_ms(now), _ms(now + lease), count]
        taken = await self._redis.register_script(_TAKE)(keys=self._keys, args=args)
        return [Outgoing.model_validate_json(record) for record in taken]

    async def old(self, count: int, since: datetime) -> list[Outgoing]:
        """Events that have waited since then, or for longer."""
        found = await self._redis.register_script(_OLD)(keys=self._keys, args=[_ms(since), count])
        return [Outgoing.model_validate_json(record) for record in found]

    async def done(self, outgoing: Outgoing) -> None:
        """It was delivered, or given up."""
        await self._redis.register_script(_DONE)(keys=self._keys, args=[outgoing.id])

    async def later(self, outgoing: Outgoing, due: datetime) -> None:
        """It is to be tried again."""
        args: list[Any] = [outgoing.id, _ms(due), outgoing.model_dump_json()]
        await self._redis.register_script(_LATER)(keys=self._keys, args=args)


async def sources_with_queues(redis: Callable[[], "Redis"]) -> list[str]:
    """The sources that have, or had, something to send."""
    found: Any = await redis().smembers(SOURCES_KEY)
    return sorted(each.decode() for each in found)


def tried(outgoing: Outgoing, attempt: Attempt) -> Outgoing:
    """The same, one attempt further."""
    reason = attempt.detail or attempt.sent.value
    return outgoing.model_copy(update={"attempts": outgoing.attempts + 1, "reason": reason})


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
