"""The outbox: leases, fences, retries, and what is not known."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from palpate_notifier.database import Sessions
from palpate_notifier.directory import Directory
from palpate_notifier.dispatcher import Dispatcher
from palpate_notifier.outbox import (
    MOST_DEATHS,
    DeliveryStatus,
    LeaseLost,
    Next,
    RetryPolicy,
    after,
    hand_over,
    lease,
    settle,
)
from palpate_notifier.recorder import Recorder
from palpate_notifier.sender import Sender
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import Delivery
from palpate_runtime.attempt import Attempt, Sent
from tests.conftest import MailSink
from tests.notifier.conftest import Acks, Clock
from tests.notifier.verdicts import FIRST, entry, failed

POLICY = RetryPolicy(first=timedelta(seconds=5), longest=timedelta(minutes=1), give_up_after=timedelta(hours=1))
LEASE = timedelta(seconds=120)


def decided(sent: Sent, **changes: Any) -> Next:
    facts: dict[str, Any] = {"attempts": 1, "resent": 0, "age": timedelta(0), "policy": POLICY, "now": FIRST}
    return after(Attempt(sent), **(facts | changes))


def test_what_was_accepted_is_sent() -> None:
    assert decided(Sent.ACCEPTED) == Next(DeliveryStatus.SENT)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 10), (4, 40), (5, 60), (60, 60)])
def test_waits_double_up_to_the_longest(attempts: int, seconds: int) -> None:
    assert decided(Sent.LATER, attempts=attempts).at == FIRST + timedelta(seconds=seconds)


def test_what_a_server_refuses_is_not_tried_again() -> None:
    assert decided(Sent.REFUSED).status is DeliveryStatus.FAILED


def test_a_message_too_old_is_given_up() -> None:
    assert decided(Sent.LATER, age=timedelta(minutes=59)).status is DeliveryStatus.QUEUED
    assert decided(Sent.LATER, age=timedelta(hours=1)).status is DeliveryStatus.FAILED


def test_what_is_not_known_is_sent_again_once() -> None:
    assert (decided(Sent.UNKNOWN).status, decided(Sent.UNKNOWN).resent) == (DeliveryStatus.QUEUED, 1)
    assert decided(Sent.UNKNOWN, resent=1).status is DeliveryStatus.UNKNOWN


@pytest.fixture
async def queued(recorder: Recorder, dispatcher: Dispatcher, clock: Clock, acks: Acks) -> None:
    await recorder.record([entry(failed("units-total-over"), 1)], acks, "notifier")  # type: ignore[arg-type]
    clock.forward(minutes=2)
    assert await dispatcher.dispatch_due() == 1


@pytest.fixture
def sender(sessions: Sessions, directory: Directory, clock: Clock, mail_sink: MailSink, queued: None) -> Sender:
    settings = NotifierSettings(smtp_port=mail_sink.port, mail_domain="palpate.test", smtp_timeout_s=5)
    return Sender(sessions, directory, settings, clock)


async def deliveries(sessions: Sessions) -> list[Delivery]:
    async with sessions() as session:
        return list((await session.scalars(select(Delivery).order_by(Delivery.created_at, Delivery.id))).all())


async def test_nobody_else_gets_a_leased_message(sessions: Sessions, clock: Clock, queued: None) -> None:
    async with sessions.begin() as session:
        assert len((await lease(session, count=5, now=clock(), length=LEASE)).taken) == 1
    async with sessions.begin() as session:
        assert len((await lease(session, count=5, now=clock(), length=LEASE)).taken) == 0


async def test_a_sender_that_died_is_followed_once_and_its_late_result_does_not_count(
    sessions: Sessions, clock: Clock, queued: None
) -> None:
    async with sessions.begin() as session:
        [first] = (await lease(session, count=5, now=clock(), length=LEASE)).taken
        await hand_over(session, first, until=clock() + LEASE)
    clock.forward(seconds=121)
    async with sessions.begin() as session:
        [second] = (await lease(session, count=5, now=clock(), length=LEASE)).taken
    assert (second.id, second.resent, second.message_id) == (first.id, 1, first.message_id)
    async with sessions.begin() as session:
        assert not await settle(session, first, Next(DeliveryStatus.SENT), Attempt(Sent.ACCEPTED), clock())
    async with sessions.begin() as session:
        assert await settle(session, second, Next(DeliveryStatus.SENT), Attempt(Sent.ACCEPTED), clock())
    assert [delivery.status for delivery in await deliveries(sessions)] == ["sent"]


async def die_with_it(sessions: Sessions, clock: Clock, *, handed_over: bool) -> None:
    """Lease what is due, and be gone until the lease has run out."""
    async with sessions.begin() as session:
        for delivery in (await lease(session, count=5, now=clock(), length=LEASE)).taken:
            if handed_over:
                await hand_over(session, delivery, until=clock() + LEASE)
    clock.forward(seconds=121)


async def test_a_second_death_leaves_it_unknown_and_the_manager_is_told(
    sender: Sender, sessions: Sessions, clock: Clock, mail_sink: MailSink
) -> None:
    for _ in range(2):
        await die_with_it(sessions, clock, handed_over=True)
    await sender.send_due()
    await sender.send_due()
    [mail] = mail_sink.wait_for(1)
    assert mail["To"] == "pat@harbor.example"
    found = {each.kind: (each.status, each.last_error) for each in await deliveries(sessions)}
    assert found == {"notice": ("unknown", "sender died twice"), "undelivered": ("sent", None)}


async def test_a_sender_that_dies_before_it_hands_over_costs_nothing(
    sender: Sender, sessions: Sessions, clock: Clock, mail_sink: MailSink
) -> None:
    for _ in range(3):
        await die_with_it(sessions, clock, handed_over=False)
    await sender.send_due()
    assert len(mail_sink.wait_for(1)) == 1
    assert [(each.status, each.resent) for each in await deliveries(sessions)] == [("sent", 0)]


async def test_a_message_that_its_senders_die_of_is_given_up(
    sender: Sender, sessions: Sessions, clock: Clock, mail_sink: MailSink
) -> None:
    for _ in range(MOST_DEATHS + 1):
        await die_with_it(sessions, clock, handed_over=False)
    await sender.send_due()
    await sender.send_due()
    assert [mail["To"] for mail in mail_sink.wait_for(1)] == ["pat@harbor.example"]
    assert {each.kind: each.status for each in await deliveries(sessions)} == {
        "notice": "failed",
        "undelivered": "sent",
    }


async def test_whoever_has_lost_the_lease_hands_nothing_over(sessions: Sessions, clock: Clock, queued: None) -> None:
    async with sessions.begin() as session:
        [slow] = (await lease(session, count=5, now=clock(), length=LEASE)).taken
    clock.forward(seconds=121)
    async with sessions.begin() as session:
        assert len((await lease(session, count=5, now=clock(), length=LEASE)).taken) == 1
    async with sessions.begin() as session:
        with pytest.raises(LeaseLost):
            await hand_over(session, slow, until=clock() + LEASE)


async def test_handing_over_has_a_whole_lease_of_its_own(sessions: Sessions, clock: Clock, queued: None) -> None:
    """A server took a hundred seconds to agree to the recipient; nobody else sends the message while it is read."""
    async with sessions.begin() as session:
        [slow] = (await lease(session, count=5, now=clock(), length=LEASE)).taken
    clock.forward(seconds=100)
    async with sessions.begin() as session:
        await hand_over(session, slow, until=clock() + LEASE)
    clock.forward(seconds=100)
    async with sessions.begin() as session:
        assert (await lease(session, count=5, now=clock(), length=LEASE)).taken == []
    async with sessions.begin() as session:
        assert await settle(session, slow, Next(DeliveryStatus.SENT), Attempt(Sent.ACCEPTED), clock())


async def test_a_mail_arrives_with_its_own_id(sender: Sender, sessions: Sessions, mail_sink: MailSink) -> None:
    assert await sender.send_due() == 1
    [mail] = mail_sink.wait_for(1)
    [delivery] = await deliveries(sessions)
    assert mail["Message-ID"] == delivery.message_id
    assert mail["To"] == "ada@harbor.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_body(("plain",)) is not None
    assert mail.get_body(("html",)) is not None
    assert delivery.status == "sent"
    assert await sender.send_due() == 0


async def test_try_later_is_tried_later(sender: Sender, sessions: Sessions, mail_sink: MailSink, clock: Clock) -> None:
    mail_sink.answers = ["451 come back"]
    await sender.send_due()
    assert [(d.status, d.last_error) for d in await deliveries(sessions)] == [("queued", "451")]
    assert await sender.send_due() == 0
    clock.forward(seconds=6)
    await sender.send_due()
    assert len(mail_sink.wait_for(1)) == 1


async def test_a_refused_mail_tells_the_manager(sender: Sender, sessions: Sessions, mail_sink: MailSink) -> None:
    mail_sink.answers = ["550 no such user"]
    await sender.send_due()
    await sender.send_due()
    [mail] = mail_sink.wait_for(1)
    assert mail["To"] == "pat@harbor.example"
    assert "Ada Quist" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert sorted(d.status for d in await deliveries(sessions)) == ["failed", "sent"]


async def test_a_connection_cut_after_the_message_is_not_known_and_sent_once_more(
    sender: Sender, sessions: Sessions, mail_sink: MailSink, clock: Clock
) -> None:
    mail_sink.answers = ["drop"]
    await sender.send_due()
    clock.forward(seconds=6)
    await sender.send_due()
    first, second = mail_sink.wait_for(2)
    assert first["Message-ID"] == second["Message-ID"]
    assert [(d.status, d.resent) for d in await deliveries(sessions)] == [("sent", 1)]


@pytest.mark.usefixtures("queued")
async def test_a_server_that_is_away_costs_nothing_but_time(
    sessions: Sessions, directory: Directory, clock: Clock, closed_port: int, mail_sink: MailSink
) -> None:
    away = Sender(sessions, directory, NotifierSettings(smtp_port=closed_port, smtp_timeout_s=2), clock)
    for _ in range(4):
        await away.send_due()
        clock.forward(minutes=10)
    [delivery] = await deliveries(sessions)
    assert (delivery.status, delivery.resent, delivery.attempts) == ("queued", 0, 4)
    back = Sender(sessions, directory, NotifierSettings(smtp_port=mail_sink.port), clock)
    await back.send_due()
    assert len(mail_sink.wait_for(1)) == 1
