"""What may go from a stream, and what has gone unread.

An entry goes when every group on its stream has finished it, and it has stayed as long as it should.  A stream that no
group reads is never trimmed: nobody knows who reads it without one.

What somebody else took away before it was read (a producer's MAXLEN, XDEL, XTRIM, an XACK by hand) raises no error in
Redis and does not show in `lag`.  It shows in the books: the server counts what was ever added, the commit counts what
was finished, and what is neither finished, pending nor waiting has vanished.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from palpate_runtime.commit import ledger_key

if TYPE_CHECKING:
    from redis import Redis as SyncRedis
    from redis.asyncio import Redis

_FACTS = """
local function facts(flat)
  local found = {}
  for i = 1, #flat, 2 do found[flat[i]] = flat[i + 1] end
  return found
end
"""

_CREATE = (
    _FACTS
    + """
-- KEYS: stream, ledger.  ARGV: group
-- A group that comes back on a stream that is still there reads everything again: the books begin anew.
redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
local stream = facts(redis.call('XINFO', 'STREAM', KEYS[1]))
local added = stream['entries-added'] or stream['length']
local known = redis.call('HGET', KEYS[2], 'finished')
local finished = 0
if known then finished = added - stream['length'] end
redis.call('HSET', KEYS[2], 'finished', finished, 'vanished', 0, 'delivered', '0-0')
return known and 1 or 0
"""
)

_AUDIT = (
    _FACTS
    + """
-- KEYS: stream, ledger.  ARGV: group, the most waiting entries to count, 'keep' to write down what was found
local keep = ARGV[3] == 'keep'
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local stream = facts(redis.call('XINFO', 'STREAM', KEYS[1]))
local added, group = stream['entries-added'], nil
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local found = facts(flat)
  if found.name == ARGV[1] then group = found end
end
if not group then return false end
local delivered, last = group['last-delivered-id'], stream['last-generated-id']
local waiting = 0
if delivered ~= last then
  waiting = #redis.call('XRANGE', KEYS[1], '(' .. delivered, '+', 'COUNT', ARGV[2] + 1)
  if waiting > tonumber(ARGV[2]) then waiting = -1 end
end
local first = stream['recorded-first-entry-id'] or '0-0'
local book = facts(redis.call('HGETALL', KEYS[2]))
local before, told = book.delivered or '0-0', tonumber(book.vanished or 0)
local new = 0
if added then
  if waiting >= 0 then
    local gone = added - group.pending - waiting
    if not book.finished or gone < tonumber(book.finished) + told then
      -- No books yet, or a stream that was made anew: they begin here.
      if keep then redis.call('HSET', KEYS[2], 'finished', gone - told) end
    else
      new = gone - tonumber(book.finished) - told
    end
  elseif book.finished then
    -- Too many wait to be counted: of what is gone, at least what is more than was ever finished.
    new = math.max(0, added - stream.length - tonumber(book.finished) - told)
  end
  if keep and new > 0 then redis.call('HSET', KEYS[2], 'vanished', told + new) end
  if keep then redis.call('HSET', KEYS[2], 'delivered', delivered) end
end
return {new, told + new, waiting, group.pending, delivered, last, before, first, tonumber(stream.length)}
"""
)

_TRIM = (
    _FACTS
    + """
-- KEYS: stream.  ARGV: nothing at or after this id goes, however finished
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local function parts(id)
  local ms, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(number)
end
local function least(a, b)
  local a_ms, a_number = parts(a)
  local b_ms, b_number = parts(b)
  if a_ms < b_ms or (a_ms == b_ms and a_number <= b_number) then return a end
  return b
end
local floor, groups = ARGV[1], redis.call('XINFO', 'GROUPS', KEYS[1])
if #groups == 0 then return 0 end
for _, flat in ipairs(groups) do
  local group = facts(flat)
  local pending = redis.call('XPENDING', KEYS[1], group.name)
  if pending[1] > 0 then
    floor = least(floor, pending[2])
  else
    local ms, number = string.match(group['last-delivered-id'], '^(%d+)-(%d+)$')
    floor = least(floor, ms .. '-' .. string.format('%d', number + 1))
  end
end
-- In pieces, so that nobody waits long; the remainder of the last piece is exact.
local gone = redis.call('XTRIM', KEYS[1], 'MINID', '~', floor, 'LIMIT', 20000)
if gone == 0 then gone = redis.call('XTRIM', KEYS[1], 'MINID', floor) end
return gone
"""
)

MOST_COUNTED = 500


@dataclass(frozen=True, slots=True)
class Books:
    """How a group stands on a stream."""

    new: int
    """Vanished unread since the last look."""
    vanished: int
    """Vanished unread, ever."""
    waiting: int | None
    """Not delivered yet; None where there are more than five hundred."""
    pending: int
    delivered: str
    """The last id that was delivered."""
    last: str
    """The last id on the stream."""
    before: str
    """The last id that was delivered when somebody looked before: what vanished came after it."""
    first: str
    """The first id that is still there."""
    length: int

    @property
    def has_waiting(self) -> bool:
        """Whether something is there to be read."""
        return self.waiting is None or self.waiting > 0


class Retention:
    """Keeps the books of one group on one stream, and trims the stream."""

    def __init__(self, redis: "Redis", stream: str, group: str) -> None:
        self._stream, self._group, self._ledger = stream, group, ledger_key(stream, group)
        self._create = redis.register_script(_CREATE)
        self._audit = redis.register_script(_AUDIT)
        self._trim = redis.register_script(_TRIM)

    async def create_group(self) -> bool:
        """Create the group at 0, so that nothing published before the first start is skipped.

        Returns:
            Whether there had been one before.

        Raises:
            redis.exceptions.ResponseError: BUSYGROUP, when it is there.
        """
        return bool(await self._create(keys=[self._stream, self._ledger], args=[self._group]))

    async def audit(self) -> Books | None:
        """Balance the books; None when stream or group is not there."""
        answer = await self._audit(keys=[self._stream, self._ledger], args=[self._group, MOST_COUNTED, "keep"])
        return None if answer is None else books_of(answer)

    async def trim(self, *, retain_s: float, now: float | None = None) -> int:
        """Take away what every group has finished and what is older than that; returns how many entries."""
        oldest = int(((time.time() if now is None else now) - retain_s) * 1000)
        gone, total = 1, 0
        while gone:
            gone = int(await self._trim(keys=[self._stream], args=[f"{max(0, oldest)}-0"]))
            total += gone
        return total


def books_of(answer: Any) -> Books:  # noqa: ANN401 - the script's answer
    """The script's answer by name."""
    new, vanished, waiting, pending, *ids, length = answer
    delivered, last, before, first = (each.decode() for each in ids)
    return Books(new, vanished, None if waiting < 0 else waiting, pending, delivered, last, before, first, length)


def look(redis: "SyncRedis", stream: str, group: str) -> Books | None:
    """How the books stand, for the command line: nothing is written down, so that the service still says it."""
    answer = redis.eval(_AUDIT, 2, stream, ledger_key(stream, group), group, MOST_COUNTED, "look")
    return None if answer is None else books_of(answer)


def reason_of(error: BaseException) -> str:
    """Why Redis does not do what it is asked, in a word that a log and a runbook share."""
    text = str(error)
    for mark, reason in _REASONS.items():
        if mark in text or mark in type(error).__name__:
            return reason
    return "error"


_REASONS: Mapping[str, str] = {
    "NOGROUP": "group_gone",
    "READONLY": "read_only",
    "read only replica": "read_only",
    "ReadOnlyError": "read_only",
    "LOADING": "loading",
    "BusyLoading": "loading",
    "OOM": "out_of_memory",
    "OutOfMemory": "out_of_memory",
    "MISCONF": "cannot_persist",
    "NOREPLICAS": "too_few_replicas",
    "CLUSTERDOWN": "cluster_down",
    "ClusterDown": "cluster_down",
    "MASTERDOWN": "master_down",
    "MasterNotFound": "no_master",
    "WRONGTYPE": "wrong_type",
    "NOPERM": "not_permitted",
    "ACL failure": "not_permitted",
    "NoPermission": "not_permitted",
    "NOAUTH": "not_authenticated",
    "WRONGPASS": "not_authenticated",
    "Authentication": "not_authenticated",
    "BUSY": "busy_script",
    "Timeout": "no_answer",
    "Connection": "not_reachable",
    "OSError": "not_reachable",
}
