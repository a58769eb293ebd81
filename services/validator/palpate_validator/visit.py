"""A visit: one date of service of a claim, with everything that a rule may ask about it.

A rule sees nothing else.  Whatever it asks by name (a payer setting, a dated parameter) is remembered, so that the
finding can say which value decided, since when it holds and where it comes from.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from palpate_schemas.claim import Claim, ExcludedMinutes, Interval, Performance, VisitNote
from palpate_schemas.values import Profession, Program
from palpate_validator.dated import DatedValue
from palpate_validator.rule import HasLine, MissingFact

if TYPE_CHECKING:
    from palpate_validator.book import RuleBook
    from palpate_validator.profiles import Profile
    from palpate_validator.selection import Selection
    from palpate_validator.tables import Kind

MANUAL_THERAPY = "97140"

DISTINCT_MODIFIERS = frozenset({"59", "XE", "XP", "XS", "XU"})
"""The modifiers that say "a separate service": 59 and its four more exact forms."""

DISCIPLINE_MODIFIERS = {"GP": Profession.PT, "GO": Profession.OT, "GN": Profession.SLP}
"""The therapy-plan modifiers and the discipline whose plan each names."""

DISCIPLINES = {
    Profession.PT: Profession.PT,
    Profession.PTA: Profession.PT,
    Profession.OT: Profession.OT,
    Profession.OTA: Profession.OT,
    Profession.SLP: Profession.SLP,
}
"""The discipline that a therapist or assistant works in."""

Fact = TypeVar("Fact")


@dataclass(slots=True, eq=False)
class Line:
    """One service line, with what the claim says for all of its lines filled in.

    Nobody writes to it.  That a frozen dataclass would see to it costs three times as much to make, and a tuple, whose
    fields Python 3.11 finds at a third of the speed, 2 percent of a judgement.
    """

    index: int
    """0-based position in the claim, for pointers."""
    line_number: int
    code: str
    units: Decimal
    modifiers: tuple[str, ...]
    charge: Decimal | None
    diagnosis_pointers: tuple[int, ...]
    place_of_service: str
    service_date: date
    service_date_through: date | None
    minutes: int | None
    intervals: tuple[Interval, ...]
    performed_by: tuple[Performance, ...]
    regions: tuple[str, ...]
    encounter: int
    excluded_minutes: tuple[ExcludedMinutes, ...]
    whole_units: int | None
    """The units as a whole positive number; None when they are not one (a finding of its own)."""

    def has(self, *modifiers: str) -> bool:
        """Whether the line carries any of these modifiers."""
        for each in self.modifiers:  # noqa: SIM110 - there are none to two; a set or a generator costs twice the loop
            if each in modifiers:
                return True
        return False


@lru_cache(maxsize=256)
def _whole(units: Decimal) -> int | None:
    whole = int(units)
    return whole if whole == units and whole > 0 else None


def lines_of(claim: Claim) -> tuple[Line, ...]:
    """The claim's service lines by their numbers, so that the order they were sent in says nothing."""
    everywhere = claim.place_of_service
    lines = [
        Line(
            index,
            line.line_number,
            line.procedure_code,
            Decimal(line.units),  # a lean claim has an int
            line.modifiers,
            line.charge,
            line.diagnosis_pointers,
            line.place_of_service or everywhere,
            line.service_date,
            line.service_date_through,
            line.minutes,
            line.intervals,
            line.performed_by,
            line.regions,
            1 if line.encounter is None else line.encounter,
            line.excluded_minutes,
            _whole(line.units),
        )
        for index, line in enumerate(claim.lines)
    ]
    if len(lines) > 1:
        lines.sort(key=_NUMBER)  # Of two with one number, the first sent stays the first.
    return tuple(lines)


_NUMBER = attrgetter("line_number")


class Visit:
    """One date of service as a rule sees it.

    Attributes:
        claim: The whole claim, as sent.
        date_of_service: The day that decides which rules and values are in force.
        lines: The service lines of that day (for a rule judged per claim: all lines).
        codes: Every procedure code billed on them.
        modifiers: Every modifier on any of them.
        manual_therapy: Those that bill 97140.
        timed_lines: Those whose code is billed in pooled 15-minute units.
        notes: The visit notes of that day; empty when none is shared.
        submitted_on: The day the claim goes to the payer, where the event says so.
        profile: The payer's ways.
        unsaid_settings: Keys that rules in force need and this payer's profile does not hold.
        tables: NCCI pairs, unit limits and how codes count.
        kinds: How each therapy code of that day counts.
        consulted: What the rule being judged has looked up by name; the engine empties it between rules.
    """

    __slots__ = (
        *("claim", "date_of_service", "lines", "submitted_on", "codes", "modifiers", "manual_therapy", "timed_lines"),
        *("notes", "profile", "unsaid_settings", "tables", "kinds", "consulted"),
        *("_book", "_note", "_profession", "_settings"),
    )

    def __init__(  # noqa: PLR0917 - built in one place, by the engine
        self,
        claim: Claim,
        date_of_service: date,
        lines: tuple[Line, ...],
        submitted_on: date | None,
        profile: "Profile",
        book: "RuleBook",
        selection: "Selection",
    ) -> None:
        self.claim = claim
        self.date_of_service = date_of_service
        self.lines = lines
        self.submitted_on = submitted_on
        self.profile = profile
        self.unsaid_settings = selection.unsaid_settings
        self.tables = book.tables
        self.kinds = kinds = book.tables.kinds.on(date_of_service)
        self.consulted: dict[str, DatedValue] = {}
        # Every visit is asked for these by several questions.  One loop is half the price of a comprehension for each.
        codes: set[str] = set()
        modifiers: set[str] = set()
        manual_therapy: list[Line] = []
        timed_lines: list[Line] = []
        for line in lines:
            code = line.code
            codes.add(code)
            if line.modifiers:
                modifiers.update(line.modifiers)
            if code == MANUAL_THERAPY:
                manual_therapy.append(line)
            if kinds.get(code) == "timed_15":
                timed_lines.append(line)
        self.codes = frozenset(codes)
        self.modifiers = frozenset(modifiers)
        self.manual_therapy = tuple(manual_therapy)
        self.timed_lines = tuple(timed_lines)
        shared = claim.documentation
        self.notes = tuple([note for note in shared if note.service_date == date_of_service]) if shared else ()
        self._profession = claim.rendering_provider.profession
        self._note = self.notes[0] if len(self.notes) == 1 else self._main_note() if self.notes else None
        self._book = book
        self._settings = selection.settings

    # -- the claim's own facts ------------------------------------------------------------------------------------

    @property
    def program(self) -> Program | None:
        """The kind of payer that the claim is judged for."""
        return self.profile.program

    def billed(self, codes: Collection[str]) -> tuple[Line, ...]:
        """The lines that bill any of some codes."""
        return tuple(line for line in self.lines if line.code in codes)

    @property
    def note(self) -> VisitNote:
        """The note that 97140 rests on: the rendering provider's where there are several.

        Raises:
            MissingFact: no note of that day is shared.
        """
        if self._note is None:
            raise MissingFact("documentation", self.no_note)
        return self._note

    def _main_note(self) -> VisitNote:
        mine = self.claim.rendering_provider.npi
        return next((n for n in self.notes if n.clinician is not None and n.clinician.npi == mine), self.notes[0])

    @property
    def no_note(self) -> str:
        """That no note is shared, or none of this day; in words that claims have in common."""
        return _no_note(self.date_of_service if self.claim.documentation else None)

    def known(self, fact: Fact | None, needs: str, line: HasLine | None = None) -> Fact:
        """A fact that must be there for the rule to answer.

        Raises:
            MissingFact: it is None; the engine makes "cannot tell" of it, naming `needs`.
        """
        if fact is None:
            raise MissingFact(needs, line=line)
        return fact

    def discipline(self, line: Line) -> Profession | None:
        """PT, OT or SLP: by the line's therapy modifier, else by who rendered the claim."""
        return _discipline(line.modifiers, self._profession)

    # -- tables, by the date of service ---------------------------------------------------------------------------

    def kind(self, code: str) -> "Kind | None":
        """How a code counts on this day: `timed_15`, `untimed`, `timed_other`, or None."""
        return self.kinds.get(code)

    # -- what is looked up by name, payer and date ----------------------------------------------------------------

    def says(self, key: str) -> bool:
        """Whether the payer profile has a value for `key` on this day."""
        return key in self._settings

    def setting(self, key: str) -> Any:  # noqa: ANN401 - a profile value is whatever its key's type is
        """A value of the payer profile.

        Raises:
            MissingFact: the profile does not say; a missing value is never a pass.
        """
        dated = self._settings.get(key)
        if dated is None:
            raise MissingFact(
                f"payer profile: {key}",
                f"The profile {self.profile.id} does not say `{key}` for {self.date_of_service}.",
            )
        self.consulted[key] = dated
        return dated.value

    def amount(self, name: str) -> Any:  # noqa: ANN401 - a parameter is a Decimal, an int or a set of codes
        """A dated parameter's value on the date of service; a payer profile's value of the same name goes first.

        Raises:
            MissingFact: no value holds on that day.
        """
        if name in self._settings:
            return self.setting(name)
        parameter = self._book.parameters[name]
        dated = parameter.timeline.on(self.date_of_service)
        if dated is None:
            raise MissingFact(f"parameter: {name}", f"No {parameter.title} is known for {self.date_of_service}.")
        self.consulted[name] = dated
        return dated.value

    def verified(self, name: str) -> bool:
        """Whether somebody has checked a parameter up to this date of service."""
        return self.date_of_service <= self._book.parameters[name].verified_through


@lru_cache(maxsize=1024)
def _no_note(day: date | None) -> str:
    of_this_day = "" if day is None else f" of {day}"
    return f"No visit note{of_this_day} is shared, so this cannot be checked."


@lru_cache(maxsize=1024)
def _discipline(modifiers: tuple[str, ...], profession: Profession | None) -> Profession | None:
    for modifier, discipline in DISCIPLINE_MODIFIERS.items():
        if modifier in modifiers:
            return discipline
    return None if profession is None else DISCIPLINES.get(profession)


def whole_minutes(intervals: Iterable[Interval]) -> int:
    """Minutes covered by intervals of one day, overlaps counted once.  An end before its start counts nothing."""
    spans = sorted((clock_minutes(each.start), clock_minutes(each.end)) for each in intervals)
    total, reached = 0, 0
    for start, end in spans:
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


@lru_cache(maxsize=1440)
def clock_minutes(clock: str) -> int:
    """Minutes since midnight of an HH:MM time."""
    return int(clock[:2]) * 60 + int(clock[3:])
