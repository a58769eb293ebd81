"""Where events go: stream, group and field names.  With P = 1 the names are plain."""

from types import MappingProxyType

EVENT_FIELD = b"event"
"""The one stream field, whose value is the CloudEvent as JSON."""

CLAIMS_CREATED = "claims.created"
CLAIMS_PASSED = "claims.passed"
CLAIMS_FAILED = "claims.failed"
CLAIMS_REJECTED = "claims.rejected"
CORRECTIONS = "corrections"

VALIDATOR_GROUP = "validator"
NOTIFIER_GROUP = "notifier"

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
