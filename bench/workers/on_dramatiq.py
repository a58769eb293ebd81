"""Dramatiq with Redis as its broker, a job a claim.

dramatiq bench.workers.on_dramatiq --processes 1
python -m bench.workers.on_dramatiq FILE
"""

import sys

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from redis import Redis

from bench.workers.judging import URL, events, judged
from palpate_schemas.streams import EVENT_FIELD

dramatiq.set_broker(RedisBroker(url=URL))
redis = Redis.from_url(URL)


@dramatiq.actor(actor_name="judge")
def judge(raw: str) -> None:
    """Judge one claim and publish its verdict."""
    stream, event = judged(raw)
    redis.xadd(stream, {EVENT_FIELD: event})


if __name__ == "__main__":
    for each in events(sys.argv[1]):
        judge.send(each)
