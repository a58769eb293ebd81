"""The ways to write claims into a request, by content type."""

import io
from collections.abc import Iterator, Mapping
from typing import BinaryIO
from urllib.parse import unquote

from pydantic import ValidationError
from starlette.datastructures import Headers

from palpate_intake.http.problems import WRONG_MODE, Refused
from palpate_intake.http.taking_in import NAME, Read
from palpate_intake.json_claims import read_events, read_fhir
from palpate_intake.json_text import parsed
from palpate_intake.outcome import Outcome, ReadClaim, Unreadable, unreadable
from palpate_intake.x12 import read_x12
from palpate_schemas.events import MAX_EVENT_BYTES, ClaimEvent
from palpate_schemas.reasons import reasons_of

EVENT = "application/cloudevents+json"
EVENTS = "application/cloudevents-batch+json"
JSON = "application/json"
FHIR = "application/fhir+json"
X12 = ("application/edi-x12", "text/plain", "application/octet-stream")

EVENT_HEADERS = ("ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time", "ce-dataschema")
"""The attributes of an event in binary mode; `traceparent` keeps its own name (W3C Trace Context)."""


def media_type(headers: Headers) -> str:
    """The content type without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def reader_of_events(kind: str, headers: Headers) -> Read:
    """How the claims of `POST /events` are read.

    Raises:
        Refused: binary mode without its headers.
    """
    if kind == EVENT:
        return _one_event
    if kind == EVENTS:
        return _event_list
    attributes = _attributes(headers)
    if "specversion" not in attributes:
        raise Refused(
            WRONG_MODE,
            f"{JSON} is an event in binary mode, whose attributes are headers (ce-specversion, ce-id, ce-source, "
            f"ce-type ...); a whole event is {EVENT}, several are {EVENTS}",
        )
    return lambda body: _event_in_headers(attributes, body)


def fhir_reader(body: BinaryIO) -> Iterator[Outcome]:
    """The claims of a FHIR `Claim` or `Bundle`."""
    return read_fhir(body, NAME)


def x12_reader(body: BinaryIO) -> Iterator[Outcome]:
    """The claims of an 837P."""
    return read_x12(body, NAME)


def _one_event(body: BinaryIO) -> Iterator[Outcome]:
    _begins_with(body, b"{", f"{EVENT} is one event, a JSON object; several are {EVENTS}")
    return read_events(body, NAME)


def _event_list(body: BinaryIO) -> Iterator[Outcome]:
    _begins_with(body, b"[", f"{EVENTS} is a JSON list of events; one is {EVENT}")
    return read_events(body, NAME)


def _begins_with(body: BinaryIO, mark: bytes, otherwise: str) -> None:
    """Look at the beginning without taking it; only blanks there tell nothing, and are the reader's to complain of."""
    assert isinstance(body, io.BufferedReader)  # noqa: S101 - as it was made
    begins = body.peek(1).lstrip(b" \t\r\n\xef\xbb\xbf")
    if begins and not begins.startswith(mark):
        raise Refused(WRONG_MODE, otherwise)


def _attributes(headers: Headers) -> dict[str, str]:
    """An event's attributes from its headers, percent-decoded as the HTTP binding has it."""
    found = {name.removeprefix("ce-"): unquote(headers[name]) for name in EVENT_HEADERS if name in headers}
    if "traceparent" in headers:
        found["traceparent"] = headers["traceparent"]
    return found


def _event_in_headers(attributes: Mapping[str, str], body: BinaryIO) -> Iterator[Outcome]:
    raw = body.read(MAX_EVENT_BYTES + 1)
    if len(raw) > MAX_EVENT_BYTES:
        yield unreadable(NAME, NAME, f"a claim has at most {MAX_EVENT_BYTES} bytes")
        return
    piece = parsed(raw, 1)
    if piece.fault is not None:
        where = f"line {piece.fault_line}"
        yield unreadable(NAME, where, f"{NAME}, {where}, column {piece.fault_column}: {piece.fault}")
        return
    try:
        event = ClaimEvent.model_validate({**attributes, "data": piece.value})
    except ValidationError as error:
        yield Unreadable(NAME, NAME, reasons_of(error))
    else:
        yield ReadClaim(event.data, NAME, NAME, event)
