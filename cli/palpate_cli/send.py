"""`palpate send`: claims from files onto the stream, and the verdicts back."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.markup import escape

from palpate_cli.check import complaint
from palpate_cli.where import partitions
from palpate_intake.files import open_files
from palpate_intake.outcome import Unreadable
from palpate_intake.publishing import EVENT_TYPES, Publisher, batches, event_of
from palpate_intake.reading import read_claims
from palpate_runtime.servers import WrongUrl, client_for
from palpate_schemas.events import ClaimEvent, ClaimFailed, ClaimPassed, ClaimRejected
from palpate_schemas.streams import (
    CLAIMS_FAILED,
    CLAIMS_PASSED,
    CLAIMS_REJECTED,
    EVENT_FIELD,
    partitioned,
)

SENT, SOME_FAILED, NOT_SENT = 0, 1, 2

console, errors = Console(), Console(stderr=True)

Answer = ClaimPassed | ClaimFailed | ClaimRejected
_ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


def answers_since(redis: "Redis", cursors: dict[str, bytes], *, block_ms: int) -> Iterator[Answer]:
    """Verdicts and rejections after the cursors, which move on."""
    if hasattr(redis, "nodes_manager"):
        yield from _answers_of_a_cluster(redis, cursors, block_ms)
        return
    reply: Any = redis.xread({stream: cursor for stream, cursor in cursors.items()}, block=block_ms, count=500)  # noqa: C416 - redis-py's type wants a wider dict
    for stream, entries in reply or ():
        for entry_id, fields in entries:
            cursors[stream.decode()] = entry_id
            yield _ANSWER.validate_json(fields[EVENT_FIELD])


def _answers_of_a_cluster(redis: "Redis", cursors: dict[str, bytes], block_ms: int) -> Iterator[Answer]:
    """Stream by stream: one command cannot read what lies on several nodes."""
    for stream, cursor in list(cursors.items()):
        entries: Any = redis.xrange(stream, f"({cursor.decode()}", "+", count=500)
        for entry_id, fields in entries:
            cursors[stream] = entry_id
            yield _ANSWER.validate_json(fields[EVENT_FIELD])
    time.sleep(min(0.1, block_ms / 1000))


def send_files(patterns: Sequence[str], redis_url: str, *, source: str, event_type: str | None, wait_s: float) -> int:
    """Send every readable claim; returns 0, 1 when a verdict was "fail", 2 when something was not sent."""
    if event_type is not None and event_type not in EVENT_TYPES:
        _complain(f"--type is one of {', '.join(EVENT_TYPES)}")
        return NOT_SENT
    try:
        with client_for(redis_url) as redis:
            return _send(patterns, redis, partitions(redis_url), source=source, event_type=event_type, wait_s=wait_s)
    except (RedisError, WrongUrl, OSError) as error:
        _complain(
            f"cannot reach Redis at {_without_password(redis_url)} ({type(error).__name__}): "
            "is `palpate up` running here? Or say where with --redis URL"
        )
        return NOT_SENT


def _send(
    patterns: Sequence[str],
    redis: "Redis",
    parts: Sequence[int | None],
    *,
    source: str,
    event_type: str | None,
    wait_s: float,
) -> int:
    answers = [partitioned(name, part) for name in (CLAIMS_PASSED, CLAIMS_FAILED, CLAIMS_REJECTED) for part in parts]
    cursors = {stream: _last_id(redis, stream) for stream in answers}
    outcomes = _Outcomes(source, event_type)
    publisher, waiting = Publisher(redis, parts), {}
    for batch in batches(outcomes.of(patterns)):
        publisher.publish(batch)
        for event in batch:
            waiting[event.source, event.id] = event.data.claim_id
            console.print(
                f"sent {escape(event.type)} {escape(event.data.claim_id)} version {event.data.version}",
                highlight=False,
            )
    code = outcomes.code
    if wait_s <= 0 or not waiting:
        return code
    failed = _await_answers(redis, cursors, waiting, wait_s)
    return code or (SOME_FAILED if failed else SENT)


class _Outcomes:
    """Every claim of some files as its event; what cannot be read is said, and passed over."""

    def __init__(self, source: str, event_type: str | None) -> None:
        self._source, self._event_type = source, event_type
        self.code = SENT

    def of(self, patterns: Sequence[str]) -> Iterator[ClaimEvent]:
        for name, stream in open_files(patterns):
            with stream:
                for read in read_claims(stream, name):
                    if isinstance(read, Unreadable):
                        _complain(complaint(name, read))
                        self.code = NOT_SENT
                    else:
                        yield event_of(read, self._source, datetime.now(UTC), event_type=self._event_type)


def _await_answers(
    redis: "Redis", cursors: dict[str, bytes], waiting: dict[tuple[str, str], str], wait_s: float
) -> bool:
    deadline, failed = time.monotonic() + wait_s, False
    while waiting and (left := deadline - time.monotonic()) > 0:
        for answer in answers_since(redis, cursors, block_ms=max(1, min(1_000, int(left * 1000)))):
            source = answer.data.source_event
            if source is None or waiting.pop((source.source, source.id), None) is None:
                continue
            failed = failed or not isinstance(answer, ClaimPassed)
            _show(answer)
    if waiting:
        names = ", ".join(sorted(set(waiting.values()))[:5])
        console.print(
            f"no verdict yet for {len(waiting)} ({escape(names)}): sent before and judged then, older than a version "
            "already judged, or no validator is running (`palpate status` shows which)",
            highlight=False,
        )
    return failed


def _show(answer: Answer) -> None:
    if isinstance(answer, ClaimRejected):
        reasons = "; ".join(f"{error.pointer or '/'}: {error.reason}" for error in answer.data.errors)
        console.print(f"[yellow]rejected[/] {escape(answer.subject or '?')}: {escape(reasons)}", highlight=False)
        return
    verdict = answer.data
    if isinstance(answer, ClaimPassed):
        word = "not judged: no 97140" if not verdict.applicable else "passes"
        console.print(f"[green]{word}[/] {escape(verdict.claim_id)} version {verdict.version}", highlight=False)
        return
    faults = ", ".join(sorted({finding.rule for finding in verdict.findings if finding.severity == "error"}))
    console.print(
        f"[red]fails[/] {escape(verdict.claim_id)} version {verdict.version}: {escape(faults)}", highlight=False
    )


def _last_id(redis: "Redis", stream: str) -> bytes:
    newest: Any = redis.xrevrange(stream, count=1)
    last: bytes = newest[0][0] if newest else b"0"
    return last


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _complain(text: str) -> None:
    errors.print(f"[bold red]palpate:[/] {escape(text)}", highlight=False, soft_wrap=True)
