"""Notifiers that are killed at every point, mail servers that misbehave, databases that are away."""

import random
import sqlite3
import time
from collections import Counter

import pytest

from tests.faults.rig import Rig, limit_files, size
from tests.processes import eventually

KILL_POINTS = {
    # point: how many messages may arrive twice
    "recording": 0,
    "acknowledging": 0,
    "dispatching": 0,
    "leased": 0,
    "sent": 20,
    "published": 0,
}


IN_SHORT = {"acknowledging", "sent"}


@pytest.mark.parametrize(
    "point", [pytest.param(point, marks=() if point in IN_SHORT else pytest.mark.slow) for point in KILL_POINTS]
)
def test_the_notifier_is_killed(rig: Rig, point: str) -> None:
    """kill -9 while recording, before the ack, before and after a message went out, before it is written down."""
    rig.start("validator", wait=False)
    rig.publish(range(size(30, 60)))
    settings = {"SABOTAGE": point, "SABOTAGE_DONE": str(rig.folder / "done")}
    notifier = rig.start("notifier", wait=False, module="tests.faults.sabotage", extra=settings)
    assert notifier.process is not None
    eventually(lambda: notifier.process.poll() is not None, within=40, what="the kill")  # type: ignore[union-attr]
    notifier.start(wait=False)
    rig.settle()
    rig.check(repeats=KILL_POINTS[point])


@pytest.mark.slow
def test_the_notifier_is_killed_again_and_again_under_load(rig: Rig) -> None:
    rig.start("validator")
    notifier = rig.start("notifier")
    kills = 8
    with rig.load(1_500, per_s=100):
        for _ in range(kills):
            time.sleep(1.5)
            notifier.kill()
            notifier.start(wait=False)
    rig.settle(within=90)
    rig.says["kills"] = kills
    # Whoever was giving over up to twenty messages when it was killed does not know what arrived.  One that this
    # happened to twice is not sent a third time: it is in doubt, and the manager is told.
    rig.check(repeats=20 * kills, in_doubt=kills // 2)


@pytest.mark.slow
def test_the_mail_server_is_down_and_comes_back(rig: Rig) -> None:
    rig.mails.stop()
    rig.both(give_up_after_s="600")
    rig.publish(range(size(30, 300)))
    # The other side goes on: cases are recorded, corrections published.
    eventually(lambda: len(rig.events("corrections")) == len(rig.sent) // 3, within=30, what="corrections")
    time.sleep(size(1, 20))
    rig.mails.start()
    rig.settle()
    rig.check()


def test_the_mail_server_says_later_and_drops_after_the_message(rig: Rig) -> None:
    """451 is tried later; a connection cut after the message is sent once more, under the same Message-ID."""
    rig.mails.answers = ["451 busy", "drop", "451 busy"]
    rig.both()
    rig.publish(range(size(18, 60)))
    rig.settle()
    rig.check(repeats=1)
    assert rig.says["repeats"] == 1


@pytest.mark.slow
def test_the_mail_server_refuses_and_the_manager_is_told(rig: Rig) -> None:
    rig.both()
    rig.mails.answers = ["550 no such user"]
    rig.publish(range(size(30, 300)))
    rig.settle()
    told = Counter(message["To"] for message in rig.mails.messages())
    assert told["pat@harbor.example"] == 1, told
    rig.check(unsent=1)


@pytest.mark.slow
def test_a_message_that_is_cut_twice_stays_unknown_and_the_manager_is_told(rig: Rig) -> None:
    rig.both()
    rig.mails.answers = ["drop", "drop"]
    rig.publish([0])
    rig.settle()
    assert [each.status for each in rig.database().deliveries if each.kind == "notice"] == ["unknown"]
    assert rig.mails.messages()[-1]["To"] == "pat@harbor.example"
    rig.says["state"] = "unknown"
    rig.sent.clear()


@pytest.mark.slow
def test_a_tarpit_stops_nothing_but_its_messages(rig: Rig) -> None:
    rig.mails.wait_s = 1.5
    rig.both()
    started = time.monotonic()
    rig.publish(range(300))
    eventually(lambda: len(rig.events("corrections")) == 100, within=20, what="corrections")
    rig.says["cases recorded after, s"] = round(time.monotonic() - started, 1)
    rig.settle(within=120)
    rig.check()


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_database_is_locked(rig: Rig) -> None:
    """Longer than its own patience in full; the validator does not notice, and nothing is buried."""
    rig.both()
    rig.publish(range(30))
    rig.settle()
    with sqlite3.connect(rig.folder / "cases.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        rig.publish(range(30, 90))
        eventually(lambda: rig.count_answers() == 90, within=20, what="judged all the same")
        time.sleep(size(3, 40))
        other.execute("COMMIT")
    rig.settle(within=60)
    rig.check()


@pytest.mark.slow
def test_a_stop_while_the_database_is_locked_is_quick_and_loses_nothing(rig: Rig) -> None:
    _, notifier = rig.both(reclaim_idle_ms="60000")
    rig.publish(range(30))
    rig.settle()
    with sqlite3.connect(rig.folder / "cases.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        rig.publish(range(30, 60))
        eventually(lambda: rig.count_answers() == 60, within=20, what="judged all the same")
        eventually(
            lambda: rig.redis.xpending("claims.failed", "notifier")["pending"], within=20, what="a batch in hand"
        )
        started = time.monotonic()
        assert notifier.stop() == 0
        took = time.monotonic() - started
        other.execute("COMMIT")
    assert took < 10
    notifier.start()
    # Handed back, so it does not take the minute that an abandoned entry waits.
    rig.settle(within=50)
    rig.says["seconds to stop"] = round(took, 2)
    rig.check()


@pytest.mark.slow
def test_the_disk_of_the_database_is_full(rig: Rig) -> None:
    _, notifier = rig.both()
    rig.publish(range(30))
    rig.settle()
    assert notifier.process is not None
    # Neither the database nor the log can grow: Python ignores the signal that goes with a limit.
    limit_files(notifier.process.pid, 4096)
    rig.publish(range(30, 90))
    rig.not_ready(notifier)
    time.sleep(10)
    limit_files(notifier.process.pid, -1)
    rig.ready(notifier)
    rig.settle(within=60)
    rig.check()


def test_repeats_older_versions_and_unreadable_events_in_any_order(rig: Rig) -> None:
    """Every event twice, versions in any order: the newest counts, whatever came when."""
    count = size(60, 1_000)
    rig.both()
    order = [(number, version) for number in range(count) for version in (1, 2)]
    random.Random(11).shuffle(order)
    seen: dict[int, int] = {}
    for number, version in order:
        good = (number % 2 == 0) if version == 2 else number % 3 != 0
        rig.publish([number], version=version, good=good)
        rig.publish([number], version=version, good=good)
        if seen.get(number, 0) > version:
            # Judged after a newer version: it changes nothing, and has no verdict.
            pass
        seen[number] = max(version, seen.get(number, 0))
    for text in (b"{", b'{"specversion": "1.0", "id": "x"}'):
        rig.redis.xadd("claims.created", {"event": text})
    late = set()
    place = {key: index for index, key in enumerate(order)}
    for number in range(count):
        if place[number, 2] < place[number, 1]:
            late.add(f"{number}.1")
    for event_id in late:
        del rig.sent[event_id]
    rig.settle(more=2, within=90)
    rig.check(rejected=2)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_corrections_race_reminders(rig: Rig) -> None:
    """Claims are mended while their alerts are on their way."""
    rig.both(group_wait_s="0.5")
    count = size(40, 400)
    rig.publish(range(count), good=False)
    for start in range(0, count, 10):
        rig.publish(range(start, start + 10), version=2, good=True)
        time.sleep(0.1)
    rig.settle(within=90)
    rig.check()
    assert not [case for case in rig.database().cases if case.status != "resolved"]
    waiting = [notice for notice in rig.database().notices if notice.status == "waiting"]
    assert waiting == []
