"""Reads what is answered on the streams: writes down where it stands, and queues it for its source's webhook."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from palpate_intake.http.index import REJECTED, VERDICT, Answered, ClaimIndex
from palpate_intake.http.outbound import Outbound, Outgoing
from palpate_intake.http.sources import Sources
from palpate_runtime.commit import Acknowledger
from palpate_runtime.consumer import Entry, Failures
from palpate_schemas.streams import INTAKE_GROUP

if TYPE_CHECKING:
    from redis.asyncio import Redis

_KINDS: Mapping[str, str] = {"claim.passed": VERDICT, "claim.failed": VERDICT, "claim.rejected": REJECTED}


@dataclass(frozen=True, slots=True)
class Answer:
    """An event of ours that follows from an event of a source."""

    source: str
    event: dict[str, Any]
    entry: Entry

    @property
    def answered(self) -> Answered | None:
        """What the index keeps of it: of verdicts and rejections that name a claim."""
        data, kind = self.event["data"], _KINDS.get(self.event["type"])
        if kind is None or not isinstance(data.get("claim_id"), str):
            return None
        return Answered(
            kind,
            self.source,
            str(data["source_event"]["id"]),
            data["claim_id"],
            data.get("version", 0),
            self.entry.stream,
            self.entry.id,
        )

    def outgoing(self, now: datetime) -> Outgoing:
        """What its webhook is sent: the event as it is, without the bytes of what was rejected, which may hold PHI."""
        event, sent = self.event, self.entry.event.decode()
        if "original_base64" in event["data"]:
            sent = to_json({**event, "data": {**event["data"], "original_base64": ""}}).decode()
        return Outgoing(
            id=event["id"],
            stream=self.entry.stream,
            entry_id=self.entry.id,
            since=now,
            event=sent,
        )


def answer_of(entry: Entry) -> Answer | None:
    """The answer in an entry; None for one that answers nobody: an event without a readable identity.

    Raises:
        ValueError, KeyError, TypeError: it is no event of ours.
    """
    event = from_json(entry.event)
    identity = event["data"].get("source_event")
    return None if identity is None else Answer(str(identity["source"]), event, entry)


class Follower:
    """Handles batches of entries of the streams that answer."""

    def __init__(
        self,
        redis: Callable[[], "Redis"],
        sources: Sources,
        index: ClaimIndex,
        clock: Callable[[], datetime],
        queued: Callable[[], None],
    ) -> None:
        self._redis, self._sources, self._index, self._clock, self._queued = redis, sources, index, clock, queued
        self._acknowledger = Acknowledger(redis)

    async def follow(self, entries: Sequence[Entry]) -> Failures:
        """Note and queue a batch, then acknowledge it.  What is handled twice is noted and queued as once."""
        answers, failures = _read(entries)
        await self._index.note([found for each in answers if (found := each.answered) is not None])
        return await self._finish(entries, answers, failures)

    async def again(self, entries: Sequence[Entry]) -> Failures:
        """Queue what `palpate dlq replay` took out of the dead letters; the index knows it already."""
        return await self._finish(entries, *_read(entries))

    async def _finish(self, entries: Sequence[Entry], answers: Sequence[Answer], failures: Failures) -> Failures:
        await self._queue(answers)
        done = [entry.id for entry in entries if entry.id not in failures]
        if done:
            await self._acknowledger.xack(entries[0].stream, INTAKE_GROUP, *done)
        return failures

    async def _queue(self, answers: Sequence[Answer]) -> None:
        book, now = self._sources.now(), self._clock()
        by_source: dict[str, list[Outgoing]] = defaultdict(list)
        for each in answers:
            holder = book.by_uri(each.source)
            if holder is not None and holder.webhook is not None:
                by_source[each.source].append(each.outgoing(now))
        for source, events in by_source.items():
            await Outbound(self._redis(), source).put(events, now)
        if by_source:
            self._queued()


def _read(entries: Sequence[Entry]) -> tuple[list[Answer], dict[str, Exception]]:
    answers: list[Answer] = []
    failures: dict[str, Exception] = {}
    for entry in entries:
        try:
            found = answer_of(entry)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            failures[entry.id] = error
        else:
            if found is not None:
                answers.append(found)
    return answers, failures
