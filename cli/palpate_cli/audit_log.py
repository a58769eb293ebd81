"""`palpate audit`: whether the audit holds together, and what it says."""

import asyncio
import json
import sys

from rich.console import Console
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from palpate_notifier.audit import first_break
from palpate_notifier.database import open_database
from palpate_notifier.tables import AuditEntry

HOLDS, BROKEN, UNREACHABLE = 0, 1, 2

console, errors = Console(), Console(stderr=True)


def verify_audit(database_url: str, *, until: str | None) -> int:
    """Check every link of the chain.

    Args:
        database_url: Where the cases are.
        until: A last hash that was kept elsewhere: the chain has to contain it, which shows that its end was not
            cut off since.
    """
    entries = asyncio.run(_entries(database_url))
    if entries is None:
        return UNREACHABLE
    broken = first_break(entries)
    if broken is not None:
        errors.print(f"[bold red]palpate:[/] the audit does not hold at entry {broken.sequence}: {broken.why}")
        return BROKEN
    if until is not None and until not in {entry.hash for entry in entries}:
        errors.print("[bold red]palpate:[/] the audit does not contain that hash: its end was cut off or made anew")
        return BROKEN
    last = entries[-1].hash if entries else "none"
    console.print(f"The audit holds: {len(entries)} entries.", highlight=False)
    console.print(f"The last hash, to keep elsewhere: {last}", highlight=False, soft_wrap=True)
    return HOLDS


def export_audit(database_url: str) -> int:
    """Every entry as a JSON line, in order, with its hashes: whoever has them can check the chain themselves."""
    entries = asyncio.run(_entries(database_url))
    if entries is None:
        return UNREACHABLE
    for entry in entries:
        line = {
            "sequence": entry.sequence,
            "at": entry.at.isoformat(timespec="microseconds"),
            "actor": entry.actor,
            "action": entry.action,
            "object": entry.object,
            "detail": entry.detail,
            "previous_hash": entry.previous_hash,
            "hash": entry.hash,
        }
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    return HOLDS


async def _entries(database_url: str) -> list[AuditEntry] | None:
    engine, sessions = open_database(database_url)
    try:
        async with sessions() as session:
            return list(await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)))
    except DBAPIError as error:
        errors.print(f"[bold red]palpate:[/] cannot read the audit ({type(error).__name__})")
        return None
    finally:
        await engine.dispose()
