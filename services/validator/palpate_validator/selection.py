"""The rules in force for one payer on one day, and which of them have anything to ask of a visit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from palpate_schemas.values import Severity
from palpate_validator.dated import DatedValue
from palpate_validator.rule import Judge, Question, Rule
from palpate_validator.traits import unusual
from palpate_validator.visit import Visit


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """A rule as one payer applies it on one day."""

    rule: Rule
    severity: Severity
    judge: Judge


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Rules that begin with the same question, which is asked once for all of them."""

    given: Question | None
    selected: tuple[Selected, ...]


Per = Literal["visit", "claim", "both"]
"""Rules of one date of service, of a whole claim, or all of them: a claim of one day is its only visit."""

_JUDGED: Mapping[Per, frozenset[str]] = {
    "visit": frozenset({"visit"}),
    "claim": frozenset({"claim"}),
    "both": frozenset({"visit", "claim"}),
}


class Selection:
    """The rules in force for one payer on one day.

    Attributes:
        selected: All of them, each with its severity.
        ids: All of their ids.
        unsaid_settings: Keys that rules in force need and the payer's profile does not hold.
        settings: What the profile says on that day, by key.
    """

    def __init__(
        self, selected: tuple[Selected, ...], *, unsaid_settings: tuple[str, ...], settings: Mapping[str, DatedValue]
    ) -> None:
        self.selected = selected
        self.ids = frozenset(each.rule.id for each in selected)
        self.unsaid_settings = unsaid_settings
        self.settings = settings
        asked = [each for each in selected if not _hangs_on_the_unsaid(each, settings)]
        self._triggers = {
            per: _Triggers([each for each in asked if each.rule.header.per in kinds]) for per, kinds in _JUDGED.items()
        }

    def steps(self, visit: Visit, per: Per) -> tuple[Step, ...]:
        """What to ask of a visit, by its codes, its modifiers and what is unusual about it."""
        return self._triggers[per].steps(visit)


def _hangs_on_the_unsaid(selected: Selected, settings: Mapping[str, DatedValue]) -> bool:
    wanted = selected.rule.header.settings
    return wanted is not None and settings.keys().isdisjoint(wanted)


_Words = frozenset[str] | None
_Trigger = tuple[_Words, _Words, _Words]
"""The codes, modifiers and traits of a header."""

_MOST_STEPS = 4096
"""Numbers remembered; there are some hundreds for a payer whose claims are of every kind."""

_MOST_SETS = 1024
"""Sets of codes, of modifiers or of traits remembered: a practice bills the same few dozen day after day."""


class _Triggers:
    """Rules by what makes them look at a visit.

    Rules with the same triggers are one bit of a number.  Each code, modifier and trait says which bits it sets; what
    is asked of a visit hangs on the bits alone, so it is worked out once for each number that there ever is.
    """

    def __init__(self, selected: Iterable[Selected]) -> None:
        alike: dict[_Trigger, list[Selected]] = {}
        for each in selected:
            header = each.rule.header
            alike.setdefault((header.codes, header.modifiers, header.unusual), []).append(each)
        self._of_codes = _Bits(codes for codes, _, _ in alike)
        self._of_modifiers = _Bits(modifiers for _, modifiers, _ in alike)
        self._of_traits = _Bits(traits for _, _, traits in alike)
        self._steps = _Steps(alike.values())

    def steps(self, visit: Visit) -> tuple[Step, ...]:
        bits = self._of_codes[visit.codes] & self._of_modifiers[visit.modifiers] & self._of_traits[unusual(visit)]
        return self._steps[bits]


class _Steps(dict[int, tuple[Step, ...]]):
    """What to ask, by the bits that are set; filled as they come up."""

    def __init__(self, alike: Iterable[Iterable[Selected]]) -> None:
        super().__init__()
        self._alike = tuple([[(each.rule.header.given, each) for each in together] for together in alike])

    def __missing__(self, bits: int) -> tuple[Step, ...]:
        if len(self) >= _MOST_STEPS:
            self.clear()
        steps = self[bits] = self._asked(bits)
        return steps

    def _asked(self, bits: int) -> tuple[Step, ...]:
        # A new payer or year brings hundreds of numbers that were not there before, so it looks at what is set alone.
        by_question: dict[Question | None, list[Selected]] = {}
        while bits:
            lowest = bits & -bits
            for given, each in self._alike[lowest.bit_length() - 1]:
                by_question.setdefault(given, []).append(each)
            bits ^= lowest
        return tuple(Step(given, tuple(together)) for given, together in by_question.items())


class _Bits(dict[frozenset[str], int]):
    """Which bits a set of words sets, of those that stand for what is wanted; filled as the sets come up.

    Who wants nothing is always set.
    """

    def __init__(self, wanted: Iterable[frozenset[str] | None]) -> None:
        super().__init__()
        self._always = 0
        self._by_word: dict[str, int] = {}
        for place, words in enumerate(wanted):
            if words is None:
                self._always |= 1 << place
            for word in words or ():
                self._by_word[word] = self._by_word.get(word, 0) | 1 << place

    def __missing__(self, words: frozenset[str]) -> int:
        if len(self) >= _MOST_SETS:
            self.clear()
        bits = self._always
        for word in words:
            bits |= self._by_word.get(word, 0)
        self[words] = bits
        return bits
