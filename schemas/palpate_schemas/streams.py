"""Where events go: stream, group and field names.  With one partition the names are plain."""

import zlib
from types import MappingProxyType

EVENT_FIELD = b"event"
"""The one stream field, whose value is the CloudEvent as JSON."""

CLAIMS_CREATED = "claims.created"
CLAIMS_PASSED = "claims.passed"
CLAIMS_FAILED = "claims.failed"
CLAIMS_REJECTED = "claims.rejected"
CORRECTIONS = "corrections"
WEBHOOKS = "webhooks"
"""What is to be sent to a source's webhook once more; `webhooks.dead` is what no webhook took in time."""

VALIDATOR_GROUP = "validator"
NOTIFIER_GROUP = "notifier"
INTAKE_GROUP = "intake"
"""There only where the HTTP intake runs, so not among the `READERS` that every installation has."""

READERS = MappingProxyType(
    {
        CLAIMS_CREATED: (VALIDATOR_GROUP,),
        CLAIMS_PASSED: (NOTIFIER_GROUP,),
        CLAIMS_FAILED: (NOTIFIER_GROUP,),
        CLAIMS_REJECTED: (),
        CORRECTIONS: (),
    }
)
"""Every stream and our consumer groups on it."""


def dead(stream: str) -> str:
    """The stream of what could not be handled from `stream`."""
    return f"{stream}.dead"


def partition_of(patient_id: str, count: int) -> int:
    """The partition of a patient's claims: CRC-32 of the id in UTF-8, modulo the number of partitions.

    CRC-32 is at hand in every language, so that every publisher finds the same partition.  All claims of a patient are
    in one, so that they are read in the order in which they were written.
    """
    return zlib.crc32(patient_id.encode()) % count


def partitioned(stream: str, partition: int | None) -> str:
    """A stream's name in a partition, e.g. `claims.created:{3}`; the plain name where there are none.

    The braces are Redis Cluster's hash tag: everything of one partition lies in one slot.
    """
    return stream if partition is None else f"{stream}:{{{partition}}}"


def partition_in(stream: str) -> int | None:
    """The partition in a stream's name; None in a plain name."""
    _, brace, rest = stream.partition(":{")
    return int(rest.partition("}")[0]) if brace else None


def stream_for(patient_id: str, partitions: int, *, cluster: bool = False) -> str:
    """Where a publisher writes a patient's claim events: `claims.created`, or its partition.

    On Redis Cluster even a single partition has its tag.
    """
    if partitions == 1 and not cluster:
        return CLAIMS_CREATED
    return partitioned(CLAIMS_CREATED, partition_of(patient_id, partitions))
