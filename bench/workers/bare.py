"""The limit: a bare redis-py loop that reads each claim as the validator does and judges nothing.

It reads 500 at a time and sends its answers and acknowledgements in one pipeline; a crash between two of its commands
would lose or double.  Nothing that reads claims with redis-py is faster than this by much.

    python -m bench.workers.bare REDIS_URL STREAM [models]

With `models` it reads with the contract's models, as whoever has nothing but pydantic does.
"""

import sys
from collections.abc import Callable

import uvloop
from pydantic_core import to_json
from redis.asyncio import Redis

from palpate_schemas.events import ClaimEvent
from palpate_schemas.lean import read_claim_event
from palpate_schemas.streams import CLAIMS_PASSED, EVENT_FIELD, VALIDATOR_GROUP

AT_ONCE = 500


async def work(url: str, stream: str, read: Callable[[bytes], ClaimEvent]) -> None:
    """Read, parse, answer, acknowledge, until killed."""
    async with Redis.from_url(url) as redis:
        while True:
            answer = await redis.xreadgroup(VALIDATOR_GROUP, "bare", {stream: ">"}, count=AT_ONCE, block=1000)
            for _, entries in answer or ():
                pipe = redis.pipeline(transaction=False)
                for entry_id, fields in entries:
                    pipe.xadd(CLAIMS_PASSED, {EVENT_FIELD: seen(read(fields[EVENT_FIELD]))})
                    pipe.xack(stream, VALIDATOR_GROUP, entry_id)
                await pipe.execute()


def seen(event: ClaimEvent) -> bytes:
    """The smallest event that says that a claim has been read."""
    data = {"claim_id": event.data.claim_id, "version": event.data.version, "verdict": "pass"}
    return to_json({"specversion": "1.0", "id": event.id, "source": "bare", "type": "claim.passed", "data": data})


if __name__ == "__main__":
    how = ClaimEvent.model_validate_json if "models" in sys.argv[3:] else read_claim_event
    uvloop.run(work(sys.argv[1], sys.argv[2], how))
