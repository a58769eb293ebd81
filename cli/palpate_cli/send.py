"""`palpate send`: claims from files onto the stream, and the verdicts back."""

import hashlib
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
from palpate_intake.outcome import ReadClaim, Unreadable
from palpate_intake.reading import read_claims
from palpate_runtime.servers import WrongUrl, client_for
from palpate_schemas.events import SCHEMA_URI, ClaimEvent, ClaimFailed, ClaimPassed, ClaimRejected
from palpate_schemas.streams import (
    CLAIMS_CREATED,
    CLAIMS_FAILED,
    CLAIMS_PASSED,
    CLAIMS_REJECTED,
    EVENT_FIELD,
    partition_of,
    partitioned,
)

SENT, SOME_FAILED, NOT_SENT = 0, 1, 2
EVENT_TYPES = ("claim.created", "claim.corrected", "claim.voided")

console, errors = Console(), Console(stderr=True)

Answer = ClaimPassed | ClaimFailed | ClaimRejected
_ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


def event_of(read: ReadClaim, source: str, event_type: str | None, now: datetime) -> ClaimEvent:
    """The event that a claim of a file is sent as.

    A file that holds a full event is sent as it is.  Otherwise the id follows from the claim, so that the same file
    sent twice is the same event; a version above 1 is a correction unless `event_type` says otherwise.
    """
    if read.event is not None:
        return read.event
    claim = read.claim
    kind = event_type or (
        "claim.voided" if claim.frequency_code == "8" else "claim.created" if claim.version == 1 else "claim.corrected"
    )
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


def publish(redis: "Redis", event: ClaimEvent, parts: Sequence[int | None] = (None,)) -> None:
    """XADD one event, to its patient's partition where there are some."""
    body = event.model_dump_json(exclude_none=True, by_alias=True).encode()
    part = parts[partition_of(event.data.patient.id, len(parts))]
    redis.xadd(partitioned(CLAIMS_CREATED, part), {EVENT_FIELD: body})


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
    code, waiting = SENT, {}
    for name, stream in open_files(patterns):
        with stream:
            for read in read_claims(stream, name):
                if isinstance(read, Unreadable):
                    _complain(complaint(name, read))
                    code = NOT_SENT
                    continue
                event = event_of(read, source, event_type, datetime.now(UTC))
                publish(redis, event, parts)
                waiting[event.source, event.id] = event.data.claim_id
                console.print(
                    f"sent {escape(event.type)} {escape(event.data.claim_id)} version {event.data.version}",
                    highlight=False,
                )
    if wait_s <= 0 or not waiting:
        return code
    failed = _await_answers(redis, cursors, waiting, wait_s)
    return code or (SOME_FAILED if failed else SENT)


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
