"""One and two validator processes, one and four partitions."""

from itertools import product

from redis import Redis

from bench import claims
from bench.asked import Asked, Section
from bench.figures import figures, number, table
from bench.rig import create_group, feed_at_once, outcomes, pace, redis_server, scratch, validators
from bench.svg import bars
from palpate_runtime.settings import RuntimeSettings
from palpate_schemas.streams import CLAIMS_CREATED, CLAIMS_FAILED, CLAIMS_PASSED, partitioned

SHAPES = tuple(product((1, 2), (1, 4)))


def run(asked: Asked) -> Section:
    """Every shape once a round, in turn."""
    rounds = []
    for turn in range(asked.rounds):
        rounds.append({_name(*shape): judged_by(*shape, asked.claims) for shape in SHAPES})
        print(f"  round {turn + 1}: " + ", ".join(f"{name} {number(each)}/s" for name, each in rounds[-1].items()))
    speed = figures(rounds)
    one, two = speed[_name(1, 1)], speed[_name(2, 1)]
    section = Section("More processes, more partitions")
    section.text.append(
        "The validator's processes share the consumer group, and each reads every partition. On two cores two "
        "processes and Redis are more than the machine has."
    )
    section.text.append(
        table(
            ["", "claims/s", "to one process"],
            [[name, str(each), f"{each.to(one):.2f}"] for name, each in speed.items()],
        )
    )
    section.plots["growing.svg"] = bars(
        "Palpate's validator, processes and partitions",
        [(f"Palpate, {name}", each.median, min(each.rounds), max(each.rounds)) for name, each in speed.items()],
        "claims a second",
    )
    section.bars.append(("two processes to one", two.to(one), 1.8, True))
    return section


def judged_by(processes: int, partitions: int, count: int) -> float:
    """Claims a second."""
    count *= processes
    numbers = RuntimeSettings(partitions=partitions).all_partitions
    names = [partitioned(CLAIMS_CREATED, each) for each in numbers]
    answers = [partitioned(stream, each) for stream in (CLAIMS_PASSED, CLAIMS_FAILED) for each in numbers]
    with scratch() as folder, redis_server(folder) as server, Redis.from_url(server.url) as redis:
        for name in names:
            create_group(redis, name)
        # All of them are ready before the backlog is there: they begin together.
        with validators(server.url, folder, processes, partitions=partitions) as workers:
            feed_at_once(redis, claims.events(count), names)
            return pace(outcomes(redis, answers), workers, count, server=server).per_second


def _name(processes: int, partitions: int) -> str:
    return f"{processes} process{'es' * (processes > 1)}, {partitions} partition{'s' * (partitions > 1)}"
