"""Validators that die, hang, stop and come back."""

import signal
import time
from collections import Counter

import pytest

from palpate_runtime.embedded import EmbeddedRedis
from tests.faults.rig import FULL, Rig, freeze, size, thaw
from tests.processes import ServiceProcess, eventually


@pytest.mark.timeout(900)
def test_workers_and_redis_are_killed_with_kill_9_under_load(rig: Rig) -> None:
    """20,000 claims through 20 kills of workers and 3 of Redis, in full, and the notifier has to keep up with it."""
    count, kills, redis_kills = size(1_500, 20_000), size(4, 20), size(1, 3)
    redis_dies_after = {kills * (2 * number + 1) // (2 * redis_kills) for number in range(redis_kills)}
    killed = Counter[str]()
    rig.publish(range(count // 2))
    if FULL:
        rig.start("notifier", wait=False)
    with rig.load(count - count // 2, start=count // 2, per_s=size(400, 800)):
        workers = [rig.start("validator", wait=False) for _ in range(2)]
        for number in range(kills):
            target = min(count * 9 // 10, count * (number + 1) // (kills + 2))
            eventually(lambda t=target: _answers(rig) >= t, within=120, what=f"{target} judged")  # type: ignore[misc]
            killed["workers"] += _killed(workers[number % 2])
            if number in redis_dies_after:
                assert rig.server is not None
                killed["Redis"] += _killed(rig.server)
                rig.server.start()
            workers[number % 2] = rig.start("validator", wait=False)
        assert _answers(rig) < count, "done before the last kill: nothing was shown"
    rig.settle(within=240, notifier=FULL)
    assert killed == {"workers": kills, "Redis": redis_kills}
    rig.says |= {f"kills of {who}": times for who, times in killed.items()}
    rig.check(notifier=FULL)


def _killed(victim: ServiceProcess | EmbeddedRedis) -> bool:
    """Kill something with kill -9; whether that is what it died of, and not of something else before."""
    process = victim.process
    assert process is not None
    victim.kill()
    return process.returncode == -signal.SIGKILL


def _answers(rig: Rig) -> int:
    try:
        return rig.count_answers()
    except (OSError, Exception):  # noqa: BLE001 - Redis is being killed
        return -1


def test_a_worker_that_hangs_longer_than_the_reclaim_time_comes_back_and_changes_nothing(rig: Rig) -> None:
    zombie, other = rig.start("validator"), rig.start("validator")
    assert zombie.process is not None
    rig.publish(range(size(300, 3_000)))
    for _ in range(size(1, 3)):
        freeze(zombie.process.pid)
        rig.publish(range(len(rig.sent), len(rig.sent) + size(200, 1_000)))
        rig.settle(within=30, notifier=False)
        thaw(zombie.process.pid)
        rig.publish(range(len(rig.sent), len(rig.sent) + 100))
        rig.settle(notifier=False)
    rig.ready(zombie)
    rig.ready(other)
    rig.check(notifier=False)


@pytest.mark.slow
@pytest.mark.parametrize("rig", [{"settings": {"RECLAIM_IDLE_MS": "100", "RECLAIM_EVERY_MS": "50"}}], indirect=True)
def test_everybody_takes_over_from_everybody_all_the_time(rig: Rig) -> None:
    for _ in range(3):
        rig.start("validator", wait=False, batch_size="500", max_deliveries="1000")
    rig.publish(range(6_000))
    rig.settle(within=120, notifier=False)
    rig.check(notifier=False)


def test_a_stop_under_load_is_quick_and_hands_back(rig: Rig) -> None:
    worker = rig.start("validator", reclaim_idle_ms="60000")
    rig.publish(range(size(1_500, 10_000)))
    eventually(lambda: rig.count_answers() > 100, within=30, what="work")
    started = time.monotonic()
    assert worker.stop() == 0
    took = time.monotonic() - started
    assert took < 10
    assert rig.count_answers() < len(rig.sent), "done before it was stopped: nothing was shown"
    # What was in hand is taken over at once, not after the minute that an abandoned entry waits.
    rig.start("validator", reclaim_idle_ms="60000")
    rig.settle(within=50, notifier=False)
    rig.says["seconds to stop"] = round(took, 2)
    rig.check(notifier=False)


@pytest.mark.timeout(300)
def test_a_rolling_restart_of_everything_under_load(rig: Rig) -> None:
    # Nobody dies here, so the lease is the product's own: the rig's four seconds can run out under a slow send, and
    # a message left behind by a stop is then not sent again in time but seen as what it is.
    running = [*rig.both(lease_s="120"), *rig.both(database_url=rig.database_url, lease_s="120")]
    slowest = 0.0
    with rig.load(size(600, 4_000), per_s=150):
        for each in running if FULL else running[:2]:
            started = time.monotonic()
            assert each.stop() == 0
            slowest = max(slowest, time.monotonic() - started)
            each.start(wait=False)
            rig.ready(each)
    assert slowest < 10
    rig.settle(within=90)
    rig.says["slowest stop, s"] = round(slowest, 2)
    rig.check()
