"""Logs are events: one constant name, values by keyword, and no field that is not on the list.

The allow-list is what makes PHI impossible rather than unlikely: a field that nobody has thought about is dropped, and
an exception is shown as its type and place, never as its text.
"""

import json
import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TextIO, cast

import msgspec
import structlog

ALLOWED_FIELDS = frozenset(
    {
        # who speaks, and when
        "event", "level", "timestamp", "logger", "service", "consumer", "pid", "version",
        # what it is about: identifiers of ours and of the PMS, never of a person
        "claim_id", "claim_version", "event_id", "event_source", "event_type", "correlation_id", "traceparent",
        "stream", "group", "entry_id", "case_id", "delivery_id", "message_id", "practice", "profile", "rule",
        "ruleset", "outcome_event_id", "pointers",
        # what happened
        "verdict", "applicable", "outcome", "findings", "errors", "warnings", "undetermined", "status", "channel",
        "attempts", "deliveries", "count", "published", "duplicates", "stale", "lost", "rejected", "reclaimed",
        "dead", "waiting", "step", "steps", "reason", "resolved_to", "retry_in_s", "smtp_code",
        "signal", "exit_code", "process", "again", "after_entry", "before_entry", "entry_ids",
        # how long and where
        "duration_ms", "batch", "host", "port", "url_host", "path", "file_digest", "where", "error", "error_chain",
        "template",
    }
)  # fmt: skip
"""Every field that a log line may have."""

CHATTY = (
    "uvicorn", "uvicorn.error", "uvicorn.access", "aiosqlite", "alembic", "mail.log", "asyncio",
    "httpx", "httpcore", "faststream", "faststream.access.redis",
)  # fmt: skip
"""Libraries whose every step is nobody's event: heard from their warnings on, and through our formatter alone."""

_PLAIN = (str, int, float, bool, type(None))
_JUST_PLAIN = frozenset(_PLAIN)
"""Looked up first: nearly every value is one of these and no subclass of it."""


def only_allowed_fields(
    _logger: object, _method: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop every field that is not on the list, and everything that is not a plain value."""
    return {
        key: value
        for key, value in event_dict.items()
        if (key in ALLOWED_FIELDS and (type(value) in _JUST_PLAIN or _is_plain(value)))
        or key in {"_record", "_from_structlog"}
    }


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(item, _PLAIN) for item in value)
    return isinstance(value, _PLAIN)


def error_without_text(_logger: object, _method: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace exception info by the error's type and the place that raised it: its text may hold PHI."""
    info = event_dict.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event_dict.update(describe(error))
    event_dict.pop("exception", None)
    event_dict.pop("stack_info", None)
    return event_dict


def describe(error: BaseException) -> Mapping[str, Any]:
    """An error as log fields: type, place, and the types of what caused it."""
    chain: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(chain) < 5:
        chain.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    fields: dict[str, Any] = {"error": type(error).__name__, "where": place_of(error)}
    return {**fields, "error_chain": chain} if chain else fields


def place_of(error: BaseException) -> str:
    """`file.py:line in function` of the frame that raised, or an empty string."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""


def _library_record(_logger: object, _method: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A library's own log record: that it spoke, how gravely, and of which error; its words may hold anything."""
    record = event_dict.get("_record")
    if isinstance(record, logging.LogRecord):
        event_dict["event"] = "library_log"
        event_dict["logger"] = record.name
        # Of libraries that never see a claim, the template too: ops must be able to read "address already in use".
        if record.name.startswith(("uvicorn", "alembic")):
            event_dict["template"] = str(record.msg)[:200]
    return event_dict


_LINE = msgspec.json.Encoder()
"""There is a line for every claim: 0.5 microseconds instead of the standard library's 3.4."""


def _json_line(_logger: object, _method: str, event_dict: MutableMapping[str, Any]) -> str:
    with suppress(TypeError, UnicodeEncodeError):
        line = _LINE.encode(event_dict)
        if line.isascii():
            return line.decode()
    # A file name that is no UTF-8, or letters that some readers take for a line's end: only ASCII is written.
    return json.dumps(event_dict)


class _Unbreakable:
    """Swallows what it cannot write: a full disk or a closed pipe must not look like a fault of a claim."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write and flush, or do not."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
        return len(text)

    def flush(self) -> None:
        """Every write is flushed already."""


def configure(service: str, *, log_format: Literal["auto", "json", "console"] = "auto", level: str = "info") -> None:
    """Set up structlog and the standard library's logging for this process, to stderr; every line names the service."""
    pretty = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        error_without_text,
    ]
    renderer: structlog.typing.Processor = structlog.dev.ConsoleRenderer() if pretty else _json_line
    # Our own lines go straight to stderr: through the standard library's logging each costs three times as much, and
    # there is one for every claim.  The libraries' lines go through the handler below, to the same fields and form.
    structlog.configure(
        processors=[*shared, only_allowed_fields, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Unbreakable(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _library_record],
            processors=[
                only_allowed_fields,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
        logging.getLogger(chatty).handlers[:] = []
        logging.getLogger(chatty).propagate = True
    structlog.contextvars.bind_contextvars(service=service)
