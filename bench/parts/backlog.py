"""Memory of the validator while a long backlog waits."""

import time

from redis import Redis

from bench import claims
from bench.asked import Asked, Section
from bench.figures import number
from bench.rig import create_group, feed, outcomes, redis_server, scratch, until, validators

LOOK_FOR_S = 20.0


def run(asked: Asked) -> Section:
    """Feed it, let a validator loose on it, and look at its memory for a while."""
    with scratch() as folder, redis_server(folder, fsync="none") as server, Redis.from_url(server.url) as redis:
        create_group(redis)
        began = time.perf_counter()
        feed(redis, claims.events(asked.backlog))
        fed_s = time.perf_counter() - began
        held = int(redis.info("memory")["used_memory"])
        with validators(server.url, folder) as workers:
            answered = outcomes(redis)
            until(lambda: answered() > 0, workers)
            most, ends = 0, time.perf_counter() + min(LOOK_FOR_S, asked.seconds * 2)
            while time.perf_counter() < ends and answered() < asked.backlog:
                most = max(most, workers[0].rss_bytes())
                time.sleep(0.05)
            done = answered()
    print(f"  {asked.backlog:,} waiting: {most / 1e6:.0f} MB at most while {done:,} were judged")
    section = Section("Memory at a backlog")
    section.text.append(
        f"{asked.backlog:,} claims of {claims.typical_bytes():,} bytes wait ({held / 1e9:.2g} GB in Redis, published "
        f"by one client in {number(fed_s)} s, no append-only file). While {done:,} of them were judged, one validator "
        f"had **{most / 1e6:.0f} MB** resident at most."
    )
    section.bars.append((f"memory at {asked.backlog:,} waiting, MB", most / 1e6, 150.0, False))
    return section
