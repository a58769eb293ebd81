"""The commit: an ack is the token.

One Lua script a batch.  For each entry it acknowledges; only if that acknowledged something (so a zombie that lost the
entry to a reclaimer, or a second delivery, changes nothing), and only if `(source, id)` is new and the claim's version
is not older than the last one judged, does it publish the outcome.  A verdict is published if and only if its input
is acknowledged, once, whatever dies when.  No other code path acknowledges an entry of `claims.created`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from palpate_schemas.streams import EVENT_FIELD

if TYPE_CHECKING:
    from redis.asyncio import Redis

_SCRIPT = """
-- KEYS: input stream; then for each entry: dedupe key, version key, outcome stream ('-' where there is none)
-- ARGV: group, dedupe seconds, version seconds, field; then for each entry: entry id, claim version, outcome event
local group, dedupe_s, version_s, field = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local entries = (#ARGV - 4) / 3
-- A script that fails half-way keeps what it has written, so whatever can fail is looked at before the first write.
local seen = {}
for i = 0, entries - 1 do
  local outcome = KEYS[4 + i * 3]
  if not seen[outcome] then
    seen[outcome] = true
    local kind = redis.call('TYPE', outcome).ok
    if kind ~= 'stream' and kind ~= 'none' then
      return redis.error_reply('WRONGTYPE ' .. outcome .. ' is a ' .. kind .. ', not a stream')
    end
  end
end
local answers = {}
for i = 0, entries - 1 do
  local dedupe, version_key, outcome = KEYS[2 + i * 3], KEYS[3 + i * 3], KEYS[4 + i * 3]
  local entry, version, event = ARGV[5 + i * 3], ARGV[6 + i * 3], ARGV[7 + i * 3]
  if redis.call('XACK', KEYS[1], group, entry) == 0 then
    answers[i + 1] = 'lost'
  elseif dedupe ~= '-' and not redis.call('SET', dedupe, '1', 'NX', 'EX', dedupe_s) then
    answers[i + 1] = 'duplicate'
  else
    local last = version_key ~= '-' and redis.call('GET', version_key)
    if last and tonumber(last) > tonumber(version) then
      answers[i + 1] = 'stale'
    else
      redis.call('XADD', outcome, '*', field, event)
      if version_key ~= '-' then redis.call('SET', version_key, version, 'EX', version_s) end
      answers[i + 1] = 'published'
    end
  end
end
return answers
"""

_DEAD_SCRIPT = """
-- KEYS: input stream, its dead stream.  ARGV: group, field; then for each entry: entry id, dead letter
local buried = 0
for i = 3, #ARGV, 2 do
  if redis.call('XACK', KEYS[1], ARGV[1], ARGV[i]) == 1 then
    redis.call('XADD', KEYS[2], '*', ARGV[2], ARGV[i + 1])
    buried = buried + 1
  end
end
return buried
"""

NO_KEY = "-"


class Committed(StrEnum):
    """What the commit did with one entry."""

    PUBLISHED = "published"
    DUPLICATE = "duplicate"
    """`(source, id)` has been seen: the same event twice is one event."""
    STALE = "stale"
    """A newer version of the claim has already been judged."""
    LOST = "lost"
    """Another consumer took the entry over and has committed it, or will."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be published for one entry."""

    entry_id: str
    stream: str
    """The stream that the event goes to."""
    event: bytes
    """The CloudEvent as JSON."""
    dedupe_key: str = NO_KEY
    version_key: str = NO_KEY
    version: int = 0


class Commit:
    """Acknowledges and publishes, for one group on one stream."""

    def __init__(self, redis: "Redis", stream: str, group: str, *, dedupe_ttl_s: int, version_ttl_s: int) -> None:
        self._stream, self._group = stream, group
        self._ttls = (dedupe_ttl_s, version_ttl_s)
        # redis-py sends EVALSHA and falls back to SCRIPT LOAD on NOSCRIPT, so a restarted server heals by itself.
        self._script = redis.register_script(_SCRIPT)
        self._dead = redis.register_script(_DEAD_SCRIPT)

    async def __call__(self, outcomes: Sequence[Outcome]) -> list[Committed]:
        """Commit a batch, in order.

        Raises:
            redis.exceptions.RedisError: nothing of the batch was committed, or it was and the answer was lost; doing
                it again is safe either way.
        """
        if not outcomes:
            return []
        keys: list[str] = [self._stream]
        args: list[Any] = [self._group, *self._ttls, EVENT_FIELD]
        for outcome in outcomes:
            keys += (outcome.dedupe_key, outcome.version_key, outcome.stream)
            args += (outcome.entry_id, outcome.version, outcome.event)
        answers = await self._script(keys=keys, args=args)
        return [Committed(answer.decode()) for answer in answers]

    async def bury(self, dead_stream: str, letters: Sequence[tuple[str, bytes]]) -> int:
        """Move entries to the dead stream: acknowledged and published there, or neither.

        Args:
            dead_stream: Where to.
            letters: Entry id and dead letter (JSON) of each.

        Returns:
            How many were ours to bury.
        """
        args: list[Any] = [self._group, EVENT_FIELD]
        for entry_id, letter in letters:
            args += (entry_id, letter)
        return int(await self._dead(keys=[self._stream, dead_stream], args=args))
