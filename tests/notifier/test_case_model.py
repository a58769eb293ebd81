"""Cases and deliveries held against a model: verdicts in any order, senders that die, servers that say anything."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from palpate_cli.stack import EXAMPLE_DIRECTORY
from palpate_notifier.cases import LIVE
from palpate_notifier.database import migrate, open_database
from palpate_notifier.directory import load_directory
from palpate_notifier.dispatcher import Dispatcher
from palpate_notifier.outbox import DeliveryStatus, LeaseLost, RetryPolicy, after, hand_over, lease, settle
from palpate_notifier.recorder import Recorder
from palpate_notifier.routing import load_routes
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import CaseRow, Delivery, Notice
from palpate_runtime.attempt import Attempt, Sent
from palpate_schemas.verdict import ClaimVerdict
from tests.notifier.conftest import Acks, Clock
from tests.notifier.verdicts import entry, failed, later, passed, voided

LEASE = timedelta(seconds=120)
POLICY = RetryPolicy(first=timedelta(seconds=5), longest=timedelta(minutes=1), give_up_after=timedelta(days=3))
CLAIMS = st.sampled_from(["CLM-1", "CLM-2", "CLM-3"])
VERDICTS: dict[str, Callable[..., ClaimVerdict]] = {
    "pass": passed,
    "void": voided,
    "a": partial(failed, "rule-a"),
    "b": partial(failed, "rule-b"),
}


def has_something(machine: "CaseMachine") -> bool:
    """Whether a sender has a message in hand."""
    return bool(getattr(machine, "leased", ()))


class CaseMachine(RuleBasedStateMachine):
    """Everything that can happen to a case and its messages."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        (path / "directory.toml").write_text(EXAMPLE_DIRECTORY, "utf-8")
        directory = load_directory(path / "directory.toml")
        self.engine, self.sessions = open_database(f"sqlite+aiosqlite:///{path / 'cases.db'}")
        self.loop.run(migrate(self.engine))
        self.clock, self.number = Clock(), 0
        limits = NotifierSettings(mails_per_hour=100_000, storm_cases=100_000)
        routes = load_routes(None, directory)
        self.recorder = Recorder(self.sessions, directory, routes=routes, clock=self.clock, group_wait=timedelta(0))
        self.dispatcher = Dispatcher(self.sessions, directory, limits, self.clock)
        self.newest: dict[str, tuple[int, Any, str]] = {}
        self.leased: list[Delivery] = []
        self.handed_over: set[tuple[str, int]] = set()
        """Message and fence of every sender that may have given it to a server."""
        self.given: Counter[str] = Counter()
        """How often each message was given to a server that may have kept it."""

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.run(self.engine.dispose())
            self.loop.close()
            self.folder.cleanup()

    @rule(claim=CLAIMS, version=st.integers(1, 4), kind=st.sampled_from(sorted(VERDICTS)), late=st.integers(0, 3))
    def verdict_arrives(self, claim: str, version: int, kind: str, late: int) -> None:
        self.number += 1
        found = later(VERDICTS[kind](claim_id=claim, version=version), self.number - 10 * late)
        for _ in range(1 + self.number % 2):
            # Every other one is delivered twice.
            failures = self.loop.run(self.recorder.record([entry(found, self.number)], Acks(), "notifier"))  # type: ignore[arg-type]
            assert failures == {}
        before = self.newest.get(claim)
        if before is None or before[:2] < (version, found.judged_at):
            self.newest[claim] = (version, found.judged_at, kind)

    @rule()
    def dispatch(self) -> None:
        self.loop.run(self.dispatcher.dispatch_due())

    @rule(seconds=st.sampled_from([1, 10, 121]))
    def time_goes_by(self, seconds: int) -> None:
        self.clock.forward(seconds=seconds)

    @rule()
    def a_sender_leases(self) -> None:
        """Of what is written by then."""
        self.loop.run(self.dispatcher.dispatch_due())

        async def take() -> list[Delivery]:
            async with self.sessions.begin() as session:
                return list((await lease(session, count=2, now=self.clock(), length=LEASE)).taken)

        self.leased += self.loop.run(take())

    @precondition(has_something)
    @rule(data=st.data())
    def a_sender_hands_over(self, data: Any) -> None:
        self._hand_over(self.leased[data.draw(st.integers(0, len(self.leased) - 1))])

    def _hand_over(self, delivery: Delivery) -> bool:
        """Whether it may: whoever has lost the lease gives nothing to a server any more."""

        async def write() -> None:
            async with self.sessions.begin() as session:
                await hand_over(session, delivery, until=self.clock() + LEASE)

        if (delivery.id, delivery.fence) in self.handed_over:
            return True
        try:
            self.loop.run(write())
        except LeaseLost:
            self.leased = [each for each in self.leased if each is not delivery]
            return False
        self.handed_over.add((delivery.id, delivery.fence))
        self.given[delivery.id] += 1
        return True

    @precondition(has_something)
    @rule(answer=st.sampled_from(list(Sent)), data=st.data())
    def a_server_answers(self, answer: Sent, data: Any) -> None:
        """In time, or long after the lease has run out and somebody else has the message."""
        delivery = self.leased[data.draw(st.integers(0, len(self.leased) - 1))]
        if answer in {Sent.ACCEPTED, Sent.UNKNOWN} and not self._hand_over(delivery):
            return
        self.leased = [each for each in self.leased if each is not delivery]
        if answer in {Sent.LATER, Sent.REFUSED} and (delivery.id, delivery.fence) in self.handed_over:
            # The server has said that it did not keep it.
            self.given[delivery.id] -= 1
        now = self.clock()
        result = after(
            Attempt(answer),
            attempts=delivery.attempts,
            resent=delivery.resent,
            age=now - delivery.created_at,
            policy=POLICY,
            now=now,
        )

        async def write() -> bool:
            async with self.sessions.begin() as session:
                return await settle(session, delivery, result, Attempt(answer), now)

        self.loop.run(write())

    @precondition(has_something)
    @rule(data=st.data())
    def a_sender_dies(self, data: Any) -> None:
        """Handed over, its message may have arrived or not: nobody will ever know."""
        self.leased.pop(data.draw(st.integers(0, len(self.leased) - 1)))

    async def _all(self) -> tuple[list[CaseRow], list[Notice], list[Delivery]]:
        async with self.sessions() as session:
            return (
                list((await session.scalars(select(CaseRow))).all()),
                list((await session.scalars(select(Notice))).all()),
                list((await session.scalars(select(Delivery))).all()),
            )

    @invariant()
    def cases_are_what_the_newest_verdicts_ask_for(self) -> None:
        if not hasattr(self, "sessions"):
            return
        cases, notices, deliveries = self.loop.run(self._all())
        assert max(Counter(case.claim_id for case in cases).values(), default=0) <= 1
        live = {case.claim_id for case in cases if case.status in LIVE}
        assert live == {claim for claim, (_, _, kind) in self.newest.items() if kind in {"a", "b"}}
        for case in cases:
            about = [each.status for each in notices if each.case_id == case.id]
            if case.status in LIVE:
                # No alert is lost: it waits to be told, or has been put into a message.
                assert {"waiting", "told"} & set(about)
                assert case.rules == [f"rule-{self.newest[case.claim_id][2]}"]
            else:
                assert "waiting" not in about
        for delivery in deliveries:
            # Twice at most that nobody knew of, under one Message-ID, and never again once it is settled.
            assert delivery.resent <= 1
            assert delivery.message_id.startswith(f"<{delivery.id}@")
            if delivery.status == DeliveryStatus.SENT:
                assert self.given[delivery.id] >= 1
            assert self.given[delivery.id] <= 2
            if delivery.status == DeliveryStatus.UNKNOWN:
                assert len([each for each in self.handed_over if each[0] == delivery.id]) >= 2


@pytest.mark.timeout(120)
def test_cases_and_deliveries_do_what_their_model_says() -> None:
    run_state_machine_as_test(CaseMachine, settings=settings(max_examples=25, stateful_step_count=25, deadline=None))
