"""A million claims wait: whoever works them off needs no more memory for it than for a few."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest

from palpate_runtime.commit import ledger_key
from palpate_runtime.retention import look
from tests.faults.rig import OUTCOMES, Rig, claim, size
from tests.processes import ServiceProcess, event

WAITING = size(3_000, 1_000_000)
WARM = size(500, 20_000)
"""Judged before memory is looked at: by then code, tables and pools are loaded."""
JUDGED = size(2_000, 100_000)
"""Judged with a million waiting.  A tenth of them: the rest would take ten minutes more and show the same."""
BYTES = 2_048
AT_ONCE = 5_000

MAY_GROW = 48 << 20
MAY_HAVE = 256 << 20


def backlog(count: int) -> Iterator[bytes]:
    """Claim events of two kilobytes each, every third of them wrong, no two with the same id."""
    templates = [_template(good=good) for good in (False, True, True)]
    for number in range(count):
        yield templates[number % 3].replace(b"NUMBER!", b"%07d" % number)


def _template(*, good: bool) -> bytes:
    body = claim(0, good=good) | {"claim_id": "CLM-NUMBER!"}
    missing = BYTES - len(event(body, event_id="NUMBER!"))
    body["documentation"][0]["text"] += " " + "Joint mobs gr III C4-C6 PA glides. " * (missing // 35)
    raw = event(body, event_id="NUMBER!")
    assert abs(len(raw) - BYTES) < 64, len(raw)
    return raw


@dataclass
class Memory:
    """What a process has needed."""

    process: psutil.Process
    early: int = 0
    samples: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, service: ServiceProcess) -> "Memory":
        assert service.process is not None
        return cls(psutil.Process(service.process.pid))

    def look(self) -> None:
        self.samples.append(self.process.memory_info().rss)

    def begin(self) -> None:
        self.early = max(self.samples)

    @property
    def most(self) -> int:
        return max(self.samples)


@pytest.mark.slow
@pytest.mark.timeout(900)
# Without the append-only file: what is looked at is the services' memory, and a disk would only be in the way.
@pytest.mark.parametrize("rig", [{"redis_options": ("--appendonly", "no")}], indirect=True)
def test_a_million_wait_and_memory_stays_bounded(rig: Rig) -> None:
    """Validator and notifier, sampled five times a second while 100,000 of a million waiting claims are judged."""
    if psutil.virtual_memory().available < 5 << 30:
        pytest.skip("a million claims of 2 KB need 3 GB for Redis")
    filled = time.monotonic()
    _fill(rig)
    rig.says["seconds to fill"] = round(time.monotonic() - filled)
    rig.says["waiting"] = rig.redis.xlen("claims.created")
    services = [rig.start(name, wait=False, batch_size="500") for name in ("validator", "notifier")]
    memory = [Memory.of(each) for each in services]
    began = _work_until(rig, memory, WARM)
    for each in memory:
        each.begin()
    rig.says["claims/s"] = round((JUDGED - WARM) / (_work_until(rig, memory, JUDGED) - began))
    for name, each in zip(("validator", "notifier"), memory, strict=True):
        rig.says |= {f"{name}: most memory, MB": each.most >> 20, f"{name}: early, MB": each.early >> 20}
        assert each.most < min(each.early + MAY_GROW, MAY_HAVE), (name, each.early, each.most)
    for service in services:
        assert service.stop() == 0
    _check(rig)


def _fill(rig: Rig) -> None:
    waiting: list[bytes] = []
    for number, raw in enumerate(backlog(WAITING), start=1):
        waiting.append(raw)
        if len(waiting) == AT_ONCE or number == WAITING:
            pipe = rig.redis.pipeline(transaction=False)
            for each in waiting:
                pipe.xadd("claims.created", {"event": each})
            pipe.execute()
            waiting.clear()
    assert rig.redis.xlen("claims.created") == WAITING


def _work_until(rig: Rig, memory: list[Memory], judged: int) -> float:
    """Sample until so many are judged; returns when that was."""
    deadline = time.monotonic() + 400
    while rig.count_answers() < judged:
        assert time.monotonic() < deadline, f"{rig.count_answers()} of {judged}"
        for each in memory:
            each.look()
        time.sleep(0.2)
    return time.monotonic()


def _check(rig: Rig) -> None:
    """What is finished has one verdict each; what is not was handed back or waits, and a million it is in all."""
    judged = Counter(each["data"]["source_event"]["id"] for name in OUTCOMES[:2] for each in rig.events(name))
    assert max(judged.values()) == 1
    finished = int(rig.redis.hget(ledger_key("claims.created", "validator"), "finished") or 0)
    assert finished == len(judged) == rig.count_answers()
    books = look(rig.redis, "claims.created", "validator")
    assert books is not None
    groups: Any = rig.redis.xinfo_groups("claims.created")
    assert groups[0]["entries-read"] == finished + books.pending
    assert (books.vanished, books.length) == (0, WAITING)
    assert finished < WAITING, "nothing waited any more: nothing was shown"
    rig._check_phi()
    rig.says |= {"claims": WAITING, "verdicts": len(judged), "lost": 0, "twice": 0}
