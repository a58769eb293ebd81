"""Notices: somebody is to be told something about a case.  What waits together becomes one message a person."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier.cases import LIVE
from palpate_notifier.tables import CaseRow, Delivery, DeliveryCase, Notice


class Kind(StrEnum):
    """What a notice is about."""

    REQUESTED = "requested"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    DISPUTED = "disputed"
    REASSIGNED = "reassigned"


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
        case_id=case.id,
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


async def withdraw(session: AsyncSession, case_id: str, now: datetime, *, person: str | None = None) -> None:
    """Take back what waits to be told of a case (to one person, or to all): it closed, or is somebody else's now.

    A message that is queued already goes too, when every case in it has closed.
    """
    waiting = update(Notice).where(Notice.case_id == case_id, Notice.status == NoticeStatus.WAITING)
    if person is not None:
        waiting = waiting.where(Notice.person == person)
    await session.execute(waiting.values(status=NoticeStatus.CANCELLED, settled_at=now))
    if person is None:
        await session.flush()
        await session.execute(
            update(Delivery)
            .where(
                Delivery.status == "queued",
                Delivery.kind != "undelivered",
                Delivery.id.in_(select(DeliveryCase.delivery_id).where(DeliveryCase.case_id == case_id)),
                Delivery.id.not_in(
                    select(DeliveryCase.delivery_id)
                    .join(CaseRow, CaseRow.id == DeliveryCase.case_id)
                    .where(CaseRow.status.in_(LIVE))
                ),
            )
            .values(status="cancelled", leased_until=None)
        )
