"""Addresses that bounced: written down when a server says so, taken back when somebody knows better."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier import audit
from palpate_notifier.tables import Delivery, DisabledChannel


async def bounced(session: AsyncSession, delivery: Delivery, reason: str, now: datetime) -> None:
    """Write an address down: nothing is sent to it any more."""
    await session.merge(
        DisabledChannel(
            channel=delivery.channel, address=delivery.address, person=delivery.person, reason=reason, since=now
        )
    )


async def enable(session: AsyncSession, person: str, *, actor: str, now: datetime) -> list[DisabledChannel]:
    """Use the addresses of somebody again, from the next message on; what was given up meanwhile is not sent again.

    Args:
        session: Open, in a transaction.
        person: Their id in the directory.
        actor: Who says so.
        now: When.

    Returns:
        What was taken back; nothing where none of theirs had bounced.
    """
    rows = list(await session.scalars(select(DisabledChannel).where(DisabledChannel.person == person)))
    for row in rows:
        await session.delete(row)
    if rows:
        # The address itself is in the directory; what the audit has to hold is whose and which, not where.
        detail = {"channels": sorted(row.channel for row in rows), "reasons": sorted({row.reason for row in rows})}
        await audit.record(
            session, actor=actor, action="enabled", about=f"addresses of {person}", at=now, detail=detail
        )
    return rows
