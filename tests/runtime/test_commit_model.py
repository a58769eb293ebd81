"""The commit held against a model: whatever is delivered to whom, taken over, committed late or again."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from redis.asyncio import Redis

from palpate_runtime.commit import Commit, Committed, Outcome, ledger_key
from palpate_runtime.consumer import _KEEP, _LEAVE
from palpate_runtime.retention import Retention

STREAM, GROUP, OUT = "claims.created", "validator", "claims.passed"
CONSUMERS = st.sampled_from(["a", "b", "c"])


class CommitMachine(RuleBasedStateMachine):
    """Entries are published, some twice; consumers read, hang, die, take over, hand back, leave, and commit what they
    believe is theirs."""

    url = ""
    entries = Bundle("entries")

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.Runner()
        self.redis: Any = Redis.from_url(self.url)
        self.do(self.redis.flushall())
        self.do(Retention(self.redis, STREAM, GROUP).create_group())
        self.commit = Commit(self.redis, STREAM, GROUP, dedupe_ttl_s=600, version_ttl_s=600)
        self.events: dict[str, tuple[str, str, int]] = {}
        self.held: dict[str, set[str]] = {"a": set(), "b": set(), "c": set()}
        self.owner: dict[str, str] = {}
        """Whose each entry is that was delivered and is not finished; `held` is what each believes."""
        self.finished: set[str] = set()
        self.published: list[tuple[str, str, int]] = []
        self.latest: dict[str, int] = {}
        self.seen: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.do(self.redis.aclose())
            self.loop.close()

    def do(self, waiting: Any) -> Any:
        return self.loop.run(waiting)

    @rule(target=entries, claim=st.sampled_from("XYZ"), version=st.integers(1, 4), again=st.booleans())
    def publish(self, claim: str, version: int, again: bool) -> Any:
        event_id = f"{claim}{version}" if again else f"{claim}{version}#{len(self.events)}"
        entry_id = self.do(self.redis.xadd(STREAM, {"event": event_id})).decode()
        self.events[entry_id] = (event_id, claim, version)
        return multiple(entry_id)

    @rule(consumer=CONSUMERS, count=st.integers(1, 5))
    def read(self, consumer: str, count: int) -> None:
        answer = self.do(self.redis.xreadgroup(GROUP, consumer, {STREAM: ">"}, count=count))
        for _, entries in answer or ():
            self._gets(consumer, [entry_id.decode() for entry_id, _ in entries])

    def _gets(self, consumer: str, entry_ids: list[str]) -> None:
        self.held[consumer] |= set(entry_ids)
        self.owner |= dict.fromkeys(entry_ids, consumer)

    @rule(consumer=CONSUMERS)
    def take_over(self, consumer: str) -> None:
        answer = self.do(self.redis.xautoclaim(STREAM, GROUP, consumer, min_idle_time=0, count=3))
        # Whoever had them does not know that they are gone: that is what a zombie is.
        self._gets(consumer, [entry_id.decode() for entry_id, _ in answer[1]])

    @rule(consumer=CONSUMERS)
    def die(self, consumer: str) -> None:
        """Killed: who comes back under the same name knows of nothing, and what was in hand stays pending."""
        self.held[consumer].clear()

    @rule(consumer=CONSUMERS, idle_ms=st.sampled_from([0, 60_000]), count=st.sampled_from(["-", "0", "3"]))
    def keep(self, consumer: str, idle_ms: int, count: str) -> None:
        """Say of everything that it holds how it stands: it counts only for what is still its own."""
        held = sorted(self.held[consumer])
        args = [GROUP, consumer, idle_ms, *(word for entry_id in held for word in (entry_id, count))]
        kept = self.do(self.redis.register_script(_KEEP)(keys=[STREAM], args=args))
        assert kept == len([entry_id for entry_id in held if self.owner.get(entry_id) == consumer])

    @rule(consumer=CONSUMERS)
    def leave(self, consumer: str) -> None:
        """Leave the group: whoever still has something in hand stays a member, or it would be lost."""
        self.do(self.redis.register_script(_LEAVE)(keys=[STREAM], args=[GROUP, consumer]))
        members = {each["name"].decode() for each in self.do(self.redis.xinfo_consumers(STREAM, GROUP))}
        assert consumer not in members or consumer in self.owner.values()

    @rule(consumer=CONSUMERS, data=st.data())
    def acknowledge(self, consumer: str, data: Any) -> None:
        """As the notifier does, whose results are elsewhere."""
        if held := sorted(self.held[consumer]):
            ids = data.draw(st.lists(st.sampled_from(held), min_size=1, max_size=3, unique=True))
            assert self.do(self.commit.acknowledge(ids)) == len([each for each in ids if each not in self.finished])
            for entry_id in ids:
                self._finishes(entry_id)

    def _finishes(self, entry_id: str) -> None:
        self.finished.add(entry_id)
        self.owner.pop(entry_id, None)

    @rule(consumer=CONSUMERS, data=st.data())
    def commit_what_is_held(self, consumer: str, data: Any) -> None:
        held = sorted(self.held[consumer], key=lambda each: tuple(map(int, each.split("-"))))
        if not held:
            return
        batch = data.draw(st.lists(st.sampled_from(held), min_size=1, max_size=6))
        outcomes = []
        for entry_id in batch:
            event_id, claim, version = self.events[entry_id]
            body = f"{event_id}|{claim}|{version}".encode()
            outcomes.append(Outcome(entry_id, OUT, body, f"seen:{event_id}", f"version:{claim}", version))
        for entry_id, done in zip(batch, self.do(self.commit(outcomes)), strict=True):
            assert done == self._expected(entry_id)

    def _expected(self, entry_id: str) -> Committed:
        event_id, claim, version = self.events[entry_id]
        if entry_id in self.finished:
            return Committed.LOST
        self._finishes(entry_id)
        if event_id in self.seen:
            return Committed.DUPLICATE
        self.seen.add(event_id)
        if self.latest.get(claim, 0) > version:
            return Committed.STALE
        self.latest[claim] = version
        self.published.append((event_id, claim, version))
        return Committed.PUBLISHED

    @rule(consumer=CONSUMERS)
    def bury_one(self, consumer: str) -> None:
        for entry_id in sorted(self.held[consumer])[:1]:
            buried = self.do(self.commit.bury(f"{STREAM}.dead", [(entry_id, b"letter")]))
            assert buried == (entry_id not in self.finished)
            self._finishes(entry_id)

    @rule()
    def forget_the_script(self) -> None:
        self.do(self.redis.script_flush())

    @rule()
    def trim(self) -> None:
        self.do(Retention(self.redis, STREAM, GROUP).trim(retain_s=-60))

    @invariant()
    def what_is_published_is_what_the_model_says(self) -> None:
        if not hasattr(self, "redis"):
            return
        found = [fields[b"event"].decode() for _, fields in self.do(self.redis.xrange(OUT))]
        assert found == ["|".join(map(str, each)) for each in self.published]
        assert max(Counter(found).values(), default=0) <= 1

    @invariant()
    def what_was_delivered_is_pending_until_it_is_finished(self) -> None:
        if not hasattr(self, "redis"):
            return
        rows = self.do(self.redis.xpending_range(STREAM, GROUP, "-", "+", 1_000))
        assert {row["message_id"].decode(): row["consumer"].decode() for row in rows} == self.owner

    @invariant()
    def the_books_balance_and_nothing_unfinished_was_trimmed(self) -> None:
        if not hasattr(self, "redis"):
            return
        books = self.do(Retention(self.redis, STREAM, GROUP).audit())
        assert books is not None
        assert (books.vanished, books.new) == (0, 0)
        assert int(self.do(self.redis.hget(ledger_key(STREAM, GROUP), "finished"))) == len(self.finished)
        left = {entry_id.decode() for entry_id, _ in self.do(self.redis.xrange(STREAM))}
        assert self.events.keys() - self.finished <= left


@pytest.mark.timeout(120)
def test_the_commit_does_what_its_model_says(redis_url: str) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    CommitMachine.url = redis_url
    run_state_machine_as_test(CommitMachine, settings=settings(max_examples=40, stateful_step_count=25, deadline=None))
