"""Every course that three attempts at one message can take, on a real database, against what each must end in."""

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select

from palpate_notifier.database import Sessions
from palpate_notifier.directory import Channel, Directory
from palpate_notifier.messages import Message
from palpate_notifier.outbox import Address, LeaseLost, RetryPolicy, after, hand_over, lease, queue, settle
from palpate_notifier.tables import Delivery
from palpate_runtime.attempt import Attempt, Sent
from tests.notifier.conftest import Clock

LEASE = timedelta(seconds=120)
POLICY = RetryPolicy(first=timedelta(seconds=5), longest=timedelta(minutes=1), give_up_after=timedelta(days=3))
DIED_BEFORE, DIED_AFTER = "died before it handed the message over", "died after that"
STEPS = (*Sent, DIED_BEFORE, DIED_AFTER)
COURSES = list(product(STEPS, repeat=3))


def ends_in(course: tuple[str, ...]) -> str:
    """The model: where a message stands when the next sender has looked."""
    not_known = 0
    for step in course:
        if step == Sent.ACCEPTED:
            return "sent"
        if step == Sent.REFUSED:
            return "failed"
        not_known += step in {Sent.UNKNOWN, DIED_AFTER}
        if not_known == 2:
            return "unknown"
    return "sending"


async def test_every_course_of_three_attempts_ends_as_the_model_says(
    sessions: Sessions, directory: Directory, clock: Clock
) -> None:
    courses = await written(sessions, directory, clock)
    late: list[Delivery] = []
    for number in range(3):
        for delivery in await looked(sessions, clock):
            step = courses[delivery.id][number]
            if step in {DIED_BEFORE, DIED_AFTER}:
                late.append(delivery)
            await taken(sessions, delivery, step, clock)
        clock.forward(seconds=LEASE.total_seconds())
    await looked(sessions, clock)
    async with sessions() as session:
        found = {row.id: row for row in await session.scalars(select(Delivery))}
    assert {key: row.status for key, row in found.items()} == {key: ends_in(course) for key, course in courses.items()}
    assert {row.status for row in found.values()} == {"sent", "failed", "unknown", "sending"}
    assert max(row.resent for row in found.values()) == 1
    # A sender that was thought dead and comes back changes nothing where somebody else has had the message since.
    again = [delivery for delivery in late if found[delivery.id].fence > delivery.fence]
    assert len(again) > 50
    for delivery in again:
        assert not await taken(sessions, delivery, Sent.ACCEPTED, clock)
    async with sessions() as session:
        assert {row.id: row.status for row in await session.scalars(select(Delivery))} == {
            key: row.status for key, row in found.items()
        }


async def written(sessions: Sessions, directory: Directory, clock: Clock) -> dict[str, tuple[str, ...]]:
    """A message for each course, by its id."""
    ada, message = directory.people["ada"], Message("1 claim", "text", "<p>text</p>")
    async with sessions.begin() as session:
        return {
            queue(
                session, ada, Address(Channel.EMAIL, ada.email), message, cases=(), practice="1497758544",
                kind="notice", mail_domain="palpate.test", now=clock(),
            ).id: course
            for course in COURSES
        }  # fmt: skip


async def looked(sessions: Sessions, clock: Clock) -> list[Delivery]:
    async with sessions.begin() as session:
        return list((await lease(session, count=1_000, now=clock(), length=LEASE)).taken)


async def taken(sessions: Sessions, delivery: Delivery, step: str, clock: Clock) -> bool:
    """One sender takes one step; whether its result counted."""
    async with sessions.begin() as session:
        if step == DIED_BEFORE:
            return False
        try:
            await hand_over(session, delivery, until=clock() + LEASE)
        except LeaseLost:
            return False
        if step == DIED_AFTER:
            return False
        attempt = Attempt(Sent(step))
        result = after(
            attempt, attempts=delivery.attempts, resent=delivery.resent, age=clock() - delivery.created_at,
            policy=POLICY, now=clock(),
        )  # fmt: skip
        return await settle(session, delivery, result, attempt, clock())


@pytest.mark.parametrize(
    ("course", "end"),
    [
        ((Sent.LATER, Sent.LATER, Sent.ACCEPTED), "sent"),
        ((Sent.UNKNOWN, DIED_BEFORE, Sent.UNKNOWN), "unknown"),
        ((DIED_AFTER, Sent.LATER, DIED_AFTER), "unknown"),
        ((DIED_BEFORE, DIED_BEFORE, DIED_BEFORE), "sending"),
        ((Sent.UNKNOWN, Sent.REFUSED, Sent.ACCEPTED), "failed"),
    ],
)
def test_the_model_itself_by_hand(course: tuple[str, ...], end: str) -> None:
    assert ends_in(course) == end
