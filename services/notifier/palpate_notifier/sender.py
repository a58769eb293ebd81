"""Sends what is in the outbox, by e-mail, webhook or Apprise; a dead server stops nothing but its messages."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier.bounces import bounced
from palpate_notifier.channels import apprise, email, webhook
from palpate_notifier.database import Outage, Sessions
from palpate_notifier.directory import Channel, Directory
from palpate_notifier.messages import Named, names_claims, not_delivered
from palpate_notifier.outbox import (
    Address,
    DeliveryStatus,
    LeaseLost,
    RetryPolicy,
    addresses,
    after,
    hand_over,
    lease,
    queue,
    settle,
    usable,
)
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import CaseRow, Delivery, DeliveryCase
from palpate_notifier.waking import Wake
from palpate_runtime import metrics
from palpate_runtime.attempt import Attempt, Sent

log = structlog.stdlib.get_logger()

AT_ONCE = 20
LOOK_EVERY_S = 1.0


class Sender:
    """Leases due messages, sends them side by side, and writes down what became of each."""

    def __init__(
        self, sessions: Sessions, directory: Directory, settings: NotifierSettings, clock: Callable[[], datetime]
    ) -> None:
        self._sessions, self._directory, self._settings, self._clock = sessions, directory, settings, clock
        self._wake, self._round, self._stopping = Wake(), asyncio.Lock(), False
        self._outage = Outage()
        self._lease = timedelta(seconds=settings.lease_s)
        self._policy = RetryPolicy(
            first=timedelta(seconds=settings.retry_first_s),
            longest=timedelta(seconds=settings.retry_longest_s),
            give_up_after=timedelta(seconds=settings.give_up_after_s),
        )

    def wake(self) -> None:
        """Something was queued: look now rather than in a second."""
        self._wake.call()

    async def drain(self) -> None:
        """Begin no more messages, and let those finish that are on their way: cut off, they would be sent again."""
        self._stopping = True
        async with self._round:
            return

    async def run(self) -> None:
        """Send until drained."""
        while not self._stopping:
            self._wake.listen()
            busy = 0
            with self._outage.waited_for():
                async with self._round:
                    busy = await self.send_due()
            if not busy:
                await self._wake.rest(LOOK_EVERY_S)

    async def send_due(self) -> int:
        """Send one round of what is due; returns how many messages were tried."""
        now = self._clock()
        async with self._sessions.begin() as session:
            leased = await lease(session, count=AT_ONCE, now=now, length=self._lease)
            for delivery in leased.given_up:
                await self._tell_the_manager(session, delivery, now, disabled=False)
        for delivery in leased.given_up:
            self._say(delivery, DeliveryStatus(delivery.status), delivery.last_error)
        # Each to its end, even if one breaks: one that is left behind would be sent again.
        ends = await asyncio.gather(*(self._send(delivery) for delivery in leased.taken), return_exceptions=True)
        if broken := next((end for end in ends if isinstance(end, BaseException)), None):
            raise broken
        return len(leased.taken) + len(leased.given_up)

    async def _send(self, delivery: Delivery) -> None:
        try:
            attempt = await self._attempt(delivery)
        except LeaseLost:
            log.warning("message_not_sent", delivery_id=delivery.id, channel=delivery.channel, status="lease lost")
            return
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
            if ours and attempt.bounced:
                await bounced(session, delivery, attempt.detail or "refused", now)
            if ours and result.status in {DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN}:
                await self._tell_the_manager(session, delivery, now, disabled=attempt.bounced)
        self._say(delivery, result.status, attempt.detail, ours=ours)

    async def _attempt(self, delivery: Delivery) -> Attempt:
        async def handing_over() -> None:
            async with self._sessions.begin() as session:
                await hand_over(session, delivery, until=self._clock() + self._lease)

        if delivery.channel == Channel.EMAIL:
            return await email.send(delivery, self._settings, handing_over)
        await handing_over()
        person = self._directory.people.get(delivery.person)
        if person is None:
            return Attempt(Sent.REFUSED, "not in the directory any more")
        if delivery.channel == Channel.APPRISE:
            return await apprise.send(delivery, person)
        if person.webhook is None:
            return Attempt(Sent.REFUSED, "has no webhook any more")
        return await webhook.send(delivery, person.webhook, self._settings, self._clock())

    async def _tell_the_manager(
        self, session: AsyncSession, delivery: Delivery, now: datetime, *, disabled: bool
    ) -> None:
        """One message a practice: whoever manages one hears of its cases, and of no other's."""
        if delivery.kind == "undelivered":
            # There is nobody further to tell; the log and `palpate status` show it.
            return
        rows = await session.scalars(
            select(CaseRow)
            .join(DeliveryCase)
            .where(DeliveryCase.delivery_id == delivery.id)
            .order_by(CaseRow.practice, CaseRow.due_at, CaseRow.reference)
        )
        for practice, cases in groupby(rows.all(), key=attrgetter("practice")):
            await self._tell_one(session, delivery, practice, list(cases), disabled=disabled, now=now)

    async def _tell_one(
        self,
        session: AsyncSession,
        delivery: Delivery,
        practice: str,
        cases: Sequence[CaseRow],
        *,
        disabled: bool,
        now: datetime,
    ) -> None:
        manager = self._directory.manager_of(practice)
        reached = await usable(session, [*addresses(manager), Address(Channel.EMAIL, manager.email)])
        to = next((each for each in reached if each.value != delivery.address), None)
        if to is None:
            return
        person, url = self._directory.people.get(delivery.person), self._settings.inbox_url
        message = not_delivered(
            name=manager.name,
            practice=self._directory.practice_name(practice),
            cases=[Named(case.reference, case.claim_id) for case in cases],
            person=person.name if person is not None else delivery.person,
            channel=delivery.channel,
            disabled=disabled,
            inbox_url=url,
            in_full=names_claims(to.channel, url),
        )
        queue(
            session,
            manager,
            to,
            message,
            cases=[case.id for case in cases],
            practice=practice,
            kind="undelivered",
            mail_domain=self._settings.mail_domain,
            now=now,
        )
        self.wake()

    def _say(self, delivery: Delivery, became: DeliveryStatus, detail: str | None, *, ours: bool = True) -> None:
        metrics.DELIVERIES.labels(delivery.channel, became).inc()
        speak = log.info if became in {DeliveryStatus.SENT, DeliveryStatus.QUEUED} else log.error
        speak(
            "message_sent" if became is DeliveryStatus.SENT else "message_not_sent",
            delivery_id=delivery.id,
            channel=delivery.channel,
            status=str(became) if ours else "lease lost",
            attempts=delivery.attempts,
            **({"reason": detail} if detail else {}),
        )
