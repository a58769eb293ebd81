"""What the 97140 lines of a visit rest on: the techniques that its notes say were given.

97140 is right when at least one technique that it describes was given.  Only when none was do the rules of the
family `codes` name what the notes hold instead, and ask which service it was.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from palpate_schemas.claim import VisitNote
from palpate_schemas.values import Profession
from palpate_validator.rule import MissingFact, Result, fails, warns
from palpate_validator.techniques import VOCABULARY, Mention, Scan, Status, Technique, scan
from palpate_validator.visit import Visit

TEXT = "documentation/text"
PROFESSION = "documentation/clinician/profession"

SELF_TREATMENT = VOCABULARY.techniques["self-treatment"]
OSTEOPATHIC = frozenset({"osteopathic-manipulation", "osteopathic-manipulation-abbreviated"})
PHYSICIANS = frozenset({Profession.DO, Profession.MD})


@dataclass(frozen=True, slots=True)
class Named:
    """A technique that a note names: the vocabulary's term, never the note's words."""

    term: str
    technique: Technique


@dataclass(frozen=True, slots=True)
class Documented:
    """The techniques of a visit's notes, by what they mean for 97140."""

    manual: frozenset[str] = frozenset()
    """Terms of techniques that 97140 describes, given by a clinician."""
    either: tuple[Named, ...] = ()
    """What may be one, by how it was done."""
    others: tuple[Named, ...] = ()
    """What another code describes."""
    of_unknown_hand: tuple[Named, ...] = ()
    """What means one thing or another by a profession that the claim does not say."""
    generic: bool = False
    """Whether "manual therapy" is named without a technique."""
    doubtful: bool = False
    """Whether a technique of 97140 may have been given: planned, half negated, or in words not in the vocabulary."""
    mobilizing: bool = False

    @property
    def open(self) -> bool:
        """Whether somebody has to say if 97140 describes what was given."""
        return self.doubtful or bool(self.either) or bool(self.of_unknown_hand)

    def bearing(self, billed: Collection[str]) -> tuple[Named, ...]:
        """What a 97140 line seems to rest on when no technique of its own is named.

        A service that another billed code describes explains itself.  A clinician's hands come before devices and
        exercise, and so do the words "manual therapy".
        """
        unexplained = tuple(each for each in self.others if each.technique.codes.isdisjoint(billed))
        hands = self.either + tuple(each for each in unexplained if each.technique.kind == "hands_on")
        if hands or self.generic:
            return hands
        return unexplained


def unexplained(visit: Visit) -> bool:
    """Whether no technique of 97140 is named: what the rules about the right code have in common.

    Raises:
        MissingFact: as `documented_techniques`.
    """
    if not visit.notes:
        raise MissingFact(TEXT, visit.no_note)
    return not (_plainly_listed(visit) or documented_techniques(visit).manual)


def _plainly_listed(visit: Visit) -> bool:
    """Whether a note's own list holds a technique of 97140, so that its free text need not be read to know of one.

    A physician's that may be part of an osteopathic treatment is not plain: the text may name the treatment.
    """
    rendering = visit.claim.rendering_provider.profession
    for note in visit.notes:
        listed, author = note.techniques, note.clinician
        given_by = rendering if author is None else author.profession or rendering
        if listed and _holds_manual(listed, given_by):
            return True
    return False


@lru_cache(maxsize=1024)
def _holds_manual(listed: tuple[str, ...], given_by: Profession | None) -> bool:
    mentions = [mention for entry in listed for mention in scan(entry).mentions]
    if given_by in PHYSICIANS:
        mentions = [mention for mention in mentions if not mention.technique.part_of_osteopathic]
    return any(_meaning(mention, given_by).manual for mention in mentions)


@lru_cache(maxsize=1)
def documented_techniques(visit: Visit) -> Documented:
    """What the notes of a visit name.

    Raises:
        MissingFact: no note of that day is shared, or one that could hold the technique has neither text nor list.
    """
    notes = tuple(_part(note, visit.claim.rendering_provider.profession) for note in visit.notes)
    if not notes:
        raise MissingFact(TEXT, visit.no_note)
    documented = _read(notes)
    if not documented.manual and not all(texts for texts, _, _ in notes):
        raise MissingFact(TEXT, f"A visit note of {visit.date_of_service} is shared without its text.")
    return documented


def named_instead(visit: Visit, *techniques: str) -> Iterator[Result]:
    """The finding that 97140 is billed and the notes name one of these techniques and none that 97140 describes.

    A question when the notes leave it open or the words may mean something else; a fault when they do not.
    """
    documented = documented_techniques(visit)
    if documented.manual:
        return
    named = [each for each in documented.bearing(visit.codes) if each.technique.id in techniques]
    if named:
        certain = not documented.open and not all(each.technique.ambiguous for each in named)
        yield (missing_from_97140 if certain else unsettled)(visit, named)


def missing_from_97140(visit: Visit, named: Collection[Named]) -> Result:
    """A fault: the notes name these and nothing that 97140 describes."""
    return fails(
        f"{lines_billed(visit)} 97140, but the note names {terms(named)} and no technique that 97140 describes. "
        "Which service was given?",
        line=visit.manual_therapy[0],
        named=_sorted_terms(named),
        described_by=described_by(named),
    )


def unsettled(visit: Visit, named: Collection[Named]) -> Result:
    """A question: the notes name these, which may or may not be what 97140 describes."""
    return warns(
        f"{lines_billed(visit)} 97140, and the note names {terms(named)}, which does not settle whether 97140 "
        "describes the service. Which service was given?",
        line=visit.manual_therapy[0],
        named=_sorted_terms(named),
        described_by=described_by(named),
    )


def lines_billed(visit: Visit) -> str:
    """`Line 1 bills` or `Lines 1 and 2 bill`: the 97140 lines as a sentence begins with them."""
    numbers = [str(line.line_number) for line in visit.manual_therapy]
    return f"Line {numbers[0]} bills" if len(numbers) == 1 else f"Lines {_listed(numbers)} bill"


def terms(named: Iterable[Named]) -> str:
    """The vocabulary's terms as a sentence lists them."""
    return _listed(_sorted_terms(named))


def described_by(named: Iterable[Named]) -> list[str]:
    """The codes that describe these techniques."""
    return sorted({code for each in named for code in each.technique.codes})


def _sorted_terms(named: Iterable[Named]) -> list[str]:
    return sorted({each.term for each in named})


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# -- reading the notes ------------------------------------------------------------------------------------------------

_Part = tuple[tuple[str, ...], tuple[str, ...], Profession | None]
"""Of one note: everything to be read, the listed techniques among it, and who gave the visit."""


def _part(note: VisitNote, rendering: Profession | None) -> _Part:
    listed = tuple(each for each in note.techniques or () if each.strip())
    text = (note.text,) if note.text and note.text.strip() else ()
    profession = None if note.clinician is None else note.clinician.profession
    return text + listed, listed, profession or rendering


def _read(notes: tuple[_Part, ...]) -> Documented:
    return _merged([_read_note(*note) for note in notes])


def _merged(parts: list[Documented]) -> Documented:
    if len(parts) == 1:
        return parts[0]
    return Documented(
        manual=frozenset().union(*[each.manual for each in parts]),
        either=tuple([named for each in parts for named in each.either]),
        others=tuple([named for each in parts for named in each.others]),
        of_unknown_hand=tuple([named for each in parts for named in each.of_unknown_hand]),
        generic=True in [each.generic for each in parts],
        doubtful=True in [each.doubtful for each in parts],
        mobilizing=True in [each.mobilizing for each in parts],
    )


def _read_note(texts: tuple[str, ...], listed: tuple[str, ...], profession: Profession | None) -> Documented:
    scans = [scan(text) for text in texts]
    unread = any(not scan(entry).mentions for entry in listed)
    documented = _merged([_meaning(m, profession) for each in scans for m in each.mentions])
    osteopathic = profession in PHYSICIANS and any(each.technique.id in OSTEOPATHIC for each in documented.others)
    manual = documented.manual & _outside_osteopathic(scans) if osteopathic else documented.manual
    return Documented(
        manual=manual,
        either=documented.either,
        others=documented.others,
        of_unknown_hand=documented.of_unknown_hand,
        generic=documented.generic,
        # A physician's osteopathic treatment may consist of what else is named, or stand beside it.
        doubtful=documented.doubtful or unread or manual != documented.manual,
        mobilizing=any(each.mobilizing for each in scans),
    )


def _outside_osteopathic(scans: Iterable[Scan]) -> frozenset[str]:
    return frozenset(m.term for each in scans for m in each.mentions if not m.technique.part_of_osteopathic)


@lru_cache(maxsize=4096)
def _meaning(mention: Mention, profession: Profession | None) -> Documented:
    """What one mention says, as a document of its own."""
    technique = mention.technique
    if mention.status is Status.NOT_GIVEN:
        return Documented()
    if technique.depends_on_profession:
        if profession is None:
            return Documented(of_unknown_hand=(Named(mention.term, technique),))
        meant = VOCABULARY.meant(technique, profession)
        if meant is None:
            return Documented()
        technique = meant
    if mention.status is Status.UNCLEAR:
        return Documented(doubtful=technique.kind in {"manual", "either"}, generic=technique.kind == "generic")
    if mention.status is Status.BY_PATIENT:
        return _by_patient(mention.term, technique)
    return _given(Named(mention.term, technique))


def _by_patient(term: str, technique: Technique) -> Documented:
    """Exercise is the patient's anyway; hands-on work that the patient does is self-treatment."""
    if technique.kind == "activity":
        return Documented(others=(Named(term, technique),))
    if technique.kind in {"manual", "either", "hands_on"}:
        return Documented(others=(Named(f"{term} by the patient", SELF_TREATMENT),))
    return Documented()


def _given(named: Named) -> Documented:
    match named.technique.kind:
        case "manual":
            return Documented(manual=frozenset({named.term}))
        case "either":
            return Documented(either=(named,))
        case "generic":
            return Documented(generic=True)
        case _:
            return Documented(others=(named,))
