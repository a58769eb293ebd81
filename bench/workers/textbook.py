"""FastStream as its own documentation writes a subscriber: one message, a typed model in, an event published.

faststream run bench.workers.textbook:app
python -m bench.workers.textbook FILE
"""

import asyncio
import sys
from datetime import UTC, datetime

from faststream import FastStream
from faststream.redis import RedisBroker, StreamSub

from bench.workers.judging import URL, book, events
from palpate_schemas.events import ClaimEvent
from palpate_schemas.lean import to_json
from palpate_schemas.streams import CLAIMS_CREATED, VALIDATOR_GROUP
from palpate_validator.verdicts import claim_digest, judgement_of, verdict_on

broker = RedisBroker(URL)
app = FastStream(broker)


@broker.subscriber(stream=StreamSub(CLAIMS_CREATED, group=VALIDATOR_GROUP, consumer="textbook"))
async def judge(event: ClaimEvent) -> None:
    """Judge one claim and publish its verdict; FastStream acknowledges when it returns."""
    judgement = judgement_of(event, book())
    found = verdict_on(event, judgement, claim_digest(event.data), book(), datetime.now(UTC))
    await broker.publish(to_json(found.event), stream=found.stream)


async def feed(file: str) -> None:
    """Publish events as FastStream's publisher does."""
    await broker.connect()
    for raw in events(file):
        await broker.publish(ClaimEvent.model_validate_json(raw), stream=CLAIMS_CREATED)
    await broker.stop()


if __name__ == "__main__":
    asyncio.run(feed(sys.argv[1]))
