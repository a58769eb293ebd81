"""From what was odd or unreadable in an 837P to the errors of a 999: `syntax.toml`."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from palpate_intake.outcome import Envelope, ReadClaim, StructureFinding
from palpate_intake.replies.claim_status import field_of, is_missing
from palpate_intake.replies.x12_replies import Read
from palpate_schemas.rejection import RejectionError

TABLE = Path(__file__).with_name("syntax.toml")

ELEMENT_MISSING = "1"
"""IK403."""
HAS_ELEMENT_ERRORS, TOO_MANY = "8", "4"
"""IK304."""

_SEGMENT = re.compile(r"segment ([0-9]+)")


@dataclass(frozen=True, slots=True)
class Written:
    """Where a part of a claim is written, and which error it is when it is wrong."""

    segment: str
    code: str
    loop: str = ""
    element: str = ""
    """Its position in the segment, and after a colon its component's."""
    reference: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class SyntaxTable:
    """The whole table."""

    fields: dict[str, Written]
    segments: dict[str, Written]
    transactions: dict[str, str]
    groups: dict[str, str]
    not_in_a_999: dict[str, str]


@dataclass(frozen=True, slots=True)
class SegmentError:
    """One IK3, with its IK4 where an element is to blame.  It never repeats the value."""

    segment: str
    position: int
    """In the transaction: ST is 1."""
    loop: str
    code: str
    element: str = ""
    reference: str = ""
    element_code: str = ""


@cache
def syntax_table() -> SyntaxTable:
    """The shipped table.

    Raises:
        ValueError: it is not as it should be; with the file's name.
    """
    try:
        written = tomllib.loads(TABLE.read_text("utf-8"))
        return SyntaxTable(
            fields={key: Written(**row) for key, row in written["fields"].items()},
            segments={key: Written(**row) for key, row in written["segments"].items()},
            transactions=written["transactions"],
            groups=written["groups"],
            not_in_a_999=written["not_in_a_999"],
        )
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{TABLE.name} is no table of syntax errors: {error}") from error


def segment_errors(read: Read, envelope: Envelope) -> list[SegmentError]:
    """Every error of one claim's segments, in the order in which they were found."""
    found = [error for each in read.structure if (error := _odd(each, read, envelope)) is not None]
    if not isinstance(read, ReadClaim):
        found += [_refused(reason, read.position, envelope) for reason in read.reasons if reason.pointer]
    return list(dict.fromkeys(found))


def _odd(finding: StructureFinding, read: Read, envelope: Envelope) -> SegmentError | None:
    written = syntax_table().segments.get(finding.code)
    if written is None:
        return None
    place = finding.position
    if written.pointer and isinstance(read, ReadClaim):
        place = read.line_position(written.pointer)
    return _error(written, _within(place, envelope), written.code)


def _refused(reason: RejectionError, position: str, envelope: Envelope) -> SegmentError:
    """One reason why a claim is none; it says itself in which segment, where that is known."""
    written = syntax_table().fields.get(field_of(reason.pointer))
    where = _SEGMENT.findall(reason.reason)
    place = _within(f"segment {where[-1]}" if where else position, envelope)
    if written is None:
        return SegmentError("CLM", place, "2300", HAS_ELEMENT_ERRORS)
    if not written.element:
        return _error(written, place, TOO_MANY if "at most" in reason.reason else written.code)
    return _error(written, place, ELEMENT_MISSING if is_missing(reason) else written.code)


def _error(written: Written, position: int, code: str) -> SegmentError:
    if not written.element:
        return SegmentError(written.segment, position, written.loop, code)
    return SegmentError(
        written.segment, position, written.loop, HAS_ELEMENT_ERRORS, written.element, written.reference, code
    )


def _within(place: str, envelope: Envelope) -> int:
    """A segment of the file as one of its transaction."""
    found = _SEGMENT.match(place)
    return max(int(found.group(1)) - envelope.transaction_segment + 1, 1) if found else 1
