"""Which techniques a visit note says were given: its free text, read by a vocabulary of what clinicians write.

The text is scanned once, by one alternation of every phrase in `tables/techniques.toml`.  The words around a phrase
decide, within its sentence, whether the clinician gave it, the patient did it, it was held, or nobody can tell.
Nothing of the note leaves this module but the vocabulary's own terms.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Literal, get_args

from palpate_schemas.values import Profession
from palpate_validator.dated import BadData
from palpate_validator.tables import TABLES

TechniqueKind = Literal["manual", "either", "hands_on", "modality", "activity", "generic"]
"""What the table's head says of each."""


class Status(Enum):
    """What the words around a technique say of it."""

    GIVEN = "given"
    NOT_GIVEN = "not given"
    BY_PATIENT = "by the patient"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, eq=False)
class Technique:
    """One way of treating, and the codes that describe it."""

    id: str
    name: str
    kind: TechniqueKind
    codes: frozenset[str]
    ambiguous: bool
    part_of_osteopathic: bool
    by: frozenset[Profession] | None
    otherwise: str | None
    becomes: Mapping[Profession, str]

    @property
    def depends_on_profession(self) -> bool:
        """Whether the same words mean something else from another profession's hand."""
        return self.by is not None or bool(self.becomes)


@dataclass(frozen=True, slots=True)
class Mention:
    """A technique named in a note: the vocabulary's term for it, and whether it was given."""

    term: str
    technique: Technique
    status: Status


@dataclass(frozen=True, slots=True)
class Scan:
    """What one text names, in its order."""

    mentions: tuple[Mention, ...]
    mobilizing: bool
    """Whether it speaks of restricted motion, adhesions or the like: why a hand may have been laid on."""


@dataclass(frozen=True, slots=True)
class _Phrase:
    """What one alternative of the scan stands for: a technique's term, or a cue."""

    term: str
    technique: Technique | None
    capitals: bool = False


@dataclass(slots=True)
class _Found:
    """A mention while its sentence is being read."""

    phrase: _Phrase
    technique: Technique
    status: Status
    start: int
    end: int


_CUES = (
    "not_before",
    "not_after",
    "not_beside",
    "patient_before",
    "self",
    "patient_after",
    "elsewhen",
    "reset",
    "intent",
)
_BREAK = "break"
_MARKS = (
    (r"\[ ?\]|\u2610|\( \)", "not_before"),  # a box that is not ticked
    ("(?<=hep):", "patient_before"),
    (r"[;\n!?|\u2022]|\.(?= |\n|$)", _BREAK),
)
_KINDS = frozenset(get_args(TechniqueKind))
_KEYS = frozenset(
    {"id", "name", "kind", "codes", "say", "capitals", "by", "otherwise", "becomes", "ambiguous", "part_of_osteopathic"}
)

_BLANKS = re.compile(r"[^\S\n]+")
# One character for one, so that places in the lowered text are places in the note.
_LOWER = str.maketrans(ascii_uppercase + "\u2018\u2019\u2010\u2011\u2013\u2014", ascii_lowercase + "''----")
_REACH = 80
"""How many characters a cue reaches: no further than a reader would, and short enough to stay linear."""
_JOINED = re.compile(r" ?(?:(?P<same>/|or|nor|and/or)|(?P<list>,? ?(?:and|&|\+|,)|, ?(?:or|nor)))? ?")
_LEFT_OPEN = re.compile(r"[,(]|\b(?:and|but)\b")
# "No pain with joint mobs": what is denied is the pain.
_OF_AN_OUTCOME = re.compile(
    r"(?<!\S)(?:with|w/|after|during|from|following|to|since|upon|for|due|secondary|pain|increased?|decrease|changes?|"
    r"adverse|complaints?|soreness|difficulty|reactions?|response|effects?|issues?|symptoms|discomfort|guarding|"
    r"tenderness|improvement|relief|need)(?!\S)"
)


class Vocabulary:
    """The phrases of the table, and the scan that finds them."""

    def __init__(self, techniques: Mapping[str, Technique], phrases: Iterable[tuple[str, _Phrase]]) -> None:
        self.techniques = techniques
        words: list[str] = []
        self._phrases: list[_Phrase] = [_Phrase(_BREAK, None)]  # group numbers begin at 1
        for first, rests in _by_first_letter(phrases):
            # The empty group at an alternative's end tells which one matched.
            words.append(f"{first}(?:{'|'.join(f'{rest}()' for rest, _ in rests)})")
            self._phrases += [phrase for _, phrase in rests]
        marks: list[str] = []
        for pattern, cue in _MARKS:
            marks.append(f"(?:{pattern})()")
            self._phrases.append(_Phrase(cue, None))
        self._scan = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)|{'|'.join(marks)}")

    def scan(self, text: str) -> Scan:
        """Everything that a text names.  Linear in its length; never raises."""
        original = _BLANKS.sub(" ", text)
        lower = original.translate(_LOWER)
        shouted = original.isupper() and original.count(" ") > 4
        reader = _Reader(lower)
        for match in self._scan.finditer(lower):
            phrase = self._phrases[match.lastindex or 0]
            if phrase.technique is None:
                reader.cue(phrase.term, match.start(), match.end())
            elif not phrase.capitals or _in_capitals(original[match.start() : match.end()]):
                # A note all in capitals does not tell MET from "met".
                unclear = phrase.capitals and shouted
                reader.mention(phrase, phrase.technique, match.start(), match.end(), unclear=unclear)
        return reader.scan()

    def meant(self, technique: Technique, profession: Profession | None) -> Technique | None:
        """What a technique's words mean from this profession's hand; None for nothing that is treatment."""
        if profession is not None and profession in technique.becomes:
            return self.techniques[technique.becomes[profession]]
        if technique.by is None or profession in technique.by:
            return technique
        return None if technique.otherwise is None else self.techniques[technique.otherwise]


_Alternatives = list[tuple[str, _Phrase]]


def _by_first_letter(phrases: Iterable[tuple[str, _Phrase]]) -> Iterator[tuple[str, _Alternatives]]:
    """The same alternatives, those that begin with the same letter together: a word is tried with its own only.

    What begins alike keeps its order, and what may begin with any letter keeps its place among the others, so the
    alternative that matches first is the same.
    """
    together: dict[str, _Alternatives] = {}
    for pattern, phrase in phrases:
        for spelling in _spelled_out(pattern):
            if _BEGINS_WITH_A_LETTER.match(spelling):
                together.setdefault(spelling[0], []).append((spelling[1:], phrase))
            else:
                yield from together.items()
                together = {}
                yield "", [(spelling, phrase)]
    yield from together.items()


_BEGINS_WITH_A_LETTER = re.compile(r"[a-z](?![?{])")


def _spelled_out(pattern: str) -> list[str]:
    """A pattern as alternatives that each begin with a letter, where its beginning is a choice: `(?:a|b)?c`."""
    if re.match(r"[a-z]\?(?!\?)", pattern):
        return [pattern[0] + pattern[2:], *_spelled_out(pattern[2:])]
    end = _end_of_group(pattern) if pattern.startswith("(?:") else 0
    rest = pattern[end:]
    optional = rest.startswith("?")
    if end == 0 or rest.startswith(("{", "??")):
        return [pattern]
    rest = rest.removeprefix("?")
    chosen = [f"{choice}{rest}" for choice in _choices(pattern[3 : end - 1])]
    return [each for spelling in [*chosen, *([rest] if optional else [])] for each in _spelled_out(spelling)]


_PIECE = re.compile(r"\\.|\[[^\]]*\]|.")


def _end_of_group(pattern: str) -> int:
    """Where the group that a pattern begins with ends."""
    depth = 0
    for piece in _PIECE.finditer(pattern):
        depth += {"(": 1, ")": -1}.get(piece.group(), 0)
        if depth == 0:
            return piece.end()
    return 0


def _choices(inside: str) -> list[str]:
    """The alternatives of a group, by what stands between its own bars."""
    choices, depth = [""], 0
    for piece in _PIECE.findall(inside):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if piece == "|" and depth == 0:
            choices.append("")
        else:
            choices[-1] += piece
    return choices


class _Reader:
    """Reads the phrases of a text in order, a sentence at a time."""

    def __init__(self, lower: str) -> None:
        self._text = lower
        self._mentions: list[Mention] = []
        self._mobilizing = False
        self._begin_sentence()

    def _begin_sentence(self) -> None:
        self._sentence: list[_Found] = []
        # Where the last cue of a kind ended, as long as it may speak of what follows.
        self._since: dict[str, int] = {}
        self._reset_at = -1
        self._elsewhen = False

    def scan(self) -> Scan:
        self._end_sentence()
        return Scan(tuple(self._mentions), self._mobilizing)

    def mention(self, phrase: _Phrase, technique: Technique, start: int, end: int, *, unclear: bool) -> None:
        status = Status.UNCLEAR if unclear else self._status(start)
        self._sentence.append(_Found(phrase, technique, status, start, end))
        self._since.pop("not_before", None)

    def _status(self, start: int) -> Status:
        if "not_before" in self._since and _reaches(self._text[self._since["not_before"] : start]):
            return Status.NOT_GIVEN
        if "self" in self._since and self._text[self._since["self"] : start] in {"", " ", "-"}:
            return Status.BY_PATIENT
        if self._sentence and (shared := _shared(self._sentence[-1].status, self._between(start))) is not None:
            return shared
        if "patient_before" in self._since:
            since = self._since["patient_before"]
            alone = start - since < _REACH and _LEFT_OPEN.search(self._text, since, start) is None
            return Status.BY_PATIENT if alone else Status.UNCLEAR
        return Status.GIVEN

    def _between(self, start: int) -> str:
        return self._text[self._sentence[-1].end : start]

    def cue(self, cue: str, start: int, end: int) -> None:
        match cue:
            case "break":
                self._end_sentence()
            case "not_before" | "patient_before" | "self":
                self._since[cue] = end
            case "not_after":
                self._look_back(Status.NOT_GIVEN, start)
            case "not_beside" if not self._look_back(Status.NOT_GIVEN, start):
                self._since["not_before"] = end
            case "patient_after":
                self._look_back(Status.BY_PATIENT, start)
            case "elsewhen":
                self._elsewhen = True
            case "reset":
                self._since.clear()
                self._reset_at = start
            case "intent":
                self._mobilizing = True

    def _look_back(self, status: Status, start: int) -> bool:
        """Let a cue speak of the mention before it, and of those joined to that one."""
        if not self._sentence or self._reset_at > self._sentence[-1].start:
            return False
        if start - self._sentence[-1].end > _REACH or _LEFT_OPEN.search(gap := self._between(start)):
            return False
        if len(gap.split()) > 4:
            status = Status.UNCLEAR
        self._sentence[-1].status = status
        for later in range(len(self._sentence) - 1, 0, -1):
            earlier = self._sentence[later - 1]
            shared = _shared(status, self._text[earlier.end : self._sentence[later].start])
            if shared is None or shared is earlier.status:
                break
            earlier.status = status = shared
        return True

    def _end_sentence(self) -> None:
        for found in self._sentence:
            if self._elsewhen and found.status is Status.GIVEN:
                found.status = Status.UNCLEAR
            self._mentions.append(Mention(found.phrase.term, found.technique, found.status))
        self._begin_sentence()


def _in_capitals(word: str) -> bool:
    """Whether an abbreviation stands in capitals, its plural ending aside (NAGs)."""
    return word.removesuffix("s").isupper()


def _reaches(gap: str) -> bool:
    """Whether a negation reaches over these words to the technique after them."""
    return (
        len(gap) <= _REACH
        and len(gap.split()) <= 3
        and not any(mark in gap for mark in ",:(")
        and _OF_AN_OUTCOME.search(gap) is None
    )


def _shared(status: Status, gap: str) -> Status | None:
    """What the neighbour of a technique that was not given shares with it, by the words between the two."""
    joined = _JOINED.fullmatch(gap) if len(gap) < 12 else None
    if joined is None or status is Status.GIVEN:
        return None
    if joined["same"]:
        return status
    return Status.UNCLEAR if joined["list"] else None


# -- the table --------------------------------------------------------------------------------------------------------


def load_vocabulary(path: Path = TABLES / "techniques.toml") -> Vocabulary:
    """The vocabulary of a table.

    Raises:
        BadData: the file is not TOML, or an entry lacks a key or holds a wrong value; the text names file and line.
    """
    return _Table(path).vocabulary()


_SETS_AND_ESCAPES = re.compile(r"\\.|\[[^\]]*\]")
_CAPTURING_OR_UNBOUNDED = re.compile(r"\((?!\?)|[*+]|\{\d*,\}")


class _Table:
    """The vocabulary's file while it is being read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text("utf-8")
        try:
            self.raw = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise BadData(path, self.text, None, f"not TOML: {error}") from error

    def vocabulary(self) -> Vocabulary:
        entries = self.raw.get("technique", [])
        techniques = {entry.get("id", ""): self._technique(entry) for entry in entries}
        for technique in techniques.values():
            for other in (*technique.becomes.values(), technique.otherwise):
                if other is not None and other not in techniques:
                    raise self.bad(technique.id, f"`{technique.id}` leads to {other!r}, which is not a technique")
        if len(techniques) != len(entries):
            raise self.bad(None, "two techniques have the same id")
        phrases = [
            *(pair for entry in entries for pair in self._phrases(entry, techniques[entry["id"]])),
            *self._cues(self.raw.get("cues", {})),
        ]
        try:
            return Vocabulary(techniques, phrases)
        except re.error:
            for pattern, _ in phrases:
                self._compiled(pattern)
            raise

    def _technique(self, entry: dict[str, Any]) -> Technique:
        name = entry.get("id", "")
        if unknown := entry.keys() - _KEYS:
            raise self.bad(min(unknown), f"`{min(unknown)}` is not a key of a technique")
        if entry.get("kind") not in _KINDS:
            raise self.bad(name, f"`{name}`: kind is one of {', '.join(sorted(_KINDS))}")
        try:
            return Technique(
                id=entry["id"],
                name=entry["name"],
                kind=entry["kind"],
                codes=frozenset(entry["codes"]),
                ambiguous=entry.get("ambiguous", False),
                part_of_osteopathic=entry.get("part_of_osteopathic", False),
                by=frozenset(Profession(each) for each in entry["by"]) if "by" in entry else None,
                otherwise=entry.get("otherwise"),
                becomes={Profession(each): other for each, other in entry.get("becomes", {}).items()},
            )
        except (KeyError, ValueError) as error:
            raise self.bad(name, f"`{name}`: id, name, codes or a profession is missing or wrong: {error}") from error

    def _phrases(self, entry: dict[str, Any], technique: Technique) -> Iterator[tuple[str, _Phrase]]:
        for table in ("say", "capitals"):
            for term, patterns in entry.get(table, {}).items():
                for pattern in [patterns] if isinstance(patterns, str) else patterns:
                    yield self._checked(pattern), _Phrase(term, technique, capitals=table == "capitals")

    def _cues(self, cues: dict[str, list[str]]) -> Iterator[tuple[str, _Phrase]]:
        for cue in _CUES:
            if cue not in cues:
                raise self.bad("[cues]", f"the cue `{cue}` is missing")
            for pattern in cues[cue]:
                yield self._checked(pattern), _Phrase(cue, None)

    def _checked(self, pattern: str) -> str:
        """A pattern that may be joined with the others; compiling each on its own would be half of the start-up."""
        bare = _SETS_AND_ESCAPES.sub("", pattern)
        if bare.count("(") != bare.count(")"):
            self._compiled(pattern)
        if _CAPTURING_OR_UNBOUNDED.search(bare):
            raise self.bad(pattern, f"{pattern!r} has a capturing group or an unbounded repetition")
        return pattern

    def _compiled(self, pattern: str) -> re.Pattern[str]:
        try:
            return re.compile(pattern)
        except re.error as error:
            raise self.bad(pattern, f"{pattern!r} is not a regular expression: {error}") from error

    def bad(self, key: str | None, problem: str) -> BadData:
        return BadData(self.path, self.text, key, problem)


VOCABULARY = load_vocabulary()
"""The shipped vocabulary, read at start-up so that a wrong table is refused there."""


_LISTED = 64
"""Characters of an entry of a list of techniques: `joint mobilization`.  Free text is longer and somebody's own."""


def scan(text: str) -> Scan:
    """What a text names, by the shipped vocabulary.  A list's entry is remembered; what is told of a patient is not."""
    return _scan_entry(text) if len(text) <= _LISTED else VOCABULARY.scan(text)


@lru_cache(maxsize=512)
def _scan_entry(text: str) -> Scan:
    return VOCABULARY.scan(text)
