"""`palpate dlq`: what could not be handled, looked at, sent again or given up for good.

A letter leaves the dead stream in one script with what becomes of it and with a line in the stream's audit, so that a
command that is run twice, or dies half-way, sends nothing twice.
"""

import base64
import getpass
import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rich.console import Console
from rich.table import Table

from palpate_runtime.commit import STREAM_OR_NOTHING
from palpate_runtime.retention import reason_of
from palpate_runtime.servers import client_for
from palpate_schemas.events import DeadLetter
from palpate_schemas.streams import EVENT_FIELD, READERS, WEBHOOKS, dead, partitioned

DONE, NONE_FOUND, FAILED = 0, 1, 2
AT_ONCE = 500

console, errors = Console(), Console(stderr=True)

_SETTLE = (
    STREAM_OR_NOTHING
    + """
-- KEYS: dead stream, where it came from, the audit.
-- ARGV: letter id, field, audit line, original bytes, 'replay' or 'drop'
for _, key in ipairs({KEYS[2], KEYS[3]}) do
  local wrong = not_a_stream(key)
  if wrong then return wrong end
end
-- A letter that is not there any more has been dealt with: the same command again changes nothing.
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
if ARGV[5] == 'replay' then redis.call('XADD', KEYS[2], '*', ARGV[2], ARGV[4]) end
redis.call('XADD', KEYS[3], '*', ARGV[2], ARGV[3])
return 1
"""
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One entry of a dead stream."""

    id: str
    stream: str
    """The dead stream."""
    letter: DeadLetter

    @property
    def original(self) -> bytes:
        """The event's bytes as they were sent."""
        return base64.b64decode(self.letter.original_base64)

    @property
    def named(self) -> dict[str, str | None]:
        """What the event says it is: ids alone, never its content."""
        try:
            event = json.loads(self.original)
        except ValueError:
            event = {}
        event = event if isinstance(event, dict) else {}
        data = event.get("data")
        data = data if isinstance(data, dict) else {}
        found = {"source": event.get("source"), "event_id": event.get("id"), "claim_id": data.get("claim_id")}
        return {key: value if isinstance(value, str) else None for key, value in found.items()}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which letters are meant; all of them without any."""

    stream: str | None = None
    """The stream that they come from, e.g. `claims.created`."""
    error: str | None = None
    """A word of the error."""
    claim: str | None = None
    since: timedelta | None = None
    ids: tuple[str, ...] = ()
    limit: int = 100

    def accepts(self, letter: Letter, now: datetime) -> bool:
        """Whether a letter is meant."""
        return (
            (not self.ids or letter.id in self.ids)
            and (self.error is None or self.error.casefold() in letter.letter.error.casefold())
            and (self.claim is None or letter.named["claim_id"] == self.claim)
            and (self.since is None or now - letter.letter.given_up_at <= self.since)
        )


class NotOneStream(ValueError):
    """A stream that has no dead letters of ours."""


def dead_streams(filters: Filters, partitions: tuple[int | None, ...]) -> list[str]:
    """The dead streams to look into.

    Raises:
        NotOneStream: the filter names no stream that we read.
    """
    read = [*(stream for stream, groups in READERS.items() if groups), WEBHOOKS]
    wanted = read if filters.stream is None else [filters.stream.removesuffix(".dead").partition(":{")[0]]
    unknown = set(wanted) - set(read)
    if unknown:
        raise NotOneStream(f"no service reads {', '.join(sorted(unknown))}; there are {', '.join(read)}")
    return [dead(partitioned(stream, each)) for stream in wanted for each in partitions]


def letters(redis: "Redis", filters: Filters, partitions: tuple[int | None, ...]) -> Iterator[Letter]:
    """Letters that are meant, oldest first within each stream, up to the limit."""
    now, found = datetime.now(UTC), 0
    for stream in dead_streams(filters, partitions):
        for letter in _all(redis, stream):
            if found >= filters.limit:
                return
            if filters.accepts(letter, now):
                found += 1
                yield letter


def _all(redis: "Redis", stream: str) -> Iterator[Letter]:
    for entry_id, body in _entries(redis, stream):
        if (letter := _letter(body)) is not None:
            yield Letter(entry_id, stream, letter)


def unreadable(redis: "Redis", filters: Filters, partitions: tuple[int | None, ...]) -> list[str]:
    """Entries of the dead streams that are no letters of ours, as `<stream>/<entry id>`."""
    return [
        f"{stream}/{entry_id}"
        for stream in dead_streams(filters, partitions)
        for entry_id, body in _entries(redis, stream)
        if _letter(body) is None
    ]


def _letter(body: bytes) -> DeadLetter | None:
    try:
        return DeadLetter.model_validate_json(body)
    except ValidationError:
        return None


def _entries(redis: "Redis", stream: str) -> Iterator[tuple[str, bytes]]:
    start = "-"
    while True:
        entries: Any = redis.xrange(stream, start, "+", count=AT_ONCE)
        for entry_id, fields in entries:
            yield entry_id.decode(), fields.get(EVENT_FIELD, b"")
        if len(entries) < AT_ONCE:
            return
        start = f"({entries[-1][0].decode()}"


def list_letters(redis_url: str, filters: Filters, partitions: tuple[int | None, ...], *, as_json: bool) -> int:
    """Print what lies in the dead streams; 1 when nothing does."""

    def show(redis: "Redis") -> int:
        found = list(letters(redis, filters, partitions))
        strange = unreadable(redis, filters, partitions)
        if strange:
            errors.print(
                f"[bold red]palpate:[/] {len(strange)} on the dead streams cannot be read as letters, so they are not "
                f"listed: {', '.join(strange[:10])}. Read them with XRANGE.",
                soft_wrap=True,
                highlight=False,
            )
        if as_json:
            for each in found:
                print(json.dumps(_row(each)))
        elif found:
            console.print(_table(found))
            if len(found) == filters.limit:
                console.print(f"[dim]The first {filters.limit}; --limit shows more.[/]")
        elif not strange:
            console.print("Nothing: every entry was handled.")
        return DONE if found or strange else NONE_FOUND

    return _with(redis_url, show)


def show_letter(redis_url: str, letter_id: str, partitions: tuple[int | None, ...], *, phi: bool) -> int:
    """Print one letter; the event itself only when it is asked for, since it may hold PHI."""

    def show(redis: "Redis") -> int:
        found = next(letters(redis, Filters(ids=(letter_id,), limit=1), partitions), None)
        if found is None:
            errors.print(f"[bold red]palpate:[/] no dead letter {letter_id}: `palpate dlq list` shows what there is")
            return NONE_FOUND
        print(json.dumps(_row(found), indent=2))
        if phi:
            print(found.original.decode("utf-8", "replace"))
        return DONE

    return _with(redis_url, show)


def settle_letters(
    redis_url: str,
    action: str,
    filters: Filters,
    partitions: tuple[int | None, ...],
    *,
    reason: str,
    dry_run: bool,
) -> int:
    """Send letters again (`replay`) or give them up (`drop`), each with a line in the audit."""

    def settle(redis: "Redis") -> int:
        done = 0
        for letter in letters(redis, filters, partitions):
            if dry_run:
                console.print(f"would {action} {letter.id} of {letter.letter.stream} ({letter.letter.error})")
                done += 1
            elif settled(redis, letter, action, reason=reason):
                console.print(f"{action}: {letter.id} of {letter.letter.stream} ({letter.letter.error})")
                done += 1
        verb = {"replay": "sent again", "drop": "dropped"}[action]
        console.print(f"{done} would be {verb}." if dry_run else f"{done} {verb}.")
        if done == filters.limit:
            console.print(f"[dim]That was the limit of {filters.limit}; there may be more.[/]")
        return DONE if done else NONE_FOUND

    return _with(redis_url, settle)


def settled(redis: "Redis", letter: Letter, action: str, *, reason: str = "") -> bool:
    """Take one letter out of the dead stream; False when somebody was faster."""
    line = {
        "at": datetime.now(UTC).isoformat(),
        "actor": f"{getpass.getuser()}@{socket.gethostname()}",
        "action": action,
        "reason": reason,
        "letter_id": letter.id,
        "stream": letter.letter.stream,
        "entry_id": letter.letter.entry_id,
        "attempts": letter.letter.attempts,
        "error": letter.letter.error,
        "sha256": hashlib.sha256(letter.original).hexdigest(),
        **letter.named,
    }
    done: Any = redis.eval(
        _SETTLE,
        3,
        letter.stream,
        # By the stream that it lies on, not by what it says of itself.
        letter.stream.removesuffix(".dead"),
        f"{letter.stream}.audit",
        letter.id,
        EVENT_FIELD,
        json.dumps(line),
        letter.original,
        action,
    )
    return bool(done)


def _row(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        **letter.letter.model_dump(mode="json", exclude={"original_base64"}),
        **letter.named,
        "bytes": len(letter.original),
    }


def _table(found: list[Letter]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("id", "stream", "claim", "attempts", "error", "given up"):
        table.add_column(title, justify="right" if title == "attempts" else "left", no_wrap=title == "id")
    for each in found:
        table.add_row(
            each.id,
            each.letter.stream,
            each.named["claim_id"] or "?",
            str(each.letter.attempts),
            each.letter.error,
            f"{each.letter.given_up_at:%Y-%m-%d %H:%M}",
        )
    return table


def _with(redis_url: str, work: Callable[["Redis"], int]) -> int:
    try:
        with client_for(redis_url) as redis:
            return work(redis)
    except ValueError as error:
        errors.print(f"[bold red]palpate:[/] {error}", soft_wrap=True, highlight=False)
    except ResponseError as error:
        # Its text may quote an event.
        errors.print(f"[bold red]palpate:[/] Redis refuses it ({reason_of(error)}); this letter stays where it is")
    except (RedisError, OSError) as error:
        errors.print(f"[bold red]palpate:[/] cannot reach Redis ({type(error).__name__})")
    return FAILED


def span(text: str) -> timedelta:
    """A span of time such as `90s`, `30m`, `12h` or `7d`.

    Raises:
        ValueError: it is none.
    """
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if text[-1:] not in units or not text[:-1].isdigit():
        raise ValueError(f"{text!r} is no span of time; write 90s, 30m, 12h or 7d")
    return timedelta(**{units[text[-1]]: int(text[:-1])})
