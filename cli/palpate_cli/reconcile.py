"""`palpate reconcile`: what was created, what was judged and what became a case, held against each other.

Every gap is named.  What is still there to be read can be asked for again; what is gone has to come from the sender.

The services go on meanwhile.  How far they are is therefore asked first, and what they have written down afterwards:
what was finished by then is there to be found, and nothing that they finish later is taken for a gap.
"""

import asyncio
import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json
from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rich.console import Console
from sqlalchemy import select

from palpate_cli.dlq import Filters, letters
from palpate_notifier.database import AWAY, open_database
from palpate_notifier.tables import CaseRow, ClaimHead
from palpate_notifier.untold import untold_cases
from palpate_runtime.commit import STREAM_OR_NOTHING
from palpate_runtime.retention import look
from palpate_runtime.servers import client_for
from palpate_schemas.events import ClaimFailed, ClaimPassed
from palpate_schemas.streams import (
    CLAIMS_CREATED,
    CLAIMS_FAILED,
    CLAIMS_PASSED,
    CLAIMS_REJECTED,
    EVENT_FIELD,
    READERS,
    dead,
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
    again: "Again | None" = None
    """How it can be asked for again."""


@dataclass(frozen=True, slots=True)
class Again:
    """An event that is still there."""

    stream: str
    entry_id: str
    event: bytes
    in_the_way: str | None = None
    """The key that would have it taken for a repeat."""


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
    heads: dict[Key, tuple[int, datetime]] = field(default_factory=dict)
    """Version and moment of the last verdict of each claim, by the database."""


def reconcile(
    redis_url: str,
    database_url: str | None,
    partitions: tuple[int | None, ...],
    *,
    expected: Path | None,
    request: bool,
    as_json: bool,
) -> int:
    """Compare and print; returns 0 when everything adds up, 1 when not, 2 when Redis or the database is away."""
    account = Account()
    try:
        with client_for(redis_url, timeout_s=60) as redis:
            standings = _standings(redis, partitions)
            for partition in partitions:
                _answers(redis, partition, account)
            if database_url:
                asyncio.run(_cases(database_url, standings, account))
            for partition in partitions:
                _created(redis, partition, standings, account)
            _books(redis, partitions, account)
            if expected is not None:
                account.gaps += _missing(expected, account)
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
            # Of one that was asked for again, the last.
            if newest is None or newest[:2] <= (verdict.version, verdict.judged_at):
                account.judged[key] = (verdict.version, verdict.judged_at, name, entry_id, raw)
    for _, raw in _entries(redis, partitioned(CLAIMS_REJECTED, partition)):
        account.counts[CLAIMS_REJECTED] += 1
        data = _object(_object(raw).get("data"))
        source = _object(data.get("source_event"))
        if source:
            account.answered.add((str(source.get("source")), str(source.get("id"))))
        account.answered.add(("", str(data.get("stream_entry"))))


def _created(redis: "Redis", partition: int | None, standings: "Standings", account: Account) -> None:
    stream = partitioned(CLAIMS_CREATED, partition)
    standing = standings[stream]
    fates = {
        each.letter.entry_id: "buried" for each in letters(redis, Filters(CLAIMS_CREATED, limit=10**9), (partition,))
    }
    rows = [_Row.of(entry_id, raw) for entry_id, raw in _entries(redis, stream)]
    # After the letters: one that leaves the dead stream has its line here.
    fates |= _settled(redis, stream)
    coming = {(row.source, row.event_id) for row in rows if not standing.finished(row.entry_id)}
    for row in rows:
        account.created.add((row.claim_id, row.version))
        account.counts["created"] += 1
        if (fate := _fate(row, stream, standing, fates, account)) is not None:
            account.counts[fate] += 1
        elif (row.source, row.event_id) in coming:
            account.counts["sent or asked for again, and waiting"] += 1
        else:
            in_the_way = seen_key(partition, row.source, row.event_id)
            again = Again(stream, row.entry_id, row.raw, in_the_way)
            account.gaps.append(Gap("finished without a verdict", stream, row.says, again))


def _fate(row: "_Row", stream: str, standing: "_Standing", fates: Mapping[str, str], account: Account) -> str | None:
    """What became of an entry; None when nobody knows."""
    if not standing.finished(row.entry_id):
        return "waiting or in hand"
    if row.entry_id in fates:
        return fates[row.entry_id]
    if (row.source, row.event_id) in account.answered or ("", f"{stream}/{row.entry_id}") in account.answered:
        return "answered"
    key = (row.source, row.claim_id)
    newest = account.judged.get(key)
    if newest is not None and newest[0] > row.version:
        return "older than a version already judged"
    if key in account.heads and account.heads[key][0] >= row.version:
        return "judged long ago, by the database"
    return None


@dataclass(frozen=True, slots=True)
class _Row:
    """One entry of `claims.created`, by its ids."""

    entry_id: str
    source: str
    event_id: str
    claim_id: str
    version: int
    raw: bytes

    @classmethod
    def of(cls, entry_id: str, raw: bytes) -> "_Row":
        event = _object(raw)
        data = _object(event.get("data"))
        version = data.get("version", 1)
        return cls(
            entry_id,
            str(event.get("source")),
            str(event.get("id")),
            str(data.get("claim_id")),
            version if isinstance(version, int) else 1,
            raw,
        )

    @property
    def says(self) -> str:
        return f"{self.claim_id} version {self.version}, event {self.event_id} of {self.source}, entry {self.entry_id}"


def _settled(redis: "Redis", stream: str) -> dict[str, str]:
    """What somebody decided of dead letters, by the entry that they were."""
    names = {"replay": "given up and sent again", "drop": "given up and dropped"}
    lines = (_object(raw) for _, raw in _entries(redis, f"{dead(stream)}.audit"))
    return {str(line.get("entry_id")): names.get(str(line.get("action")), "given up") for line in lines}


Standings = Mapping[str, "_Standing"]


def _standings(redis: "Redis", partitions: Sequence[int | None]) -> Standings:
    """How far every group of ours is."""
    return {
        name: _standing(redis, name, groups[0])
        for stream, groups in READERS.items()
        if groups
        for name in (partitioned(stream, partition) for partition in partitions)
    }


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


async def _cases(database_url: str, standings: Standings, account: Account) -> None:
    """Verdicts that the notifier has finished, and what the database has of them."""
    engine, sessions = open_database(database_url)
    try:
        async with sessions() as session:
            rows = (await session.execute(select(ClaimHead))).scalars().all()
            heads = {(head.source, head.claim_id): (head.version, head.judged_at) for head in rows}
            cases = {(case.source, case.claim_id): case for case in (await session.scalars(select(CaseRow))).all()}
            untold = await untold_cases(session, datetime.now(UTC))
    except AWAY as error:
        raise ValueError(f"the case database does not answer ({type(error).__name__})") from error
    finally:
        await engine.dispose()
    account.heads = heads
    account.counts["claims in the database"], account.counts["cases"] = len(heads), len(cases)
    for (source, claim_id), (version, judged_at, stream, entry_id, raw) in account.judged.items():
        if not standings[stream].finished(entry_id):
            account.counts["verdicts waiting or in hand"] += 1
            continue
        head = heads.get((source, claim_id))
        name = f"{claim_id} version {version} of {source}, entry {entry_id}"
        if head is None or head < (version, judged_at):
            account.gaps.append(Gap("verdict not in the database", stream, name, Again(stream, entry_id, raw)))
        elif head == (version, judged_at) and stream.startswith(CLAIMS_FAILED) and (source, claim_id) not in cases:
            account.gaps.append(Gap("failed without a case", stream, name))
    for each in untold:
        account.gaps.append(Gap(each.what, "cases", f"case {each.reference}, claim {each.claim_id}"))


def _missing(expected: Path, account: Account) -> list[Gap]:
    """What a sender says it has sent, and nobody here has seen."""
    known = {(claim_id, version) for (_, claim_id), (version, *_) in account.judged.items()} | account.created
    newest: dict[str, int] = {}
    for (_, claim_id), (version, _when) in account.heads.items():
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


_AGAIN = (
    STREAM_OR_NOTHING
    + """
-- KEYS: stream, where it is remembered who was asked for, what stands in the way (the stream itself for nothing).
-- ARGV: field, event, how long to remember
-- Somebody else who has found the same gap may have been faster, and the claim been judged since.
local wrong = not_a_stream(KEYS[1])
if wrong then return wrong end
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[3]) then return 0 end
if KEYS[3] ~= KEYS[1] then redis.call('DEL', KEYS[3]) end
redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2])
return 1
"""
)
REMEMBERED_S = 7 * 86_400


def _ask_again(redis: "Redis", gaps: Sequence[Gap]) -> int:
    """Publish again what is still there, once for each gap, whoever asks; returns how many."""
    return sum(_asked(redis, gap.again) for gap in gaps if gap.again is not None)


def _asked(redis: "Redis", again: Again) -> int:
    # The stream's name has the partition's tag, so that all keys lie in its slot.
    keys = (again.stream, f"palpate:asked:{again.stream}:{again.entry_id}", again.in_the_way or again.stream)
    done: Any = redis.eval(_AGAIN, len(keys), *keys, EVENT_FIELD, again.event, REMEMBERED_S)
    return int(done)


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
