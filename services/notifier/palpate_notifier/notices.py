"""Notices: somebody is to be told something about a case.  What waits together becomes one message a person."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier.cases import LIVE
from palpate_notifier.tables import CaseRow, Delivery, DeliveryCase, Notice

_AT_ONCE = 400


class Kind(StrEnum):
    """What a notice is about."""

    REQUESTED = "requested"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    DISPUTED = "disputed"
    REASSIGNED = "reassigned"


OF_A_VERSION = frozenset({Kind.REQUESTED, Kind.REMINDER, Kind.REASSIGNED})
"""What a newer version of the claim says anew, to the same people.  What came up to somebody is not said again."""


class NoticeStatus(StrEnum):
    """Where a notice stands."""

    WAITING = "waiting"
    TOLD = "told"
    CANCELLED = "cancelled"
    """The case closed, or went to somebody else, before it was told."""


def notice(
    case: CaseRow,
    person: str,
    kind: Kind,
    *,
    why: str,
    now: datetime,
    not_before: datetime | None = None,
    channels: Iterable[str] = (),
    **detail: Any,  # noqa: ANN401 - JSON that the message shows
) -> Notice:
    """A notice that waits until `not_before`; add it to the session that changed the case."""
    return Notice(
        id=str(uuid.uuid4()),
        case=case,
        person=person,
        kind=kind,
        why=why,
        detail=detail,
        channels=list(channels),
        status=NoticeStatus.WAITING,
        created_at=now,
        not_before=not_before or now,
        settled_at=None,
    )


async def withdraw(
    session: AsyncSession,
    case_ids: Sequence[str],
    now: datetime,
    *,
    person: str | None = None,
    kinds: Iterable[Kind] = Kind,
) -> None:
    """Take back what waits to be told of some cases (to one person, or to all): closed, or somebody else's now.

    A message that is queued already goes too, when every case in it has closed.
    """
    await session.flush()
    for start in range(0, len(case_ids), _AT_ONCE):
        ids = case_ids[start : start + _AT_ONCE]
        waiting = update(Notice).where(
            Notice.case_id.in_(ids), Notice.status == NoticeStatus.WAITING, Notice.kind.in_(sorted(kinds))
        )
        if person is not None:
            waiting = waiting.where(Notice.person == person)
        await session.execute(waiting.values(status=NoticeStatus.CANCELLED, settled_at=now))
        if person is None:
            await _cancel_messages(session, ids)


async def _cancel_messages(session: AsyncSession, case_ids: Sequence[str]) -> None:
    about = select(DeliveryCase.delivery_id).where(DeliveryCase.case_id.in_(case_ids))
    queued = select(Delivery.id).where(
        Delivery.id.in_(about), Delivery.status == "queued", Delivery.kind != "undelivered"
    )
    found = set(await session.scalars(queued))
    if not found:
        return
    still_live = (
        select(DeliveryCase.delivery_id)
        .join(CaseRow, CaseRow.id == DeliveryCase.case_id)
        .where(DeliveryCase.delivery_id.in_(found), CaseRow.status.in_(LIVE))
    )
    empty = found - set(await session.scalars(still_live))
    if empty:
        await session.execute(
            update(Delivery)
            .where(Delivery.id.in_(empty), Delivery.status == "queued")
            .values(status="cancelled", leased_until=None)
        )
