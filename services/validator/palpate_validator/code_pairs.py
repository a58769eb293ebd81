"""Pairs of codes on one visit that may not be billed together without more, and what each line says to set them apart.

Column 2 of a pair is the code that the payer denies.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from palpate_validator.manipulation import CMT, shared_spinal_regions
from palpate_validator.rule import Result, fails, warns
from palpate_validator.tables import PtpEdit
from palpate_validator.visit import DISTINCT_MODIFIERS, MANUAL_THERAPY, Line, Visit

PT_EVALUATIONS = frozenset({"97161", "97162", "97163", "97164"})
OT_EVALUATIONS = frozenset({"97165", "97166", "97167", "97168"})
HEART_AND_LUNG_REHABILITATION = frozenset({"93797", "93798", "94625", "94626", "G0422", "G0423"})
THERAPEUTIC_ACTIVITIES = "97530"

NEVER_SEPARATE = frozenset({"22", "76", "77"})
"""Modifiers that are no NCCI modifiers on any line (NCCI Policy Manual ch. 1 E)."""
NEVER_SEPARATE_MANUAL_THERAPY = frozenset({"25", "LT", "RT", "50"})
"""On 97140: 25 belongs to evaluation visits, and the code is for all regions, so a side separates nothing."""


@dataclass(frozen=True, slots=True)
class BilledPair:
    """An active edit with a line of column 2 and the column 1 lines of the same specialty."""

    edit: PtpEdit
    column1: tuple[Line, ...]
    column2: Line
    quarter: str

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line of the pair."""
        return (*self.column1, self.column2)

    @property
    def other_code(self) -> str:
        """The code beside 97140; the column 1 code of a pair without it."""
        return self.edit.column2 if self.edit.column1 == MANUAL_THERAPY else self.edit.column1

    def carries(self, modifiers: frozenset[str]) -> bool:
        """Whether column 2, or every column 1 line, has one of these modifiers."""
        return self.column2.has(*modifiers) or all(line.has(*modifiers) for line in self.column1)

    def facts(self) -> dict[str, Any]:
        """What a finding shows as evidence."""
        return {
            "column1": self.edit.column1,
            "column2": self.edit.column2,
            "modifier_indicator": 1 if self.edit.modifier_allowed else 0,
            "modifiers": sorted({modifier for line in self.lines for modifier in line.modifiers}),
            "ncci_quarter": self.quarter,
        }


@lru_cache(maxsize=2)
def billed_pairs(visit: Visit, program: str = "medicare") -> tuple[BilledPair, ...]:
    """The active edits among the visit's lines.

    An edit binds one provider, or one group and specialty: a physical and an occupational therapy line are no pair.
    """
    return () if len(visit.codes) < 2 else tuple(_billed_pairs(visit, program))


def _billed_pairs(visit: Visit, program: str) -> Iterator[BilledPair]:
    table = visit.tables.ptp[program]
    edits = table.edits(visit.codes, visit.date_of_service)
    quarter = str(table.quarter(visit.date_of_service)) if edits else ""
    for edit in edits:
        for second in visit.billed({edit.column2}):
            first = tuple(each for each in visit.billed({edit.column1}) if same_specialty(visit, each, second))
            if first:
                yield BilledPair(edit, first, second, quarter)


def pairs_in_question(visit: Visit) -> bool:
    """Whether Medicare's table has a pair among the codes of the day."""
    return len(visit.codes) > 1 and bool(billed_pairs(visit))


def same_specialty(visit: Visit, first: Line, second: Line) -> bool:
    """Whether two lines belong to one specialty, as far as the claim says; unknown counts as the same."""
    one, other = visit.discipline(first), visit.discipline(second)
    return one is other or one is None or other is None


def separated(visit: Visit, pair: BilledPair) -> bool:
    """Whether a modifier that NCCI accepts sets the pair apart, on either line."""
    accepted: frozenset[str] = visit.amount("ncci_modifiers")
    return _separates(pair.column2, accepted) or all(_separates(line, accepted) for line in pair.column1)


def _separates(line: Line, accepted: frozenset[str]) -> bool:
    # 97140 is for all regions, so neither a side nor a digit sets one part of it apart.
    return line.has(*(accepted & DISTINCT_MODIFIERS if line.code == MANUAL_THERAPY else accepted))


def useless_modifiers(pair: BilledPair) -> frozenset[str]:
    """Modifiers on the pair that people put there to separate services and that NCCI does not accept."""
    found = {modifier for line in pair.lines for modifier in NEVER_SEPARATE.intersection(line.modifiers)}
    manual = [line for line in pair.lines if line.code == MANUAL_THERAPY]
    return frozenset(found.union(*(NEVER_SEPARATE_MANUAL_THERAPY.intersection(line.modifiers) for line in manual)))


def both_evaluations(pair: BilledPair) -> bool:
    """Whether it is two evaluations of one discipline, which a rule of its own reports."""
    return pair.edit.codes <= PT_EVALUATIONS or pair.edit.codes <= OT_EVALUATIONS


def no_modifier_would_help(visit: Visit, pair: BilledPair) -> bool:
    """Whether the facts rule the pair out although the table allows a modifier; other rules then report it."""
    return _manipulated_there_too(visit, pair) or in_one_encounter(visit, pair) is True


def _manipulated_there_too(visit: Visit, pair: BilledPair) -> bool:
    if pair.other_code not in CMT or MANUAL_THERAPY not in pair.edit.codes:
        return False
    policy = visit.profile.on("cmt_97140", visit.date_of_service)
    if policy is None or policy.value == "no_rule":
        return False
    return policy.value == "never" or any(shared_spinal_regions(line, pair.column2) for line in pair.column1)


def in_one_encounter(visit: Visit, pair: BilledPair) -> bool | None:
    """Whether heart or lung rehabilitation and the therapy were one encounter; None when the claim does not say.

    An encounter that the claim leaves out is 1 by default, which is not a statement.
    """
    if pair.other_code not in HEART_AND_LUNG_REHABILITATION:
        return False
    said = all(visit.claim.lines[line.index].encounter is not None for line in pair.lines)
    return any(line.encounter == pair.column2.encounter for line in pair.column1) if said else None


def reported(visit: Visit, pair: BilledPair, message: str) -> Result:
    """A finding on column 2: the rule's severity where the edit was surely in force that day, else a warning."""
    facts = pair.facts() | {"remedy": remedy(pair)}
    if visit.date_of_service >= pair.edit.sure_from:
        return fails(message, line=pair.column2, **facts)
    doubt = " The edit table does not say since when this pair is kept apart."
    return warns(message + doubt, line=pair.column2, **facts)


def remedy(pair: BilledPair) -> str:
    """What to do about this pair."""
    if MANUAL_THERAPY in pair.edit.codes and (own := REMEDIES.get(pair.other_code)):
        return own
    if pair.edit.modifier_allowed:
        return f"Say whether the two services were separate. If they were not, bill {pair.edit.column1} alone."
    return f"Bill one of {pair.edit.column1} and {pair.edit.column2}: the one that describes what was mainly given."


_TRAINING = (
    "Say whether the fitting, training or testing had minutes of its own, apart from the hands-on work. If not, bill "
    "the one that was mainly given."
)
_BANDAGING = (
    "Say whether lymph drainage and bandaging had minutes of their own. Leave the bandaging out of the minutes of "
    "97140; if the two were not separate, bill the bandaging alone."
)
_ROM = (
    "Say whether the range-of-motion measurement was one of its own, with its own report. If not, take it off: as part "
    "of a treatment it is not billed."
)
_REHABILITATION = "Say whether the therapy was a separate encounter of that day. If not, bill the rehabilitation alone."
_OSTEOPATHIC = "Bill the osteopathic treatment or 97140, whichever describes what was given; the two never go together."
_DRAW = "Remove the blood draw or port flush: beside 97140 it is part of the visit."
_CMT = (
    "Say which regions were manipulated and which were treated by hand otherwise. In a shared region bill the "
    "manipulation alone."
)

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "97124": "Bill 97140 or 97124, whichever was mainly given. No modifier sets the two apart.",
        **dict.fromkeys(("98925", "98926", "98927", "98928", "98929"), _OSTEOPATHIC),
        **dict.fromkeys(("36591", "36592", "96523"), _DRAW),
        **dict.fromkeys(sorted(CMT), _CMT),
        **dict.fromkeys(sorted(HEART_AND_LUNG_REHABILITATION), _REHABILITATION),
        **dict.fromkeys(("97750", "97755", "97760", "97761", "97763"), _TRAINING),
        **dict.fromkeys(("29581", "29584"), _BANDAGING),
        **dict.fromkeys(("95851", "95852"), _ROM),
        "97012": (
            "Say whether the hands-on work was a service apart from the machine's traction. Traction by hand at the "
            "same place is not; bill the machine's alone then."
        ),
        "97150": (
            "Say which minutes were in the group. They are not minutes of 97140; where there are no others, bill 97150 "
            "alone."
        ),
        "97545": "Bill the work hardening alone: 97140 on the same day is part of it.",
    }
)
"""What to do by the code that stands beside 97140, where more can be said than for any pair."""


@dataclass(frozen=True, slots=True)
class ExtraPair:
    """A pair that a payer keeps apart beyond NCCI."""

    column1: str
    column2: str
    modifier_allowed: bool


def extra_pairs(visit: Visit) -> tuple[ExtraPair, ...]:
    """The payer's own pairs that this visit bills both codes of; none where the profile names none."""
    if not visit.says("extra_pairs"):
        return ()
    pairs = (ExtraPair(**row) for row in visit.setting("extra_pairs"))
    return tuple(pair for pair in pairs if {pair.column1, pair.column2} <= visit.codes)
