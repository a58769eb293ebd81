"""What the append-only file costs the validator."""

from redis import Redis

from bench import claims
from bench.asked import Asked, Section
from bench.figures import figures, number, table
from bench.rig import create_group, feed, outcomes, pace, redis_server, scratch, validators

MODES = {
    "none": "no file: a crash of Redis loses all",
    "everysec": "the default: a crash may lose a second",
    "always": "nothing is lost",
}


def run(asked: Asked) -> Section:
    """Every mode once a round, in turn."""
    rounds = []
    for turn in range(asked.rounds):
        rounds.append({mode: judged_with(mode, asked.claims) for mode in MODES})
        print(f"  round {turn + 1}: " + ", ".join(f"{mode} {number(each)}/s" for mode, each in rounds[-1].items()))
    speed = figures(rounds)
    section = Section("The cost of keeping what Redis has")
    section.text.append(
        table(
            ["append-only file", "claims/s", "to none"],
            [[f"`{mode}` ({MODES[mode]})", str(each), f"{each.to(speed['none']):.2f}"] for mode, each in speed.items()],
        )
    )
    return section


def judged_with(mode: str, count: int) -> float:
    """Claims a second."""
    with scratch() as folder, redis_server(folder, fsync=mode) as server, Redis.from_url(server.url) as redis:
        create_group(redis)
        feed(redis, claims.events(count))
        with validators(server.url, folder) as workers:
            return pace(outcomes(redis), workers, count, server=server).per_second
