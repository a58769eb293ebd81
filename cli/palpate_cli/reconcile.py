"""`palpate reconcile`: what was created, what was judged and what became a case, held against each other.

Every gap is named.  What is still there to be read can be asked for again; what is gone has to come from the sender.
"""

import asyncio
import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json
from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rich.console import Console
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from palpate_cli.dlq import Filters, letters
from palpate_notifier.cases import LIVE
from palpate_notifier.database import open_database
from palpate_notifier.tables import CaseRow, ClaimHead, Notice
from palpate_runtime.retention import look
from palpate_runtime.servers import client_for
from palpate_schemas.events import ClaimFailed, ClaimPassed
from palpate_schemas.streams import (
    CLAIMS_CREATED,
    CLAIMS_FAILED,
    CLAIMS_PASSED,
    CLAIMS_REJECTED,
    EVENT_FIELD,
    NOTIFIER_GROUP,
    READERS,
    VALIDATOR_GROUP,
    partitioned,
)
from palpate_validator.app import seen_key

BALANCED, GAPS, UNREACHABLE = 0, 1, 2
AT_ONCE = 1_000
SHOWN = 20

console, errors = Console(), Console(stderr=True)

Key = tuple[str, str]
"""Source and claim number."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that does not add up."""

    kind: str
    stream: str
    what: str
    """The claim, entry or count that it is about; ids alone."""
    again: tuple[str, bytes, str | None] | None = None
    """How it can be asked for again: stream, event, and what stands in its way."""


@dataclass(slots=True)
class Account:
    """What was found."""

    counts: Counter[str] = field(default_factory=Counter)
    gaps: list[Gap] = field(default_factory=list)
    judged: dict[Key, tuple[int, datetime, str, str, bytes]] = field(default_factory=dict)
    """The newest verdict of each claim: version, when, stream, entry id, event."""
    answered: set[Key] = field(default_factory=set)
    """Source and event id of everything that was answered."""
    created: set[tuple[str, int]] = field(default_factory=set)
    """Claim number and version of everything that was created."""


def reconcile(
    redis_url: str,
    database_url: str | None,
    partitions: tuple[int | None, ...],
    *,
    expected: Path | None,
    request: bool,
    as_json: bool,
) -> int:
    """Compare and print; returns 0 when everything adds up, 1 when not, 2 when Redis cannot be reached."""
    account = Account()
    try:
        with client_for(redis_url, timeout_s=60) as redis:
            for partition in partitions:
                _answers(redis, partition, account)
            for partition in partitions:
                _created(redis, partition, account)
            _books(redis, partitions, account)
            heads = asyncio.run(_cases(redis, database_url, partitions, account)) if database_url else {}
            if expected is not None:
                account.gaps += _missing(expected, account, heads)
            again = _ask_again(redis, account.gaps) if request else 0
    except (RedisError, ValueError, OSError) as error:
        errors.print(f"[bold red]palpate:[/] {error if isinstance(error, ValueError) else type(error).__name__}")
        return UNREACHABLE
    _print(account, again, request=request, as_json=as_json)
    return GAPS if account.gaps else BALANCED


def _entries(redis: "Redis", stream: str) -> Iterator[tuple[str, bytes]]:
    start = "-"
    while True:
        entries: Any = redis.xrange(stream, start, "+", count=AT_ONCE)
        for entry_id, fields in entries:
            yield entry_id.decode(), fields.get(EVENT_FIELD, b"")
        if len(entries) < AT_ONCE:
            return
        start = f"({entries[-1][0].decode()}"


def _answers(redis: "Redis", partition: int | None, account: Account) -> None:
    for stream in (CLAIMS_PASSED, CLAIMS_FAILED):
        model = ClaimPassed if stream == CLAIMS_PASSED else ClaimFailed
        name = partitioned(stream, partition)
        for entry_id, raw in _entries(redis, name):
            account.counts[stream] += 1
            try:
                verdict = model.model_validate_json(raw).data
            except ValidationError:
                account.gaps.append(Gap("unreadable verdict", name, entry_id))
                continue
            account.answered.add((verdict.source_event.source, verdict.source_event.id))
            key = (verdict.source_event.source, verdict.claim_id)
            newest = account.judged.get(key)
            if newest is None or newest[:2] < (verdict.version, verdict.judged_at):
                account.judged[key] = (verdict.version, verdict.judged_at, name, entry_id, raw)
    for _, raw in _entries(redis, partitioned(CLAIMS_REJECTED, partition)):
        account.counts[CLAIMS_REJECTED] += 1
        data = _object(_object(raw).get("data"))
        source = _object(data.get("source_event"))
        if source:
            account.answered.add((str(source.get("source")), str(source.get("id"))))
        account.answered.add(("", str(data.get("stream_entry"))))


def _created(redis: "Redis", partition: int | None, account: Account) -> None:
    stream = partitioned(CLAIMS_CREATED, partition)
    standing = _standing(redis, stream, VALIDATOR_GROUP)
    buried = {each.letter.entry_id for each in letters(redis, Filters(CLAIMS_CREATED, limit=10**9), (partition,))}
    for entry_id, raw in _entries(redis, stream):
        event = _object(raw)
        data = _object(event.get("data"))
        source, event_id = str(event.get("source")), str(event.get("id"))
        claim_id, version = str(data.get("claim_id")), data.get("version", 1)
        version = version if isinstance(version, int) else 1
        account.created.add((claim_id, version))
        account.counts["created"] += 1
        if entry_id in buried:
            account.counts["buried"] += 1
        elif not standing.finished(entry_id):
            account.counts["waiting or in hand"] += 1
        elif (source, event_id) in account.answered or ("", f"{stream}/{entry_id}") in account.answered:
            account.counts["answered"] += 1
        elif (newest := account.judged.get((source, claim_id))) is not None and newest[0] > version:
            account.counts["older than a version already judged"] += 1
        else:
            stands_in_the_way = seen_key(partition, source, event_id)
            account.gaps.append(
                Gap(
                    "finished without a verdict",
                    stream,
                    f"{claim_id} version {version}, event {event_id} of {source}, entry {entry_id}",
                    (stream, raw, stands_in_the_way),
                )
            )


@dataclass(frozen=True, slots=True)
class _Standing:
    """How far a group is."""

    delivered: tuple[int, int]
    pending: frozenset[str]

    def finished(self, entry_id: str) -> bool:
        return _order(entry_id) <= self.delivered and entry_id not in self.pending


def _standing(redis: "Redis", stream: str, group: str) -> _Standing:
    try:
        groups: Any = redis.xinfo_groups(stream)
    except ResponseError:
        groups = []
    found = next((each for each in groups if each["name"] == group.encode()), None)
    if found is None:
        return _Standing((0, 0), frozenset())
    pending: set[str] = set()
    start = "-"
    while True:
        rows: Any = redis.xpending_range(stream, group, start, "+", AT_ONCE)
        pending |= {row["message_id"].decode() for row in rows}
        if len(rows) < AT_ONCE:
            return _Standing(_order(found["last-delivered-id"].decode()), frozenset(pending))
        start = f"({rows[-1]['message_id'].decode()}"


def _order(entry_id: str) -> tuple[int, int]:
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number or 0)


def _books(redis: "Redis", partitions: Sequence[int | None], account: Account) -> None:
    """What vanished unread, by the ledgers."""
    for stream, groups in READERS.items():
        for group in groups:
            for partition in partitions:
                name = partitioned(stream, partition)
                books = look(redis, name, group)
                if books is not None and books.vanished:
                    account.gaps.append(
                        Gap(
                            "vanished unread",
                            name,
                            f"{books.vanished} entries were taken away before the {group} read them "
                            "(a producer's MAXLEN, XDEL, XTRIM or an XACK by hand); the sender has to send them again",
                        )
                    )


async def _cases(
    redis: "Redis", database_url: str, partitions: Sequence[int | None], account: Account
) -> dict[Key, tuple[int, datetime]]:
    """Verdicts that the notifier has finished, and what the database has of them."""
    engine, sessions = open_database(database_url)
    try:
        async with sessions() as session:
            rows = (await session.execute(select(ClaimHead))).scalars().all()
            heads = {(head.source, head.claim_id): (head.version, head.judged_at) for head in rows}
            cases = {(case.source, case.claim_id): case for case in (await session.scalars(select(CaseRow))).all()}
            told = set((await session.scalars(select(Notice.case_id).distinct())).all())
    except DBAPIError as error:
        raise ValueError(f"the case database does not answer ({type(error).__name__})") from error
    finally:
        await engine.dispose()
    account.counts["claims in the database"], account.counts["cases"] = len(heads), len(cases)
    standing = {
        name: _standing(redis, name, NOTIFIER_GROUP)
        for stream in (CLAIMS_PASSED, CLAIMS_FAILED)
        for name in (partitioned(stream, partition) for partition in partitions)
    }
    for (source, claim_id), (version, judged_at, stream, entry_id, raw) in account.judged.items():
        if not standing[stream].finished(entry_id):
            account.counts["verdicts waiting or in hand"] += 1
            continue
        head = heads.get((source, claim_id))
        name = f"{claim_id} version {version} of {source}, entry {entry_id}"
        if head is None or head < (version, judged_at):
            account.gaps.append(Gap("verdict not in the database", stream, name, (stream, raw, None)))
        elif head == (version, judged_at) and stream.startswith(CLAIMS_FAILED) and (source, claim_id) not in cases:
            account.gaps.append(Gap("failed without a case", stream, name))
    for case in cases.values():
        if case.status in LIVE and case.id not in told:
            account.gaps.append(Gap("nobody was told", "cases", f"case {case.reference}, claim {case.claim_id}"))
    return heads


def _missing(expected: Path, account: Account, heads: dict[Key, tuple[int, datetime]]) -> list[Gap]:
    """What a sender says it has sent, and nobody here has seen."""
    known = {(claim_id, version) for (_, claim_id), (version, *_) in account.judged.items()} | account.created
    newest: dict[str, int] = {}
    for (_, claim_id), (version, _when) in heads.items():
        newest[claim_id] = max(version, newest.get(claim_id, 0))
    gaps = []
    for claim_id, version in _expected(expected):
        account.counts["expected"] += 1
        if (claim_id, version) not in known and newest.get(claim_id, 0) < version:
            gaps.append(Gap("never seen", expected.name, f"{claim_id} version {version}: the sender has to send it"))
    return gaps


def _expected(path: Path) -> Iterable[tuple[str, int]]:
    """Claim number and version, one a line: `CLM-1,2`; the version may be left out.

    Raises:
        ValueError: a line is neither; it is named.
    """
    with path.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.reader(lines), start=1):
            if not row or row[0].strip() in {"", "claim_id"}:
                continue
            version = row[1].strip() if len(row) > 1 else ""
            if version and not version.isdigit():
                raise ValueError(f"{path.name}: line {number}: {version!r} is no version")
            yield row[0].strip(), int(version or 1)


_AGAIN = """
-- KEYS: stream, what stands in the way (the stream itself for nothing).  ARGV: field, event
if KEYS[2] ~= KEYS[1] then redis.call('DEL', KEYS[2]) end
return redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2])
"""


def _ask_again(redis: "Redis", gaps: Sequence[Gap]) -> int:
    """Publish again what is still there.  A verdict that is recorded twice, or a claim judged twice, is no harm."""
    asked = 0
    for gap in gaps:
        if gap.again is not None:
            stream, event, in_the_way = gap.again
            redis.eval(_AGAIN, 2, stream, in_the_way or stream, EVENT_FIELD, event)
            asked += 1
    return asked


def _object(value: object) -> dict[str, Any]:
    if isinstance(value, bytes):
        try:
            value = from_json(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _print(account: Account, again: int, *, request: bool, as_json: bool) -> None:
    if as_json:
        gaps = [{"kind": gap.kind, "stream": gap.stream, "what": gap.what} for gap in account.gaps]
        print(json.dumps({"counts": account.counts, "gaps": gaps, "requested": again}, indent=2))
        return
    for name, count in account.counts.items():
        console.print(f"{count:>9}  {name}", highlight=False)
    by_kind = Counter(gap.kind for gap in account.gaps)
    for kind, count in by_kind.items():
        console.print(f"\n[bold red]{count} {kind}[/]", highlight=False)
        for gap in [gap for gap in account.gaps if gap.kind == kind][:SHOWN]:
            console.print(f"  {gap.stream}: {gap.what}", highlight=False, soft_wrap=True, markup=False)
        if count > SHOWN:
            console.print(f"  ... and {count - SHOWN} more (--format json shows all)")
    if not account.gaps:
        console.print("\nEverything adds up.")
    elif request:
        console.print(f"\n{again} asked for again.")
    elif any(gap.again for gap in account.gaps):
        console.print("\n--request asks again for what is still there.")
