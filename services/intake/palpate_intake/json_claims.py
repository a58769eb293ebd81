"""JSON claims: CloudEvents, bare `data`, rows of judged claims, FHIR R4, one or many in a file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from pydantic import ValidationError

from palpate_intake.hints import NO_HINTS, Hints
from palpate_intake.json_text import Piece, pieces, places
from palpate_intake.outcome import Locate, Outcome, ReadClaim, Unreadable, unreadable
from palpate_schemas.claim import Claim
from palpate_schemas.events import MAX_EVENT_BYTES, ClaimEvent
from palpate_schemas.lean import read_claim, read_claim_event
from palpate_schemas.reasons import reasons_of

EXPECTED = (
    "this JSON is none of what Palpate reads: a claim event (specversion, type, source, id, data), its bare data "
    "(claim_id, payer, patient, lines ...), a row with the key claim, or a FHIR R4 Claim or Bundle (resourceType)"
)


def read_json(stream: BinaryIO, file: str, hints: Hints = NO_HINTS, *, lean: bool = False) -> Iterator[Outcome]:
    """Every claim of a JSON file, one outcome each; lean structures where a line is a claim and nothing else."""
    found = pieces(stream, _lean_claim if lean and hints is NO_HINTS else None)
    return _each(found, file, lambda piece: _claims(piece, file, hints))


def read_events(stream: BinaryIO, file: str) -> Iterator[Outcome]:
    """Every claim event of a JSON file, and nothing else: one outcome each."""
    return _each(pieces(stream, largest=MAX_EVENT_BYTES), file, lambda piece: _only_event(piece, file))


def read_fhir(stream: BinaryIO, file: str) -> Iterator[Outcome]:
    """Every claim of the FHIR resources of a JSON file, and of nothing else."""
    return _each(pieces(stream), file, lambda piece: _only_fhir(piece, file))


def _each(found: Iterator[Piece], file: str, read: Callable[[Piece], Iterator[Outcome]]) -> Iterator[Outcome]:
    """What is read of each piece, why one could not be read, and that there is none."""
    empty = True
    for piece in found:
        empty = False
        yield from read(piece) if piece.fault is None else [_broken(piece, file)]
    if empty:
        yield unreadable(file, "line 1", f"{file} is empty")


def _only_event(piece: Piece, file: str) -> Iterator[Outcome]:
    position = f"line {piece.line}"
    if isinstance(piece.value, dict) and _is_event(piece.value):
        yield _event(piece.value, file, NO_HINTS, position, _Lines(piece, "/data").locate)
    else:
        yield unreadable(file, position, "no CloudEvent: specversion, id, source, type and data are needed")


def _only_fhir(piece: Piece, file: str) -> Iterator[Outcome]:
    position, value = f"line {piece.line}", piece.value
    if isinstance(value, dict) and "resourceType" in value:
        yield from _fhir(piece, file, NO_HINTS)
    elif isinstance(value, dict) and _is_event(value):
        yield unreadable(file, position, "this is a CloudEvent: send it to /events")
    else:
        yield unreadable(file, position, "this is no FHIR resource: its resourceType is Claim, or Bundle")


def _fhir(piece: Piece, file: str, hints: Hints) -> Iterator[Outcome]:
    from palpate_intake.fhir import fhir_claims  # noqa: PLC0415 - whoever has claim events does not wait for it

    return fhir_claims(piece.value, file, hints, f"line {piece.line}", _Lines(piece).line_of)


def _broken(piece: Piece, file: str) -> Unreadable:
    where = f"{file}, line {piece.fault_line}, column {piece.fault_column}"
    return unreadable(file, f"line {piece.fault_line}", f"{where}: {piece.fault}")


def _is_event(value: dict[str, Any]) -> bool:
    return "specversion" in value or ("data" in value and "type" in value)


def _claims(piece: Piece, file: str, hints: Hints) -> Iterator[Outcome]:
    position = f"line {piece.line}"
    value = piece.value
    if isinstance(value, _Lean):
        event, claim, at = value
        yield ReadClaim(claim, file, position, event, locate=_Lines(piece, at).locate)
    elif not isinstance(value, dict):
        yield unreadable(file, position, EXPECTED)
    elif "resourceType" in value:
        yield from _fhir(piece, file, hints)
    elif _is_event(value):
        yield _event(value, file, hints, position, _Lines(piece, "/data").locate)
    elif isinstance(value.get("claim"), dict) and "claim_id" not in value:
        yield _claim(value["claim"], file, hints, position, _Lines(piece, "/claim"))
    elif "claim_id" in value or "lines" in value:
        yield _claim(value, file, hints, position, _Lines(piece))
    else:
        yield unreadable(file, position, EXPECTED)


class _Lean(NamedTuple):
    """A line that is a claim or its event, and nothing is wrong with it."""

    event: ClaimEvent | None
    claim: Claim
    at: str
    """Where in the line the claim is."""


def _lean_claim(line: bytes) -> _Lean | None:
    """Most lines of large files are these, and are read in a third of the time so."""
    try:
        if line.startswith(b'{"claim_id"'):
            return _Lean(None, read_claim(line), "")
        if line.startswith(b'{"specversion"'):
            event = read_claim_event(line)
            return _Lean(event, event.data, "/data")
    except ValidationError:
        pass  # what is wrong with it is told with its place
    return None


def _event(value: dict[str, Any], file: str, hints: Hints, position: str, locate: Locate) -> Outcome:
    try:
        event = ClaimEvent.model_validate(value)
    except ValidationError as error:
        data = value.get("data")
        return Unreadable(file, position, reasons_of(error), _claim_id(data if isinstance(data, dict) else {}))
    claim = hints.applied(event.data)
    if claim is not event.data:
        event = event.model_copy(update={"data": claim})
    return ReadClaim(claim, file, position, event, locate=locate)


def _claim(value: dict[str, Any], file: str, hints: Hints, position: str, lines: "_Lines") -> Outcome:
    try:
        claim = Claim.model_validate(value)
    except ValidationError as error:
        return Unreadable(file, position, reasons_of(error, lines.prefix), _claim_id(value))
    return ReadClaim(hints.applied(claim), file, position, locate=lines.locate)


def _claim_id(value: dict[str, Any]) -> str | None:
    sent = value.get("claim_id")
    return sent if isinstance(sent, str) and 0 < len(sent) <= 64 else None


@dataclass(slots=True)
class _Lines:
    """The lines of a piece's parts, found when first asked for."""

    piece: Piece
    prefix: str = ""
    """Where in the piece the claim is."""
    _known: dict[str, int] | None = None

    def line_of(self, pointer: str) -> int | None:
        """The line of a part of the piece."""
        if self._known is None:
            self._known = places(self.piece.raw, self.piece.line)
        return self._known.get(pointer)

    def locate(self, pointer: str) -> str | None:
        """The line of a part of the claim."""
        line = self.line_of(self.prefix + pointer)
        return None if line is None else f"line {line}"
