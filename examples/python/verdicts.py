"""Shows verdicts and rejections as they come, with nothing but redis-py:  python verdicts.py [HOW_MANY]"""

import json
import os
import sys
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

STREAMS = ("claims.passed", "claims.failed", "claims.rejected")
GROUP = "pms"
# A name that is the same after a restart, and different for each process that runs at the same time.
CONSUMER = os.environ.get("PALPATE_CONSUMER", "pms-1")


def handle(event: dict[str, Any]) -> None:
    """What your system does with it.  It may be called twice for one event: key what you store by source_event."""
    data = event["data"]
    if event["type"] == "claim.rejected":
        print("rejected:", "; ".join(f"{error['pointer'] or '/'}: {error['reason']}" for error in data["errors"]))
        return
    print(f"{data['claim_id']} version {data['version']}: {data['verdict']}")
    for finding in data["findings"]:
        if finding["severity"] == "error":
            print(f"  {finding['rule']} ({finding['fixer']}): {finding['remedy']}")


def make_groups(redis: "Redis") -> None:
    """From 0: what was published before the first start is read too."""
    for stream in STREAMS:
        try:
            redis.xgroup_create(stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # the group is there
                raise


left = int(sys.argv[1]) if len(sys.argv) > 1 else sys.maxsize
with Redis.from_url(os.environ.get("PALPATE_REDIS_URL", "redis://127.0.0.1:6379/0")) as redis:
    make_groups(redis)
    # First what this consumer was given and did not acknowledge ("0"), then what is new (">").
    since = "0"
    while left > 0:
        answer: Any = redis.xreadgroup(
            GROUP, CONSUMER, dict.fromkeys(STREAMS, since), count=min(100, left), block=4_000
        )
        entries = [(stream, *entry) for stream, found in answer or () for entry in found]
        if not entries:
            since = ">"
        for stream, entry_id, fields in entries:
            handle(json.loads(fields[b"event"]))
            # Only now: if this process dies before, it is given the event again.
            redis.xack(stream, GROUP, entry_id)
            left -= 1
