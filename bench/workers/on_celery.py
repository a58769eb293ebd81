"""Celery with Redis as its broker, a job a claim.

celery -A bench.workers.on_celery worker --pool solo
python -m bench.workers.on_celery FILE
"""

import sys

from celery import Celery
from redis import Redis

from bench.workers.judging import URL, events, judged
from palpate_schemas.streams import EVENT_FIELD

app = Celery("bench", broker=URL)
app.conf.update(task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=16)
redis = Redis.from_url(URL)


@app.task(name="judge")
def judge(raw: str) -> None:
    """Judge one claim and publish its verdict."""
    stream, event = judged(raw)
    redis.xadd(stream, {EVENT_FIELD: event})


if __name__ == "__main__":
    for each in events(sys.argv[1]):
        judge.delay(each)
