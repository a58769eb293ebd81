"""How long a claim takes from published to judged, at a steady rate; and what an idle validator costs."""

import time
from collections.abc import Iterable

from pydantic_core import from_json
from redis import Redis

from bench import claims
from bench.asked import Asked, Section
from bench.figures import percentile, table
from bench.parts.service import palpate
from bench.rig import OUTCOMES, create_group, feed, outcomes, redis_server, scratch, until, validators
from bench.svg import bars
from palpate_schemas.streams import CLAIMS_CREATED, EVENT_FIELD

RATES = (200, 1_000)
WARM_UP = 1_000
"""So many claims are judged before any is timed: what is remembered of payers, dates and codes is learnt by then."""
SHARES = {"p50": 0.50, "p90": 0.90, "p99": 0.99}


def run(asked: Asked) -> Section:
    """The two rates of the bars, half of what it can do, and idleness."""
    capacity = palpate(asked.claims).per_second
    rates = [*RATES, max(1, int(capacity / 2))]
    seen = {}
    for rate in rates:
        seen[rate] = sorted(latencies_ms(rate, asked.seconds))
        print(f"  {rate}/s: " + ", ".join(f"{name} {percentile(seen[rate], at):.0f} ms" for name, at in SHARES.items()))
    idle = idle_cost(asked.seconds)
    print(f"  idle: {idle['cpu']:.2%} of a core, {idle['rss'] / 1e6:.0f} MB")
    section = Section("Latency, and the cost of waiting")
    section.text.append(
        "From `claims.created` to `claims.passed` or `claims.failed`, by the two entries' own ids: Redis' clock, in "
        f"whole milliseconds. One publisher, one XADD a claim at its due time, {asked.seconds:g} s a rate; the last "
        "rate is half of what one process can do here."
    )
    section.text.append(
        table(
            ["claims/s", *(f"{name}, ms" for name in SHARES), "longest, ms"],
            [
                [f"{rate:,}", *(f"{percentile(each, at):.0f}" for at in SHARES.values()), f"{each[-1]:.0f}"]
                for rate, each in seen.items()
            ],
        )
    )
    section.text.append(
        f"Idle for {asked.seconds:g} s: {idle['cpu']:.2%} of a core, {idle['rss'] / 1e6:.0f} MB resident."
    )
    section.plots["latency.svg"] = bars(
        "From published to judged",
        [
            (f"{name} at {rate:,}/s", *[percentile(each, at)] * 3)
            for rate, each in seen.items()
            for name, at in SHARES.items()
        ],
        "ms",
    )
    section.bars += [
        ("p99 at 1,000/s, ms", percentile(seen[1_000], 0.99), 15.0, False),
        ("idle CPU, % of a core", idle["cpu"] * 100, 1.0, False),
        ("idle memory, MB", idle["rss"] / 1e6, 150.0, False),
    ]
    return section


def latencies_ms(rate: int, seconds: float) -> list[int]:
    """Milliseconds of each claim once warm."""
    count = int(rate * seconds)
    with scratch() as folder, redis_server(folder) as server, Redis.from_url(server.url) as redis:
        create_group(redis)
        with validators(server.url, folder) as workers:
            answered = outcomes(redis)
            feed(redis, claims.events(WARM_UP))
            until(lambda: answered() >= WARM_UP, workers)
            sent = publish(redis, claims.events(count, first=WARM_UP), rate)
            until(lambda: answered() >= WARM_UP + count, workers)
            verdicts = [entry for stream in OUTCOMES for entry in redis.xrange(stream)]
    took = {}
    for entry_id, fields in verdicts:
        number_ = int(from_json(fields[EVENT_FIELD])["subject"])
        if number_ >= WARM_UP:
            took[number_] = _ms(entry_id) - _ms(sent[number_ - WARM_UP])
    return list(took.values())


def publish(redis: "Redis", events: Iterable[bytes], rate: int) -> list[bytes]:
    """One at a time, each when it is due; what comes too late follows at once.  Returns the entries' ids."""
    started, sent = time.perf_counter(), []
    for number_, event in enumerate(events):
        ahead = started + number_ / rate - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        sent.append(redis.xadd(CLAIMS_CREATED, {EVENT_FIELD: event}))
    return sent


def idle_cost(seconds: float) -> dict[str, float]:
    """Share of a core and bytes of memory of a validator that has judged a little and waits."""
    with scratch() as folder, redis_server(folder) as server, Redis.from_url(server.url) as redis:
        create_group(redis)
        with validators(server.url, folder) as workers:
            feed(redis, claims.events(WARM_UP))
            answered = outcomes(redis)
            until(lambda: answered() >= WARM_UP, workers)
            time.sleep(1)
            before, began = workers[0].cpu_s(), time.perf_counter()
            time.sleep(seconds)
            used = (workers[0].cpu_s() - before) / (time.perf_counter() - began)
            return {"cpu": used, "rss": workers[0].rss_bytes()}


def _ms(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])
