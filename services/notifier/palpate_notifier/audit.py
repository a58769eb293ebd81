"""The audit: who did or saw what, in a chain that shows when anything in it was changed or taken out.

Each entry's hash covers its own content and the hash before it.  The tables refuse UPDATE and DELETE; the chain shows
what somebody with the rights to drop that refusal has done.  Cutting off the end shows only against a hash that was
kept elsewhere: `palpate audit verify` prints the last one for that.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier.tables import AuditEntry

BEFORE_THE_FIRST = "0" * 64
# Any number, the same in every process: it stands for "the end of the chain" among PostgreSQL's advisory locks.
_END_OF_CHAIN = 5_170_914


async def record(
    session: AsyncSession,
    *,
    actor: str,
    action: str,
    about: str,
    at: datetime,
    detail: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add an entry, in the caller's transaction.

    Args:
        session: Open, in a transaction.
        actor: A person's id in the directory, or `palpate`.
        action: A verb in the past tense: `acknowledged`, `viewed`, `exported`.
        about: What it was done to: `case/<reference>`, `export`.
        at: When.
        detail: JSON; never PHI, never a token.
    """
    if session.get_bind().dialect.name == "postgresql":
        # SQLite has one writer at a time anyhow; here the next one waits for the hash before it.
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _END_OF_CHAIN})
    last = (
        await session.execute(
            select(AuditEntry.sequence, AuditEntry.hash).order_by(AuditEntry.sequence.desc()).limit(1)
        )
    ).first()
    sequence, previous = (last.sequence + 1, last.hash) if last is not None else (1, BEFORE_THE_FIRST)
    entry = AuditEntry(
        sequence=sequence,
        at=at,
        actor=actor,
        action=action,
        object=about,
        detail=dict(detail or {}),
        previous_hash=previous,
    )
    entry.hash = hash_of(entry)
    session.add(entry)
    await session.flush()
    return entry


def hash_of(entry: AuditEntry) -> str:
    """SHA-256 over an entry's content and the hash before it."""
    content = [
        entry.sequence,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.object,
        entry.detail,
        entry.previous_hash,
    ]
    text_of = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text_of.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a chain does not hold."""

    sequence: int
    why: str


def first_break(entries: Iterable[AuditEntry]) -> Broken | None:
    """The first entry, in order of sequence, that does not follow from the one before it; None when all do."""
    expected, previous = 1, BEFORE_THE_FIRST
    for entry in entries:
        if entry.sequence != expected:
            return Broken(expected, f"entry {expected} is not there")
        if entry.previous_hash != previous:
            return Broken(entry.sequence, "it does not follow from the entry before it")
        if entry.hash != hash_of(entry):
            return Broken(entry.sequence, "its content was changed")
        expected, previous = expected + 1, entry.hash
    return None
