"""The outbox: messages wait here until a server has taken them, and none is lost or sent for ever.

States: `queued` -> `sending` (under a lease) -> `sent`, `failed` (refused, or given up) or `unknown`.  When a sender
dies or loses its connection between giving a message over and knowing that it was accepted, the message is sent again
once, under the same Message-ID; after a second time of not knowing it stays `unknown`.  A sender that dies before it
began to hand the message over has sent nothing, and costs the message nothing.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier.directory import Channel, Person
from palpate_notifier.messages import Message
from palpate_notifier.tables import Delivery, DeliveryCase, DisabledChannel
from palpate_runtime.attempt import Attempt, Sent

MOST_DEATHS = 10
"""Of senders, before they handed a message over: one more, and the message is what they die of."""


class DeliveryStatus(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    """Every case that it was about closed before it went."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to wait between attempts, and when to stop."""

    first: timedelta
    longest: timedelta
    give_up_after: timedelta

    def wait(self, attempts: int) -> timedelta:
        """The wait after this many attempts: doubling from `first`, never beyond `longest`."""
        return min(self.longest, self.first * float(2 ** min(attempts - 1, 30)))


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of a message after an attempt."""

    status: DeliveryStatus
    at: datetime | None = None
    resent: int = 0


def after(attempt: Attempt, *, attempts: int, resent: int, age: timedelta, policy: RetryPolicy, now: datetime) -> Next:
    """Decide what follows an attempt.  Pure."""
    if attempt.sent is Sent.ACCEPTED:
        return Next(DeliveryStatus.SENT, resent=resent)
    if attempt.sent is Sent.REFUSED or age >= policy.give_up_after:
        return Next(DeliveryStatus.FAILED, resent=resent)
    if attempt.sent is Sent.UNKNOWN:
        if resent:
            return Next(DeliveryStatus.UNKNOWN, resent=resent)
        return Next(DeliveryStatus.QUEUED, at=now + policy.wait(attempts), resent=1)
    return Next(DeliveryStatus.QUEUED, at=now + policy.wait(attempts), resent=resent)


def after_a_death(*, still_ours: bool, resent: int, deaths: int, now: datetime) -> Next:
    """Decide what follows when a sender has died with a message in hand.  Pure.

    Args:
        still_ours: It had not begun to hand the message over.
        resent: How often the message was sent again because nobody knew whether it had arrived.
        deaths: How many senders have died with it, this one included.
        now: When.
    """
    if still_ours:
        return Next(DeliveryStatus.QUEUED if deaths <= MOST_DEATHS else DeliveryStatus.FAILED, at=now, resent=resent)
    if resent:
        return Next(DeliveryStatus.UNKNOWN, resent=resent)
    return Next(DeliveryStatus.QUEUED, at=now, resent=1)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message goes."""

    channel: Channel
    value: str
    """An e-mail address; a fingerprint of the URLs of a webhook or of Apprise, which are secrets."""


def queue(
    session: AsyncSession,
    person: Person,
    address: Address,
    message: Message,
    *,
    cases: Iterable[str],
    practice: str,
    kind: str,
    mail_domain: str,
    now: datetime,
) -> Delivery:
    """Put a message into the outbox, in the caller's transaction.

    Args:
        session: Open, in a transaction.
        person: Who is told.
        address: Where.
        message: What.
        cases: The ids of the cases that it is about.
        practice: Whose manager is told when it cannot be delivered.
        kind: `notice` or `undelivered`.
        mail_domain: The right-hand side of its Message-ID.
        now: When.
    """
    delivery_id = str(uuid.uuid4())
    delivery = Delivery(
        id=delivery_id,
        channel=address.channel,
        kind=kind,
        practice=practice,
        person=person.id,
        address=address.value,
        message_id=f"<{delivery_id}@{mail_domain}>",
        subject=message.subject,
        text=message.text,
        html=message.html,
        status=DeliveryStatus.QUEUED,
        attempts=0,
        fence=0,
        resent=0,
        next_attempt_at=now,
        created_at=now,
    )
    session.add(delivery)
    session.add_all(DeliveryCase(delivery=delivery, case_id=case_id) for case_id in dict.fromkeys(cases))
    return delivery


def addresses(person: Person, channels: Iterable[str] = ()) -> list[Address]:
    """Where somebody is reached: by these channels, else by those that they chose."""
    wanted = [Channel(channel) for channel in channels] or list(person.channels)
    return [Address(each, _value(person, each)) for each in dict.fromkeys(wanted)]


def _value(person: Person, channel: Channel) -> str:
    if channel is Channel.EMAIL:
        return person.email
    urls = [url.get_secret_value() for url in person.apprise]
    if channel is Channel.WEBHOOK:
        urls = [person.webhook.url] if person.webhook is not None else []
    return hashlib.sha256("\0".join(urls).encode()).hexdigest()[:16]


async def usable(session: AsyncSession, found: Iterable[Address]) -> list[Address]:
    """Those of some addresses that have not bounced."""
    return [
        address for address in found if await session.get(DisabledChannel, (address.channel, address.value)) is None
    ]


class LeaseLost(Exception):
    """It took so long that somebody else has the message now."""


@dataclass(frozen=True, slots=True)
class Leased:
    """What one look into the outbox found."""

    taken: Sequence[Delivery]
    given_up: Sequence[Delivery]
    """Their senders have died: it is not known whether they arrived, or no sender survives them."""


async def lease(session: AsyncSession, *, count: int, now: datetime, length: timedelta) -> Leased:
    """Take the messages that are due, for a while.  Nobody else gets them until the lease runs out."""
    due = (
        select(Delivery)
        .where(
            or_(
                (Delivery.status == DeliveryStatus.QUEUED) & (Delivery.next_attempt_at <= now),
                (Delivery.status == DeliveryStatus.SENDING) & (Delivery.leased_until <= now),
            )
        )
        .order_by(Delivery.next_attempt_at)
        .limit(count)
        .with_for_update(skip_locked=True)
    )
    taken: list[Delivery] = []
    given_up: list[Delivery] = []
    for delivery in (await session.scalars(due)).all():
        if delivery.status == DeliveryStatus.SENDING and not _survives(delivery, now):
            given_up.append(delivery)
            continue
        delivery.status, delivery.still_ours = DeliveryStatus.SENDING, True
        delivery.fence += 1
        delivery.attempts += 1
        delivery.leased_until = now + length
        taken.append(delivery)
    return Leased(taken, given_up)


def _survives(delivery: Delivery, now: datetime) -> bool:
    """Whether a message whose lease has run out is sent again; written down either way."""
    delivery.deaths += 1
    result = after_a_death(still_ours=delivery.still_ours, resent=delivery.resent, deaths=delivery.deaths, now=now)
    delivery.resent, delivery.leased_until = result.resent, None
    if result.status is DeliveryStatus.QUEUED:
        return True
    delivery.status = result.status
    delivery.last_error = "sender died twice" if result.status is DeliveryStatus.UNKNOWN else "its senders die"
    return False


async def hand_over(session: AsyncSession, delivery: Delivery, *, until: datetime) -> None:
    """Write down, before it is done, that a message is handed over: from here on it may have arrived.

    It begins a lease of its own: what came before, connecting and signing in, may have used up most of the first.

    Args:
        session: Open, in a transaction.
        delivery: The message.
        until: When nobody can still be handing it over.

    Raises:
        LeaseLost: somebody else has it; it must not be sent from here.
    """
    done = await session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.fence == delivery.fence)
        .values(still_ours=False, leased_until=until)
    )
    if not done.rowcount:  # type: ignore[attr-defined] # an UPDATE's result has one
        raise LeaseLost


async def settle(session: AsyncSession, delivery: Delivery, result: Next, attempt: Attempt, now: datetime) -> bool:
    """Write the result of an attempt; False when the lease was lost meanwhile and somebody else has the message."""
    done = await session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.fence == delivery.fence)
        .values(
            status=result.status,
            resent=result.resent,
            next_attempt_at=result.at or delivery.next_attempt_at,
            leased_until=None,
            last_error=attempt.detail,
            sent_at=now if result.status is DeliveryStatus.SENT else None,
        )
    )
    return bool(done.rowcount)  # type: ignore[attr-defined] # an UPDATE's result has one
