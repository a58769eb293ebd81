"""Sends what is in the outbox, by e-mail; a dead SMTP server stops nothing but this."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier.channels.email import send
from palpate_notifier.database import Sessions, is_away
from palpate_notifier.directory import Directory
from palpate_notifier.messages import not_delivered
from palpate_notifier.outbox import DeliveryStatus, Next, RetryPolicy, after, lease, queue, settle
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import CaseRow, Delivery, DeliveryCase
from palpate_runtime import metrics
from palpate_runtime.logs import describe

log = structlog.stdlib.get_logger()

AT_ONCE = 20
LOOK_EVERY_S = 1.0


class Sender:
    """Leases due messages, sends them side by side, and writes down what became of each."""

    def __init__(
        self, sessions: Sessions, directory: Directory, settings: NotifierSettings, clock: Callable[[], datetime]
    ) -> None:
        self._sessions, self._directory, self._settings, self._clock = sessions, directory, settings, clock
        self._wake = asyncio.Event()
        self._policy = RetryPolicy(
            first=timedelta(seconds=settings.retry_first_s),
            longest=timedelta(seconds=settings.retry_longest_s),
            give_up_after=timedelta(seconds=settings.give_up_after_s),
        )

    def wake(self) -> None:
        """Something was queued: look now rather than in a second."""
        self._wake.set()

    async def run(self) -> None:
        """Send for good."""
        while True:
            self._wake.clear()
            try:
                busy = await self.send_due()
            except DBAPIError as error:
                if not is_away(error):
                    raise
                log.warning("database_away", **describe(error))
                busy = 0
            if not busy:
                await self._rest()

    async def send_due(self) -> int:
        """Send one round of what is due; returns how many messages were tried."""
        now = self._clock()
        async with self._sessions.begin() as session:
            taken = await lease(session, count=AT_ONCE, now=now, length=timedelta(seconds=self._settings.lease_s))
        await asyncio.gather(*(self._send(delivery) for delivery in taken))
        return len(taken)

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S)
        except TimeoutError:
            return

    async def _send(self, delivery: Delivery) -> None:
        attempt = await send(delivery, self._settings)
        now = self._clock()
        result = after(
            attempt,
            attempts=delivery.attempts,
            resent=delivery.resent,
            age=now - delivery.created_at,
            policy=self._policy,
            now=now,
        )
        async with self._sessions.begin() as session:
            ours = await settle(session, delivery, result, attempt, now)
            if ours and result.status in {DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN}:
                case = await session.scalar(
                    select(CaseRow).join(DeliveryCase).where(DeliveryCase.delivery_id == delivery.id).limit(1)
                )
                if case is not None:
                    self._tell_the_manager(session, case, delivery, now)
        self._say(delivery, result, attempt.detail, ours=ours)

    def _tell_the_manager(self, session: AsyncSession, case: CaseRow, delivery: Delivery, now: datetime) -> None:
        manager = self._directory.manager_of(case.practice)
        if manager.email == delivery.address:
            # There is nobody further to tell; the log and `palpate status` show it.
            return
        person = self._directory.people.get(delivery.person)
        message = not_delivered(
            name=manager.name,
            practice=self._directory.practice_name(case.practice),
            reference=case.reference,
            claim_id=case.claim_id,
            person=person.name if person is not None else delivery.person,
        )
        queue(session, case, manager, message, mail_domain=self._settings.mail_domain, now=now)
        self.wake()

    def _say(self, delivery: Delivery, result: Next, detail: str | None, *, ours: bool) -> None:
        metrics.DELIVERIES.labels(delivery.channel, result.status).inc()
        speak = log.info if result.status in {DeliveryStatus.SENT, DeliveryStatus.QUEUED} else log.error
        speak(
            "message_sent" if result.status is DeliveryStatus.SENT else "message_not_sent",
            delivery_id=delivery.id,
            channel=delivery.channel,
            status=str(result.status) if ours else "lease lost",
            attempts=delivery.attempts,
            **({"reason": detail} if detail else {}),
        )
