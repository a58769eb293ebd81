"""The commit: an ack is the token.

One Lua script a batch.  For each entry it acknowledges; only if that acknowledged something (so a zombie that lost the
entry to a reclaimer, or a second delivery, changes nothing), and only if `(source, id)` is new and the claim's version
is not older than the last one judged, does it publish the outcome.  A verdict is published if and only if its input
is acknowledged, once, whatever dies when.  No other code path acknowledges an entry of `claims.created`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from palpate_schemas.streams import CORRECTIONS, EVENT_FIELD

if TYPE_CHECKING:
    from redis.asyncio import Redis

STREAM_OR_NOTHING = """
-- A script that fails half-way keeps what it has written, so whatever can fail is looked at before the first write.
local function not_a_stream(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'stream' or kind == 'none' then return nil end
  return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. kind .. ', not a stream')
end
"""
"""Lua: the error of a key that nothing can be published to, else nil."""

_SCRIPT = (
    STREAM_OR_NOTHING
    + """
-- KEYS: input stream, its ledger; then for each entry: dedupe key, version key (the input stream stands for none),
-- outcome stream
-- ARGV: group, dedupe seconds, version seconds, field; then for each entry: entry id, claim version, outcome event
local none, group, dedupe_s, version_s, field = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local entries = (#ARGV - 4) / 3
local seen = {}
for i = 0, entries - 1 do
  local outcome = KEYS[5 + i * 3]
  if not seen[outcome] then
    seen[outcome] = true
    local wrong = not_a_stream(outcome)
    if wrong then return wrong end
  end
end
local answers, finished = {}, 0
for i = 0, entries - 1 do
  local dedupe, version_key, outcome = KEYS[3 + i * 3], KEYS[4 + i * 3], KEYS[5 + i * 3]
  local entry, version, event = ARGV[5 + i * 3], ARGV[6 + i * 3], ARGV[7 + i * 3]
  if redis.call('XACK', KEYS[1], group, entry) == 0 then
    answers[i + 1] = 'lost'
  else
    finished = finished + 1
    if dedupe ~= none and not redis.call('SET', dedupe, '1', 'NX', 'EX', dedupe_s) then
      answers[i + 1] = 'duplicate'
    else
      local last = version_key ~= none and redis.call('GET', version_key)
      if last and tonumber(last) > tonumber(version) then
        answers[i + 1] = 'stale'
      else
        redis.call('XADD', outcome, '*', field, event)
        if version_key ~= none then redis.call('SET', version_key, version, 'EX', version_s) end
        answers[i + 1] = 'published'
      end
    end
  end
end
if finished > 0 then redis.call('HINCRBY', KEYS[2], 'finished', finished) end
return answers
"""
)

_DEAD_SCRIPT = (
    STREAM_OR_NOTHING
    + """
-- KEYS: input stream, its ledger, its dead stream.  ARGV: group, field; then for each entry: entry id, dead letter
local wrong = not_a_stream(KEYS[3])
if wrong then return wrong end
local buried = 0
for i = 3, #ARGV, 2 do
  if redis.call('XACK', KEYS[1], ARGV[1], ARGV[i]) == 1 then
    redis.call('XADD', KEYS[3], '*', ARGV[2], ARGV[i + 1])
    buried = buried + 1
  end
end
if buried > 0 then redis.call('HINCRBY', KEYS[2], 'finished', buried) end
return buried
"""
)

_ACK_SCRIPT = """
-- KEYS: input stream, its ledger.  ARGV: group; then the entry ids
local finished = 0
for i = 2, #ARGV do finished = finished + redis.call('XACK', KEYS[1], ARGV[1], ARGV[i]) end
if finished > 0 then redis.call('HINCRBY', KEYS[2], 'finished', finished) end
return finished
"""

_REHEARSAL = """
-- KEYS: input stream, its ledger.  ARGV: group
-- Every command of the scripts above, asked for something that it refuses (or that changes nothing): whoever may not
-- call it is refused otherwise.
local commands = {
  {'XACK', KEYS[1], ARGV[1], '0-0'},
  {'XADD', KEYS[1], '0-0', 'not', 'added'},
  {'GET', KEYS[2]},
  {'SET', KEYS[2], 'not set', 'NX', 'XX'},
  {'HINCRBY', KEYS[2], 'finished', 'by nothing'},
}
for _, command in ipairs(commands) do
  local answer = redis.pcall(unpack(command))
  local text = type(answer) == 'table' and answer.err or ''
  -- Redis 7 and Valkey; Redis 7; Redis 6.2.
  for _, mark in ipairs({'ACL failure', 'NOPERM', "can't run this command"}) do
    if string.find(text, mark, 1, true) then
      return redis.error_reply('NOPERM this user may not ' .. command[1])
    end
  end
end
return 1
"""

NO_KEY = "-"


def ledger_key(stream: str, group: str) -> str:
    """Where it is counted how many entries a group has finished: what tells an entry that vanished unread.

    A partition's tag is in the stream's name, so that the ledger lies in the partition's slot.  The one stream that has
    no partitions is a tag itself, since on a cluster both have to lie in one slot all the same.
    """
    tagged = f"{{{stream}}}" if stream == CORRECTIONS else stream
    return f"palpate:ledger:{tagged}:{group}"


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

    def __init__(
        self, redis: "Redis", stream: str, group: str, *, dedupe_ttl_s: int = 60, version_ttl_s: int = 60
    ) -> None:
        self._stream, self._group = stream, group
        self._ttls = (dedupe_ttl_s, version_ttl_s)
        # redis-py sends EVALSHA and falls back to SCRIPT LOAD on NOSCRIPT, so a restarted server heals by itself.
        self._script = redis.register_script(_SCRIPT)
        self._dead = redis.register_script(_DEAD_SCRIPT)
        self._ack = redis.register_script(_ACK_SCRIPT)
        self._rehearsal = redis.register_script(_REHEARSAL)
        self._ledger = ledger_key(stream, group)

    async def rehearse(self) -> None:
        """Try whether this user of Redis may do all that a commit does: one that stops half-way has acknowledged.

        Raises:
            redis.exceptions.NoPermissionError: it may not; the text names the command.
        """
        await self._rehearsal(keys=[self._stream, self._ledger], args=[self._group])

    async def __call__(self, outcomes: Sequence[Outcome]) -> list[Committed]:
        """Commit a batch, in order.

        Raises:
            redis.exceptions.RedisError: nothing of the batch was committed, or it was and the answer was lost; doing
                it again is safe either way.
        """
        if not outcomes:
            return []
        keys: list[str] = [self._stream, self._ledger]
        args: list[Any] = [self._group, *self._ttls, EVENT_FIELD]
        for outcome in outcomes:
            keys += (self._or_none(outcome.dedupe_key), self._or_none(outcome.version_key), outcome.stream)
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
        return int(await self._dead(keys=[self._stream, self._ledger, dead_stream], args=args))

    async def acknowledge(self, entry_ids: Sequence[str]) -> int:
        """Acknowledge what was finished elsewhere (in the notifier's database); returns how many were ours."""
        return int(await self._ack(keys=[self._stream, self._ledger], args=[self._group, *entry_ids]))

    def _or_none(self, key: str) -> str:
        # On a cluster every key of a script has to lie in one slot, a placeholder too.
        return self._stream if key == NO_KEY else key


class Acknowledger:
    """Acknowledges for whoever keeps its results elsewhere, with the ledger in step."""

    def __init__(self, redis: Callable[[], "Redis"]) -> None:
        self._redis = redis

    async def xack(self, stream: str, group: str, *entry_ids: str) -> int:
        """As `XACK`."""
        return await Commit(self._redis(), stream, group).acknowledge(entry_ids)
