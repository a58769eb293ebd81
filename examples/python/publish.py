"""Publishes the claims of files, JSON, FHIR or 837P, with Palpate's own package:  python publish.py FILE..."""

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from palpate_intake.files import open_files
from palpate_intake.outcome import Unreadable
from palpate_intake.publishing import Publisher, batches, event_of
from palpate_intake.reading import read_claims
from palpate_runtime.servers import client_for
from palpate_schemas.events import ClaimEvent

SOURCE = "urn:pms:acme:clinic-7"


def events(paths: Sequence[str]) -> Iterator[ClaimEvent]:
    """Every readable claim as its event.  The same claim is the same event, however often it is published."""
    for name, stream in open_files(paths):
        for read in read_claims(stream, name):
            if isinstance(read, Unreadable):
                print(f"{name}: {read.position}: {read.reasons[0].reason}", file=sys.stderr)
            else:
                yield event_of(read, SOURCE, datetime.now(UTC))


with client_for(os.environ.get("PALPATE_REDIS_URL", "redis://127.0.0.1:6379/0")) as redis:
    publisher = Publisher(redis)
    for batch in batches(events(sys.argv[1:])):
        publisher.publish(batch)  # when it returns, Redis has confirmed every one
        print("\n".join(f"{event.id} is on the stream" for event in batch))
