"""Redis that is killed, cut off, full, empty, read-only or loading, and streams that somebody else trims."""

import os
import threading
import time
from typing import Any

import pytest

from palpate_runtime.embedded import server_binary
from tests.faults.mail import in_thread
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig, limit_files, size
from tests.processes import ServiceProcess, eventually


def one_clear_line(process: ServiceProcess, event: str, reason: str, *, streams: int = 1) -> None:
    """The log says it, with its reason, and does not repeat it."""
    lines = [line for line in process.log_lines() if line["event"] == event and line.get("reason") == reason]
    assert streams <= len(lines) <= 3 * streams, [line["event"] for line in process.log_lines()]
    others = [line for line in process.log_lines() if line["level"] in {"warning", "error"}]
    assert len(others) <= 8 * streams, [(line["event"], line.get("reason")) for line in others]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_redis_is_killed_with_kill_9_under_load(rig: Rig) -> None:
    assert rig.server is not None
    rig.both()
    with rig.load(3_000, per_s=200):
        for _ in range(3):
            time.sleep(3)
            rig.server.kill()
            time.sleep(1)
            rig.server.start()
    rig.settle(within=120)
    rig.check()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_redis_is_away_for_a_while(rig: Rig) -> None:
    """Minutes in full."""
    assert rig.server is not None
    validator, notifier = rig.both()
    rig.publish(range(100))
    rig.settle()
    rig.server.kill()
    for each in (validator, notifier):
        rig.not_ready(each)
    time.sleep(size(8, 150))
    rig.server.start()
    rig.says["seconds to heal"] = round(max(rig.ready(validator), rig.ready(notifier)), 1)
    rig.publish(range(100, 200))
    rig.settle()
    rig.check()
    one_clear_line(validator, "waiting_for_redis", "not_reachable")


def test_connections_are_cut_again_and_again(rig: Rig) -> None:
    assert rig.server is not None
    with Proxy(rig.server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/0"
        rig.both(redis_url=url)
        with rig.load(size(300, 2_000), per_s=150):
            for _ in range(size(6, 40)):
                time.sleep(0.3)
                proxy.cut()
        rig.settle(within=60)
        rig.check()


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_black_hole_that_swallows_every_packet(rig: Rig) -> None:
    assert rig.server is not None
    with Proxy(rig.server.port) as proxy:
        validator = rig.start("validator", redis_url=f"redis://127.0.0.1:{proxy.port}/0")
        rig.publish(range(200))
        eventually(lambda: rig.count_answers() > 0, within=20, what="work")
        proxy.black_hole()
        rig.not_ready(validator)
        rig.publish(range(200, 400))
        time.sleep(size(4, 40))
        proxy.heal()
        rig.says["seconds to heal"] = round(rig.ready(validator), 1)
        rig.settle(notifier=False)
        rig.check(notifier=False)
        assert [line["reason"] for line in rig.logged("waiting_for_redis") + rig.logged("waiting_to_commit")]


@pytest.mark.slow
def test_a_slow_network(rig: Rig) -> None:
    assert rig.server is not None
    with Proxy(rig.server.port) as proxy:
        proxy.delay_s = 0.05
        rig.both(redis_url=f"redis://127.0.0.1:{proxy.port}/0")
        rig.publish(range(1_000))
        rig.settle(within=120)
        rig.check()


def test_everything_is_flushed(rig: Rig) -> None:
    validator, notifier = rig.both()
    rig.publish(range(60))
    rig.settle()
    rig.sent.clear()
    rig.redis.flushall()
    rig.publish(range(1_000, 1_060))
    rig.settle(within=30)
    rig.ready(validator)
    rig.ready(notifier)
    assert {line["again"] for line in rig.logged("group_created")} == {True, False}
    # The cases of before are still there: they are in the database, not in Redis.
    assert len(rig.database().cases) == 40
    rig.sent |= {}
    rig.says |= {"claims": 120}
    rig._check_verdicts(0, lambda _: True)
    rig._check_phi()


@pytest.mark.slow
def test_the_group_is_destroyed_and_the_stream_deleted(rig: Rig) -> None:
    validator, notifier = rig.both()
    rig.publish(range(60))
    rig.settle()
    rig.redis.xgroup_destroy("claims.created", "validator")
    rig.redis.xgroup_destroy("claims.failed", "notifier")
    rig.publish(range(60, 120))
    rig.settle(within=30)
    rig.redis.delete("claims.created")
    rig.publish(range(120, 180))
    rig.settle(within=30)
    rig.ready(validator)
    rig.ready(notifier)
    rig.check()


@pytest.mark.slow
def test_scripts_are_flushed_under_load(rig: Rig) -> None:
    rig.both()
    with rig.load(1_500, per_s=200):
        for _ in range(20):
            time.sleep(0.3)
            rig.redis.script_flush()
    rig.settle()
    rig.check()


def test_redis_turns_read_only_and_back(rig: Rig) -> None:
    validator = rig.start("validator")
    rig.publish(range(50))
    rig.settle(notifier=False)
    rig.redis.config_set("replica-read-only", "yes")
    rig.redis.replicaof("127.0.0.1", "1")
    rig.not_ready(validator)
    time.sleep(size(2, 20))
    rig.redis.replicaof("NO", "ONE")
    rig.says["seconds to heal"] = round(rig.ready(validator), 1)
    rig.publish(range(50, 100))
    rig.settle(notifier=False)
    rig.check(notifier=False)
    one_clear_line(validator, "waiting_for_redis", "read_only")


@pytest.mark.slow
def test_redis_is_out_of_memory_and_given_more(rig: Rig) -> None:
    """Reading goes on, and a batch waits to be committed: nothing is evicted, nothing is lost."""
    validator = rig.start("validator", wait=False)
    rig.ready(validator)
    rig.publish(range(50))
    rig.settle(notifier=False)
    held = rig.start("validator", wait=False)
    rig.ready(held)
    rig.publish(range(50, size(2_000, 10_000)))
    rig.redis.config_set("maxmemory", "1mb")
    rig.not_ready(validator)
    time.sleep(size(2, 20))
    rig.redis.config_set("maxmemory", "0")
    rig.says["seconds to heal"] = round(rig.ready(validator), 1)
    rig.settle(within=120, notifier=False)
    rig.check(notifier=False)
    reasons = {line["reason"] for line in rig.logged("waiting_to_commit") + rig.logged("waiting_for_redis")}
    assert "out_of_memory" in reasons


@pytest.mark.slow
def test_the_disk_of_redis_is_full(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rig.server is not None
    # Told by an error, as a full disk does, instead of by the signal that goes with a limit.
    shim = rig.folder / "bin" / "redis-server"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\ntrap "" XFSZ\nexec "{server_binary()}" "$@"\n', "utf-8")
    shim.chmod(0o755)
    rig.server.kill()
    monkeypatch.setenv("PATH", str(shim.parent), prepend=os.pathsep)
    rig.server.start()
    assert rig.server.process is not None
    validator = rig.start("validator")
    rig.publish(range(50))
    rig.settle(notifier=False)
    rig.publish(range(50, size(1_500, 6_000)))
    limit_files(rig.server.process.pid, 4096)
    rig.not_ready(validator)
    time.sleep(size(2, 20))
    limit_files(rig.server.process.pid, -1)
    rig.says["seconds to heal"] = round(rig.ready(validator), 1)
    rig.settle(within=120, notifier=False)
    rig.check(notifier=False)
    reasons = {line["reason"] for line in rig.logged("waiting_to_commit") + rig.logged("waiting_for_redis")}
    assert "cannot_persist" in reasons


@pytest.mark.slow
@pytest.mark.parametrize("rig", [{"redis_options": ("--aof-use-rdb-preamble", "yes")}], indirect=True)
def test_redis_is_loading_for_a_long_time(rig: Rig) -> None:
    assert rig.server is not None
    validator = rig.start("validator")
    rig.publish(range(3_000))
    rig.settle(notifier=False)
    rig.redis.bgrewriteaof()
    eventually(lambda: not rig.redis.info("persistence")["aof_rewrite_in_progress"], within=30, what="a rewrite")
    rig.server.kill()
    # Microseconds a key: seconds for what is there.
    rig.server._extra = (*rig.server._extra, "--key-load-delay", "1000")
    done = threading.Event()
    # It ends with the thread that starts it, so that one stays.
    starting = in_thread(lambda: (rig.server.start(), done.wait(200)))  # type: ignore[union-attr]
    rig.not_ready(validator)
    rig.ready(validator, within=60)
    rig.publish(range(3_000, 3_100))
    rig.settle(notifier=False)
    rig.check(notifier=False)
    done.set()
    starting.join(20)


def test_a_producer_trims_what_nobody_has_read_and_it_is_named(rig: Rig) -> None:
    validator = rig.start("validator")
    rig.publish(range(30))
    rig.settle(notifier=False)
    validator.stop()
    lost = list(range(1_000, 1_020))
    rig.publish(lost)
    for number in lost:
        del rig.sent[f"{number}.1"]
    rig.redis.xtrim("claims.created", maxlen=0, approximate=False)
    rig.publish(range(30, 60))
    validator.start()
    rig.settle(notifier=False)
    [line] = eventually(lambda: rig.logged("entries_vanished_unread"), within=10, what="the loss said")
    assert line["count"] == 20
    assert line["after_entry"] < line["before_entry"]
    rig.check(notifier=False, vanished=20)
    rig.says["named as vanished"] = 20


@pytest.mark.slow
def test_entries_in_hand_are_deleted_and_it_is_named(rig: Rig) -> None:
    rig.redis.xgroup_create("claims.created", "validator", id="0", mkstream=True)
    rig.publish(range(100))
    rig.redis.xreadgroup("validator", "dead", {"claims.created": ">"}, count=10)
    first: Any = rig.redis.xrange("claims.created", count=10)
    in_hand: Any = [entry_id for entry_id, _ in first]
    rig.redis.xdel("claims.created", *in_hand)
    for number in range(10):
        del rig.sent[f"{number}.1"]
    rig.start("validator")
    rig.settle(notifier=False)
    if rig.redis.info("server")["redis_version"] >= "7":
        [line] = eventually(lambda: rig.logged("entries_deleted_unfinished"), within=10, what="the loss said")
        assert line["count"] == 10
    rig._check_verdicts(0, lambda _: True)


@pytest.mark.slow
def test_finished_entries_are_trimmed_under_load_and_nothing_else(rig: Rig) -> None:
    rig.both(retain_s="0", trim_every_s="0.2")
    rig.redis.xgroup_create("claims.passed", "pms", id="0")
    with rig.load(2_000, per_s=300):
        pass
    expected = {key for key, sent in rig.sent.items() if sent.good}
    eventually(lambda: rig.redis.xlen("claims.created") == 0, within=60, what="trimmed")
    # A group of the PMS that has read nothing yet holds back what it needs.
    assert {e["data"]["source_event"]["id"] for e in rig.events("claims.passed")} == expected
    eventually(lambda: rig._done("claims.failed", "notifier"), within=30, what="recorded")
    eventually(lambda: rig.redis.xlen("claims.failed") == 0, within=30, what="trimmed")
    assert len(rig.database().cases) == len(rig.sent) - len(expected)
    rig.says |= {"claims": len(rig.sent)}
