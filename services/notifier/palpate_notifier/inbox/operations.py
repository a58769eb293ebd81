"""The operations view: what is sent and what is not.  No case, no claim and no practice is on it."""

from sqlalchemy import func, select
from starlette.responses import Response

from palpate_notifier.inbox.web import Asked
from palpate_notifier.tables import Delivery, DisabledChannel, OutgoingEvent


async def operations(asked: Asked) -> Response:
    """The page."""
    sent = await asked.session.execute(
        select(Delivery.channel, Delivery.status, func.count())
        .group_by(Delivery.channel, Delivery.status)
        .order_by(Delivery.channel, Delivery.status)
    )
    disabled = await asked.session.scalars(select(DisabledChannel).order_by(DisabledChannel.since))
    waiting = await asked.session.scalar(
        select(func.count()).select_from(OutgoingEvent).where(OutgoingEvent.published_at.is_(None))
    )
    await asked.saw("list/operations")
    return asked.page(
        "operations.html",
        sent=[tuple(row) for row in sent],
        disabled=list(disabled),
        waiting=waiting or 0,
        zone=asked.inbox.directory.zone_of(asked.visitor.person),
    )
