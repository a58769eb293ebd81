"""Silences: for a time, and for a reason, nobody is told of something.  The cases are there all the same."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier import audit
from palpate_notifier.actions import LONGEST_TEXT, By, NotPossible
from palpate_notifier.tables import Silence

LONGEST = timedelta(days=30)


async def silence(
    session: AsyncSession,
    by: By,
    *,
    reason: str,
    ends_at: datetime,
    practice: str | None = None,
    person: str | None = None,
    rule: str | None = None,
    family: str | None = None,
) -> Silence:
    """Silence what fits all that is named, from now until it ends.

    Raises:
        NotPossible: it has no reason, no end to come, or names nothing and would silence everything.
    """
    now = by.clock()
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_TEXT:
        raise NotPossible("Say in a sentence why.")
    if not now < ends_at <= now + LONGEST:
        raise NotPossible(f"A silence ends, within {LONGEST.days} days.")
    if practice is None and person is None and rule is None and family is None:
        raise NotPossible("Say what is to be silent: a practice, a person, a rule or a family of rules.")
    made = Silence(
        id=str(uuid.uuid4()),
        practice=practice,
        person=person,
        rule=rule,
        family=family,
        reason=reason,
        created_by=by.actor,
        created_at=now,
        starts_at=now,
        ends_at=ends_at,
    )
    session.add(made)
    await audit.record(
        session,
        actor=by.actor,
        action="silenced",
        about=f"silence/{made.id}",
        at=now,
        detail={
            "practice": practice, "person": person, "rule": rule, "family": family, "ends_at": ends_at.isoformat()
        },
    )  # fmt: skip
    return made


async def end_silence(session: AsyncSession, silence_id: str, by: By) -> Silence:
    """End a silence now.  What it held back is told within a minute."""
    now = by.clock()
    made = await session.get(Silence, silence_id, with_for_update=True)
    if made is None or made.ends_at <= now:
        raise NotPossible("This silence has ended already.")
    made.ends_at = now
    await audit.record(session, actor=by.actor, action="ended a silence", about=f"silence/{made.id}", at=now)
    return made


async def in_force(session: AsyncSession, now: datetime) -> list[Silence]:
    """The silences of this moment, the one that ends first at the top."""
    rows = await session.scalars(
        select(Silence).where(Silence.starts_at <= now, Silence.ends_at > now).order_by(Silence.ends_at)
    )
    return list(rows)
