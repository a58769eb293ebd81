"""What is known of each claim, by source and claim number: where on the streams its newest answer stands.

A small hash a claim, in Redis, so that every intake process and the next start know it: the entry ids of the newest
verdict and of the newest rejection, and what was accepted last.  The answers themselves stay on the streams, and the
hash is kept as long as they are.  The source is part of the key, so no source can ask for another's claims; all keys
of a source lie in one slot of a cluster.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from palpate_intake.http.answers import AcceptedEvent, ClaimStatus, Rejection
from palpate_schemas.events import ClaimEvent, ClaimFailed, ClaimPassed, ClaimRejected
from palpate_schemas.streams import EVENT_FIELD

if TYPE_CHECKING:
    from redis.asyncio import Redis

_ANSWER: TypeAdapter[ClaimPassed | ClaimFailed | ClaimRejected] = TypeAdapter(ClaimPassed | ClaimFailed | ClaimRejected)

_NOTE = """
-- KEYS: a claim's hash for each answer.  ARGV: seconds; then for each: kind, version, milliseconds, stream, entry id
-- Passed and failed are two streams, read side by side: what is older than what is known changes nothing.
for i = 1, #KEYS do
  local at = 2 + (i - 1) * 5
  local kind, version, ms = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local known = redis.call('HMGET', KEYS[i], kind .. '_version', kind .. '_ms')
  local last, last_ms = tonumber(known[1] or -1), tonumber(known[2] or -1)
  if version > last or (version == last and ms >= last_ms) then
    redis.call('HSET', KEYS[i], kind .. '_version', ARGV[at + 1], kind .. '_ms', ARGV[at + 2],
      kind .. '_stream', ARGV[at + 3], kind .. '_entry', ARGV[at + 4])
  end
  redis.call('EXPIRE', KEYS[i], ARGV[1])
end
"""

VERDICT, REJECTED = "verdict", "rejected"


@dataclass(frozen=True, slots=True)
class Answered:
    """An entry that answers an event of a claim."""

    kind: str
    """`verdict` or `rejected`."""
    source: str
    """Of the event that it answers."""
    claim_id: str
    version: int
    stream: str
    entry_id: str


class ClaimIndex:
    """Writes and reads what is known of claims."""

    def __init__(self, redis: Callable[[], "Redis"], *, keep_s: int) -> None:
        self._redis, self._keep_s = redis, keep_s

    async def note(self, answers: Iterable[Answered]) -> None:
        """Write down where answers stand.  Again is harmless.

        Raises:
            redis.exceptions.RedisError: some may be written; do it again.
        """
        by_source: dict[str, list[Answered]] = defaultdict(list)
        for each in answers:
            by_source[each.source].append(each)
        for source, found in by_source.items():
            args: list[Any] = [self._keep_s]
            for each in found:
                args += (each.kind, each.version, each.entry_id.partition("-")[0], each.stream, each.entry_id)
            keys = [claim_key(source, each.claim_id) for each in found]
            await self._redis().register_script(_NOTE)(keys=keys, args=args)

    async def accepted(self, events: Iterable[ClaimEvent]) -> None:
        """Write down what was accepted, so that a verdict can be waited for."""
        pipeline = self._redis().pipeline(transaction=False)
        for event in events:
            key = claim_key(event.source, event.data.claim_id)
            pipeline.hset(key, mapping={"accepted_id": event.id, "accepted_version": event.data.version})
            pipeline.expire(key, self._keep_s)
        await pipeline.execute()

    async def status(self, source: str, claim_id: str) -> ClaimStatus | None:
        """What is known of a claim of this source; None when nothing is."""
        known: Any = await self._redis().hgetall(claim_key(source, claim_id))
        if not known:
            return None
        facts = {key.decode(): value.decode() for key, value in known.items()}
        verdict, rejected = await self._answer(facts, VERDICT), await self._answer(facts, REJECTED)
        return status_of(
            claim_id,
            accepted=AcceptedEvent(id=facts["accepted_id"], version=int(facts["accepted_version"]))
            if "accepted_id" in facts
            else None,
            verdict=verdict if isinstance(verdict, ClaimPassed | ClaimFailed) else None,
            rejected=rejected if isinstance(rejected, ClaimRejected) else None,
            rejected_last=int(facts.get("rejected_ms", -1)) > int(facts.get("verdict_ms", -1)),
        )

    async def _answer(self, facts: Mapping[str, str], kind: str) -> ClaimPassed | ClaimFailed | ClaimRejected | None:
        """The event itself; None when there is none, or it has been trimmed."""
        entry_id = facts.get(f"{kind}_entry")
        if entry_id is None:
            return None
        found: Any = await self._redis().xrange(facts[f"{kind}_stream"], entry_id, entry_id)
        return _ANSWER.validate_json(found[0][1][EVENT_FIELD]) if found else None


def claim_key(source: str, claim_id: str) -> str:
    """Where it is kept what is known of a claim; numbers of other systems are nobody's business in a key listing."""
    return f"palpate:claim:{{{_digest(source)}}}:{_digest(claim_id)}"


def status_of(
    claim_id: str,
    *,
    accepted: AcceptedEvent | None,
    verdict: ClaimPassed | ClaimFailed | None,
    rejected: ClaimRejected | None,
    rejected_last: bool,
) -> ClaimStatus | None:
    """How a claim stands; None when nothing of it is kept any more.  Pure."""
    if accepted is None and verdict is None and rejected is None:
        return None
    answered_by = rejected if rejected_last or _answers(rejected, accepted) else None
    return ClaimStatus(
        claim_id=claim_id,
        status="rejected" if answered_by is not None else _judged(accepted, verdict),
        accepted=accepted,
        verdict=None if verdict is None else verdict.data,
        verdict_at=None if verdict is None else verdict.time,
        rejection=None
        if answered_by is None
        else Rejection(source_event=answered_by.data.source_event, errors=answered_by.data.errors),
    )


def _judged(
    accepted: AcceptedEvent | None, verdict: ClaimPassed | ClaimFailed | None
) -> Literal["waiting", "passed", "failed"]:
    """What the newest verdict says, unless a newer version waits for its own."""
    if verdict is None or (accepted is not None and accepted.version > verdict.data.version):
        return "waiting"
    return "passed" if isinstance(verdict, ClaimPassed) else "failed"


def _answers(rejected: ClaimRejected | None, accepted: AcceptedEvent | None) -> bool:
    if rejected is None or accepted is None or rejected.data.source_event is None:
        return False
    return rejected.data.source_event.id == accepted.id


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
