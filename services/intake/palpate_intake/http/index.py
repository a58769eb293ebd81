"""What is known of each claim, by source and claim number: where on the streams its newest answer stands.

A small hash a claim, in Redis, so that every intake process and the next start know it: the entry ids of the newest
verdict and of the newest rejection, what was accepted last, and which events have a verdict.  The answers themselves
stay on the streams, and the hash is kept as long as they are.  The source is part of the key, so no source can ask for
another's claims; all keys of a source lie in one slot of a cluster.
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
-- KEYS: a claim's hash for each answer.
-- ARGV: seconds; then for each: kind, version, milliseconds, stream, entry id, field of the event that it answers or ''
-- Passed and failed are two streams, read side by side: what is older than what is known changes nothing.
for i = 1, #KEYS do
  local at = 2 + (i - 1) * 6
  local kind, version, ms = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local known = redis.call('HMGET', KEYS[i], kind .. '_version', kind .. '_ms')
  local last, last_ms = tonumber(known[1] or -1), tonumber(known[2] or -1)
  if version > last or (version == last and ms >= last_ms) then
    redis.call('HSET', KEYS[i], kind .. '_version', ARGV[at + 1], kind .. '_ms', ARGV[at + 2],
      kind .. '_stream', ARGV[at + 3], kind .. '_entry', ARGV[at + 4])
  end
  if ARGV[at + 5] ~= '' then
    redis.call('HSET', KEYS[i], ARGV[at + 5], 1)
  end
  redis.call('EXPIRE', KEYS[i], ARGV[1])
end
"""

VERDICT, REJECTED = "verdict", "rejected"

_FACTS = (
    "accepted_id",
    "accepted_version",
    *(f"{kind}_{fact}" for kind in (VERDICT, REJECTED) for fact in ("version", "ms", "stream", "entry")),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """An entry that answers an event of a claim."""

    kind: str
    """`verdict` or `rejected`."""
    source: str
    """Of the event that it answers."""
    event_id: str
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
                args.append(_judged_field(each.event_id) if each.kind == VERDICT else "")
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
        key = claim_key(source, claim_id)
        known: Any = await self._redis().hmget(key, _FACTS)
        facts = {name: value.decode() for name, value in zip(_FACTS, known, strict=True) if value is not None}
        if not facts:
            return None
        verdict, rejected = await self._answer(facts, VERDICT), await self._answer(facts, REJECTED)
        return status_of(
            claim_id,
            accepted=AcceptedEvent(id=facts["accepted_id"], version=int(facts["accepted_version"]))
            if "accepted_id" in facts
            else None,
            judged=await self._is_judged(key, facts),
            verdict=verdict if isinstance(verdict, ClaimPassed | ClaimFailed) else None,
            rejected=rejected if isinstance(rejected, ClaimRejected) else None,
            rejected_last=int(facts.get("rejected_ms", -1)) > int(facts.get("verdict_ms", -1)),
        )

    async def _is_judged(self, key: str, facts: Mapping[str, str]) -> bool:
        """Whether what was accepted last has its verdict, or never gets one: a later version has been judged."""
        if "accepted_id" not in facts or int(facts["accepted_version"]) < int(facts.get("verdict_version", 0)):
            return True
        judged: Any = await self._redis().hexists(key, _judged_field(facts["accepted_id"]))
        return bool(judged)

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
    judged: bool,
    verdict: ClaimPassed | ClaimFailed | None,
    rejected: ClaimRejected | None,
    rejected_last: bool,
) -> ClaimStatus | None:
    """How a claim stands; None when nothing of it is kept any more.  Pure.

    Args:
        claim_id: The claim.
        accepted: Its last event that came over HTTP.
        judged: Whether that one has its verdict, or will get none because a later version has been judged.
        verdict: The newest verdict, where the streams still hold it.
        rejected: The newest rejection, likewise.
        rejected_last: Whether the rejection is newer than the verdict.
    """
    on_it = verdict is not None and accepted is not None and verdict.data.source_event.id == accepted.id
    refused = _answers(rejected, accepted) and (rejected_last or not on_it)
    waiting = accepted is not None and not (judged or on_it or refused)
    counts = rejected if refused or (rejected_last and not waiting) else None
    if verdict is None and counts is None and not waiting:
        return None
    return ClaimStatus(
        claim_id=claim_id,
        status="waiting" if waiting else "rejected" if counts is not None else _said(verdict),
        accepted=accepted,
        verdict=None if verdict is None else verdict.data,
        verdict_at=None if verdict is None else verdict.time,
        rejection=None
        if counts is None
        else Rejection(source_event=counts.data.source_event, errors=counts.data.errors),
    )


def _said(verdict: ClaimPassed | ClaimFailed | None) -> Literal["passed", "failed"]:
    return "passed" if isinstance(verdict, ClaimPassed) else "failed"


def _answers(rejected: ClaimRejected | None, accepted: AcceptedEvent | None) -> bool:
    if rejected is None or accepted is None or rejected.data.source_event is None:
        return False
    return rejected.data.source_event.id == accepted.id


def _judged_field(event_id: str) -> str:
    return f"judged:{_digest(event_id)}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
