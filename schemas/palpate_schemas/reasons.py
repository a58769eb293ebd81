"""Why something is not a claim or a claim event: one reason for each error, by pointer, without the value sent."""

from functools import cache

from pydantic import ValidationError

from palpate_schemas.events import ClaimEvent
from palpate_schemas.rejection import RejectionError

MOST_REASONS = 100
"""A claim of which a hundred things are wrong has been described well enough."""


def reasons_of(error: ValidationError, prefix: str = "") -> tuple[RejectionError, ...]:
    """Say each error by its RFC 6901 pointer.  The value that was sent is not repeated: it may be PHI.

    Args:
        error: From validating a `Claim` or a `ClaimEvent`.
        prefix: Pointer of the validated value in what was sent.
    """
    details = error.errors(include_url=False, include_input=False, include_context=False)
    left = {detail["loc"][:at] for detail in details for at, part in enumerate(detail["loc"]) if isinstance(part, int)}
    # A list that was left at its first wrong member has not been found too short.
    told = [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in left]
    reasons = [
        RejectionError(pointer=prefix + _pointer(detail["loc"]), reason=_reason(detail["type"], detail["msg"]))
        for detail in told[:MOST_REASONS]
    ]
    if len(told) > MOST_REASONS:
        reasons.append(RejectionError(pointer=prefix, reason=f"and {len(told) - MOST_REASONS} more"))
    return tuple(reasons)


def _reason(kind: str, message: str) -> str:
    if kind == "json_invalid":
        return message.replace("Invalid JSON: ", "not JSON: ")
    if kind == "missing":
        return "this field is required and is not there"
    if kind in {"too_short", "too_long"}:
        message = message.replace("Tuple", "list").replace(" after validation", "")
    return message[:1].lower() + message[1:]


def _pointer(location: tuple[int | str, ...]) -> str:
    """A key that a PMS invented is not repeated: it may be PHI."""
    fields = _fields()
    known = [str(part) if isinstance(part, int) or part in fields else "*" for part in location if part != "[key]"]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in known)


@cache
def _fields() -> frozenset[str]:
    """The names of the contract's fields; most runs have no error to tell and need none."""
    schema = ClaimEvent.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for model in models for name in model.get("properties", {}))
