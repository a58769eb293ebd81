"""Live cases of which nobody has been told: a message that a server took, or somebody who acted, is what counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier.cases import LIVE, errors
from palpate_notifier.notices import NoticeStatus
from palpate_notifier.outbox import DeliveryStatus
from palpate_notifier.preferences import Quiet, silenced_until
from palpate_notifier.silences import in_force
from palpate_notifier.tables import CaseRow, Delivery, DeliveryCase, Notice
from palpate_schemas.finding import Finding

LONG = timedelta(days=1)
"""Quiet hours, digests and storms end in the morning: what waits for longer waits for somebody to look."""

NOBODY = "nobody was told"
WAITS = "waits to be told for more than a day"
STUCK = "its message is on its way for more than a day"


@dataclass(frozen=True, slots=True)
class Untold:
    """A case that somebody should look at."""

    what: str
    reference: str
    claim_id: str


async def untold_cases(session: AsyncSession, now: datetime) -> list[Untold]:
    """Live cases of which nobody was told though nothing is on its way, or of which something is on its way too long.

    What a silence holds back is no fault.
    """
    rows = await session.execute(
        select(CaseRow.id, CaseRow.reference, CaseRow.claim_id, CaseRow.first_reaction_at).where(
            CaseRow.status.in_(LIVE)
        )
    )
    sent = set(await session.scalars(_cases_with(DeliveryStatus.SENT).where(Delivery.sent_at >= CaseRow.opened_at)))
    notices = [(row.Notice, row.CaseRow) for row in await session.execute(_waiting())]
    waits = {about.case_id for about, _ in notices}
    silences = [
        Quiet(row.ends_at, row.practice, row.person, row.rule, row.family) for row in await in_force(session, now)
    ]
    late = {
        case.id for about, case in notices if about.created_at < now - LONG and not _is_silenced(about, case, silences)
    }
    moving = _cases_with(DeliveryStatus.QUEUED, DeliveryStatus.SENDING)
    on_its_way = set(await session.scalars(moving))
    stuck = set(await session.scalars(moving.where(Delivery.created_at < now - LONG)))
    found: list[Untold] = []
    for row in rows:
        told = row.id in sent or row.first_reaction_at is not None
        if not told and row.id not in waits | on_its_way:
            found.append(Untold(NOBODY, row.reference, row.claim_id))
        if row.id in late:
            found.append(Untold(WAITS, row.reference, row.claim_id))
        if row.id in stuck:
            found.append(Untold(STUCK, row.reference, row.claim_id))
    return found


def _cases_with(*statuses: DeliveryStatus) -> Select[str]:
    """The live cases that messages in these states tell of."""
    return (
        select(DeliveryCase.case_id)
        .join(Delivery, Delivery.id == DeliveryCase.delivery_id)
        .join(CaseRow, CaseRow.id == DeliveryCase.case_id)
        .where(Delivery.status.in_(statuses), CaseRow.status.in_(LIVE))
    )


def _waiting() -> Select[Notice, CaseRow]:
    return (
        select(Notice, CaseRow)
        .join(CaseRow, CaseRow.id == Notice.case_id)
        .where(Notice.status == NoticeStatus.WAITING, CaseRow.status.in_(LIVE))
    )


def _is_silenced(about: Notice, case: CaseRow, silences: Sequence[Quiet]) -> bool:
    faults = errors(Finding.model_validate(finding) for finding in case.findings) if silences else ()
    until = silenced_until(
        silences,
        practice=case.practice,
        person=about.person,
        faults=[(finding.rule, finding.family) for finding in faults],
    )
    return until is not None
