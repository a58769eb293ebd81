"""The diagnoses that a service line points to, beside the regions that were treated."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from palpate_validator.diagnosis_families import is_manifestation, regions_of, supports_manual_therapy
from palpate_validator.icd10 import Standing, code_set, dotted, normalised, well_formed
from palpate_validator.rule import MissingFact
from palpate_validator.seventh_character import seventh_character_fault
from palpate_validator.visit import MANUAL_THERAPY, Line, Visit

_UPPER = frozenset({"shoulder", "elbow", "wrist", "hand"})
_LOWER = frozenset({"hip", "knee", "ankle", "foot"})
_LIMBS = {"upper_limb": _UPPER, "lower_limb": _LOWER}

_NEIGHBOURS = (
    "head tmj", "head cervical", "tmj cervical", "cervical thoracic", "cervical rib", "cervical shoulder",
    "thoracic rib", "thoracic shoulder", "rib shoulder", "thoracic lumbar", "rib lumbar", "thoracic abdomen",
    "rib abdomen", "lumbar abdomen", "pelvic abdomen", "lumbar sacral", "lumbar pelvic", "lumbar hip",
    "sacral pelvic", "sacral hip", "pelvic hip", "shoulder elbow", "elbow wrist", "elbow hand", "wrist hand",
    "hip knee", "knee ankle", "ankle foot",
)  # fmt: skip
"""Regions so close that pain, stiffness and treatment cross from one to the other."""

_NEAR: dict[str, frozenset[str]] = {
    region: frozenset({other for pair in _NEIGHBOURS if region in (both := pair.split()) for other in both}) | {region}
    for region in {name for pair in _NEIGHBOURS for name in pair.split()}
}


@dataclass(frozen=True)
class Diagnosis:
    """One diagnosis of the claim."""

    position: int
    """1-based, as a line points to it."""
    code: str
    """Without the dot."""

    @property
    def shown(self) -> str:
        """As people write it."""
        return dotted(self.code)

    @property
    def pointer(self) -> str:
        """RFC 6901, into the claim."""
        return f"/diagnoses/{self.position - 1}"

    @cached_property
    def regions(self) -> frozenset[str]:
        """Where it lies; empty when nowhere in particular."""
        return regions_of(self.code)

    @cached_property
    def side(self) -> str | None:
        """`right`, `left`, `both`, `unspecified`, or None where the code knows no sides."""
        return code_set().side(self.code)


def diagnoses(visit: Visit) -> tuple[Diagnosis, ...]:
    """The claim's diagnoses in their order, but for those not written like a code, which `dx-invalid` names."""
    return _diagnoses(visit.claim.diagnoses)


@lru_cache(maxsize=1024)
def _diagnoses(sent: tuple[str, ...]) -> tuple[Diagnosis, ...]:
    numbered = enumerate(sent, start=1)
    return tuple(Diagnosis(at, normalised(code)) for at, code in numbered if well_formed(code))


def codes_in_question(visit: Visit) -> bool:
    """Whether a diagnosis may not be a code of its day, or not one to be told without a look at the visit."""
    days = {line.service_date for line in visit.lines}
    codes = code_set()
    for sent in visit.claim.diagnoses:
        code = _plain(sent)
        if code is None:
            return True
        for day in days:
            if codes.on(code, day).standing is not Standing.BILLABLE:
                return True
    return False


@lru_cache(maxsize=4096)
def _plain(sent: str) -> str | None:
    """A diagnosis as the code set has it; None where its spelling, or the stage of an injury it says, is a question."""
    if not well_formed(sent):
        return None
    code = normalised(sent)
    active_injury = code[0] in "ST" and code[6:] == "A"
    return None if active_injury or seventh_character_fault(code) is not None else code


def pointed(visit: Visit, line: Line) -> tuple[Diagnosis, ...]:
    """The diagnoses that a line points to, in its order, each once; pointers that lead nowhere are left out."""
    return _pointed(visit.claim.diagnoses, line.diagnosis_pointers)


@lru_cache(maxsize=1024)
def _pointed(sent: tuple[str, ...], pointers: tuple[int, ...]) -> tuple[Diagnosis, ...]:
    at = {diagnosis.position: diagnosis for diagnosis in _diagnoses(sent)}
    return tuple(at[pointer] for pointer in dict.fromkeys(pointers) if pointer in at)


def first_pointed(visit: Visit, line: Line) -> Diagnosis | None:
    """The diagnosis that a line gives as its main reason; None when its first pointer leads nowhere."""
    first = _pointed(visit.claim.diagnoses, line.diagnosis_pointers[:1])
    return first[0] if first else None


def treated_regions(visit: Visit, line: Line) -> tuple[str, ...]:
    """The regions treated, with their sides: the line's own, else those of the visit note.

    Raises:
        MissingFact: neither says; the engine makes "cannot tell" of it.
    """
    regions = line.regions or (visit.note.regions if visit.notes else None)
    if not regions:
        raise MissingFact("lines/regions", f"Line {line.line_number} does not say which regions were treated.", line)
    return regions


def diagnoses_in_question(visit: Visit) -> bool:
    """Whether the lines' diagnoses leave anything to ask: not where each plainly fits what was treated."""
    if visit.says("supporting_diagnoses") or len(visit.notes) > 1:
        return True
    sent = visit.claim.diagnoses
    noted = visit.notes[0].regions if visit.notes else None
    looked_at: tuple[int, ...] | None = None
    for line in visit.lines:
        pointers = line.diagnosis_pointers
        # The lines of a day mostly point to the same diagnoses.
        if pointers != looked_at and not _well_pointed(sent, pointers):
            return True
        looked_at = pointers
        if line.code == MANUAL_THERAPY and not _plainly_fit(sent, pointers, line.regions or noted or ()):
            return True
    return False


@lru_cache(maxsize=1024)
def _well_pointed(sent: tuple[str, ...], pointers: tuple[int, ...]) -> bool:
    """Whether a line points to one to four diagnoses of the claim, to each once."""
    return 1 <= len(pointers) <= 4 and len(_pointed(sent, pointers)) == len(pointers)


@lru_cache(maxsize=4096)
def _plainly_fit(sent: tuple[str, ...], pointers: tuple[int, ...], treated: tuple[str, ...]) -> bool:
    """Whether every diagnosis pointed to is a condition of a region and side treated that manual therapy is for."""
    return bool(treated) and all(_plainly_fits(diagnosis, treated) for diagnosis in _pointed(sent, pointers))


def _plainly_fits(diagnosis: Diagnosis, treated: tuple[str, ...]) -> bool:
    if not diagnosis.regions or diagnosis.code[0] in "VWXYZ" or is_manifestation(diagnosis.code):
        return False
    right_side = diagnosis.side in {None, "both", *sides_treated(diagnosis, treated)}
    return right_side and is_near(diagnosis, treated) and supports_manual_therapy(diagnosis.code)


def in_words(regions: Iterable[str]) -> str:
    """Regions as people say them: `shoulder.left` is "left shoulder"."""
    return ", ".join(" ".join(reversed(region.split("."))).replace("_", " ") for region in regions)


def body_regions(regions: Iterable[str]) -> frozenset[str]:
    """Regions without their sides; a whole limb is itself and each of its joints."""
    return _body_regions(frozenset(regions))


@lru_cache(maxsize=1024)
def _body_regions(regions: frozenset[str]) -> frozenset[str]:
    bare = {region.partition(".")[0] for region in regions}
    return frozenset(bare.union(*(_LIMBS.get(region, ()) for region in bare)))


def is_near(diagnosis: Diagnosis, treated: Iterable[str]) -> bool:
    """Whether any treated region is one of the diagnosis or next to one."""
    return not _reach(diagnosis.regions).isdisjoint(body_regions(treated))


@lru_cache(maxsize=1024)
def _reach(regions: frozenset[str]) -> frozenset[str]:
    lies_in = body_regions(regions)
    return lies_in.union(*(_NEAR.get(region, ()) for region in lies_in))


def sides_treated(diagnosis: Diagnosis, treated: tuple[str, ...]) -> frozenset[str]:
    """The sides on which the diagnosis's own region was treated.

    Empty when it was not treated, or when one of its treated regions names no side: then nothing can be said.
    """
    return _sides_treated(diagnosis.regions, treated)


@lru_cache(maxsize=1024)
def _sides_treated(regions: frozenset[str], treated: tuple[str, ...]) -> frozenset[str]:
    sides = list(_sides(regions, treated))
    return frozenset() if "" in sides else frozenset(sides)


def _sides(regions: frozenset[str], treated: Iterable[str]) -> Iterator[str]:
    lies_in = body_regions(regions)
    for region in treated:
        if not lies_in.isdisjoint(body_regions([region])):
            side = region.partition(".")[2]
            yield from ("right", "left") if side == "both" else (side,)
