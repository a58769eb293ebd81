"""X12 as segments: the delimiters that each interchange names, and its segments one by one from any stream.

Real files are read as they are: a byte-order mark, blank and indented segments, CRLF, a newline as the terminator,
an ISA that is not padded, several interchanges with different delimiters, or no ISA at all.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

CHUNK_BYTES = 65_536
LONGEST_SEGMENT = 262_144
"""Characters.  The longest segment of an 837P is a few hundred; without a terminator in this many it is no X12."""

_PADDING = " \t\r\n\x00\x1a\xef\xbb\xbf"
"""What may stand around a segment: white space, NUL, Ctrl-Z, a byte-order mark in the middle of joined files."""

_LONGEST_ISA = 400
_WINDOW = 8192
"""Characters that a guess of the delimiters looks at."""

_UNTERMINATED = re.compile(r"(?<!\s)\s++ISA[^\w\s]")
"""An IEA without its terminator, and the next interchange on the next line.  Each run of blanks is tried once."""

_MOST_GUESSES = 1_000
"""Interchanges of a stream whose delimiters are guessed: each guess costs as much as reading some kilobytes."""

_FIRST_SEGMENTS = ("ISA", "GS", "ST")
_OPENING = re.compile(r"(?:ISA|GS|ST)[^\w\s]")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The characters that separate one interchange's data."""

    element: str
    component: str
    repetition: str
    terminator: str


USUAL = Delimiters("*", ":", "^", "~")


def looks_like_x12(start: str) -> bool:
    """Whether a text begins with an interchange, a group or a transaction."""
    return _OPENING.match(start.lstrip(_PADDING)) is not None


def delimiters_of(text: str) -> Delimiters:
    """The delimiters of a text that begins with ISA, GS or ST: counted from the ISA, else guessed from what follows."""
    return _counted(text) or _guessed(text)


def _counted(text: str) -> Delimiters | None:
    """ISA[3] is the element separator, ISA16 the component separator, the next character the terminator.

    Separators are counted rather than columns, so that an ISA without its padding is read too.
    """
    if not text.startswith("ISA") or len(text) < 4:
        return None
    element = text[3]
    parts = text[:_LONGEST_ISA].split(element, 16)
    if len(parts) < 17 or len(parts[16]) < 2:
        return None
    component, terminator = parts[16][0], parts[16][1]
    if _is_data(element) or _is_data(component) or _is_data(terminator) or len({element, component, terminator}) < 3:
        return None
    repetition = parts[11][:1]
    return Delimiters(element, component, "" if _is_data(repetition) else repetition, terminator)


def _is_data(character: str) -> bool:
    return not character or character.isalnum() or character == " "


def _guessed(text: str) -> Delimiters:
    element = next((text[len(first)] for first in _FIRST_SEGMENTS if _opens(text, first)), USUAL.element)
    separator = re.escape(element)
    ending = re.search(rf"([^\w\s]?)\s{{0,40}}(?:GS|ST|BHT|HL|NM1|REF){separator}", text[3:])
    terminator = ending.group(1) if ending else USUAL.terminator
    composite = re.search(rf"(?:SV1|HI){separator}(?:HC|ABK|BK)([^\w\s])", text)
    component = composite.group(1) if composite else USUAL.component
    return Delimiters(element, component, USUAL.repetition, "\n" if terminator in {"", element} else terminator)


def _opens(text: str, first: str) -> bool:
    return text.startswith(first) and len(text) > len(first) and not _is_data(text[len(first)])


class Segments:
    """The segments of a stream, in order.

    Attributes:
        number: Position of the last segment given, counted from 1 over the whole stream; blank ones do not count.
        delimiters: Those in force for the last segment given.
        dropped: How often data without a terminator was thrown away.
        given_up: Why the stream was not read to its end; None when it was.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.number = 0
        self.delimiters = USUAL
        self.dropped = 0
        self.given_up: str | None = None
        self._guesses = 0

    def __iter__(self) -> Iterator[list[str]]:
        text, ended, begun = "", False, False
        while not ended:
            chunk = self._stream.read(CHUNK_BYTES)
            ended = not chunk
            # Latin-1 keeps one character a byte, so that any byte can be a delimiter; `words` mends names.
            text += chunk.decode("latin-1")
            if not begun and len(text) < _LONGEST_ISA and not ended:
                continue
            if not begun:
                text = text.lstrip(_PADDING)
                self._adopt(text)
                begun = True
            text = yield from self._complete(text, ended=ended)
            if len(text) > LONGEST_SEGMENT:
                self.dropped += 1
                text = ""
            ended = ended or self.given_up is not None

    def _adopt(self, text: str, start: int = 0) -> None:
        """The delimiters of the interchange that begins here are in force from here on."""
        counted = _counted(text[start : start + _LONGEST_ISA])
        if counted is None:
            self._guesses += 1
        self.delimiters = counted or _guessed(text[start : start + _WINDOW])

    def _complete(self, text: str, *, ended: bool) -> Generator[list[str], None, str]:
        """Give every segment that is complete, and return the text of what is not."""
        start = 0
        while True:
            end = text.find(self.delimiters.terminator, start)
            if end < 0:
                if not ended or start >= len(text):
                    return text[start:]
                end = len(text)
            segment = text[start:end].strip(_PADDING)
            if segment.startswith("ISA") and _OPENING.match(segment):
                # A new interchange names its own delimiters, so its end is looked for anew.
                start = text.index("ISA", start)
                if len(text) - start < _LONGEST_ISA and not ended:
                    return text[start:]
                self._adopt(text, start)
                if self._guesses > _MOST_GUESSES:
                    self.given_up = (
                        f"more than {_MOST_GUESSES} interchanges have no whole ISA segment, so their delimiters were "
                        "guessed: what follows was not read; write each ISA with its 16 elements, and send it again"
                    )
                    return ""
                end = text.find(self.delimiters.terminator, start + 4)
                end = len(text) if end < 0 else end
                segment = text[start:end].strip(_PADDING)
            elif segment.startswith("IEA") and (joined := _UNTERMINATED.search(segment)) is not None:
                end = text.index("IEA", start) + joined.end() - len(" ISA*")
                segment = segment[: joined.start()]
            start = end + 1
            if segment:
                self.number += 1
                yield segment.split(self.delimiters.element)


def words(text: str) -> str:
    """A name as its sender wrote it: UTF-8 where the bytes are UTF-8."""
    if text.isascii():
        return text.strip()
    try:
        return text.encode("latin-1").decode("utf-8").strip()
    except UnicodeDecodeError:
        return text.strip()
