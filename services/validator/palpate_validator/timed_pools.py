"""The timed minutes of a visit as units are counted from them: one pool for each discipline.

Same-code lines are one (`units-merge-split-lines` of the rule book): a service split on two lines for an assistant's
share, another practitioner or a modifier has its minutes and units summed before anything is judged.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from palpate_schemas.claim import VisitNote
from palpate_schemas.finding import PatchOperation
from palpate_schemas.values import Profession
from palpate_validator.rule import Result, cannot_tell
from palpate_validator.timed_units import (
    COGNITIVE_PAIR,
    Allocation,
    allocate,
    full_units,
    service_of,
    units_past_midpoint,
)
from palpate_validator.visit import DISCIPLINES, Line, Visit, whole_minutes
from palpate_validator.worked_out import worked_out

_PAIRED = frozenset({"97129", "97130"})
_MINUTES_IN_WORDS = re.compile(r"\b\d{1,3}[ -]?min(?:s|ute|utes)?\b", re.IGNORECASE)


@dataclass(eq=False)
class Pool:
    """The timed services of one day and discipline: what was billed, and what is known of their minutes."""

    discipline: Profession | None
    lines: tuple[Line, ...]
    by_service: Mapping[str, tuple[Line, ...]]
    """The billed lines of each service, in the order of their numbers."""
    notes: tuple[VisitNote, ...]
    minutes: Mapping[str, int]
    """Countable minutes by service, those that are not billed included."""
    unknown: frozenset[str]
    """Billed services whose own minutes nothing tells."""
    noted_total: int | None
    """Total timed minutes that the notes state."""
    every_service_noted: bool
    """Whether the notes list the minutes of every timed service given."""
    alone: bool
    """Whether the day has no other discipline's timed services."""

    @worked_out
    def billed(self) -> Mapping[str, int]:
        """Units by service; a service with units that are no whole number is left out (a finding of its own)."""
        billed: dict[str, int] = {}
        for service, lines in self.by_service.items():
            whole = [units for line in lines if (units := line.whole_units) is not None]
            if len(whole) == len(lines):
                billed[service] = sum(whole)
        return billed

    @property
    def plan(self) -> str:
        """Words that tell the pool from the day's others; empty where there is none."""
        return "" if self.alone else f" of the {self.discipline or 'unnamed'} plan"

    @worked_out
    def units(self) -> int:
        """All units billed."""
        return sum(self.billed.values())

    @property
    def readable(self) -> bool:
        """Whether every line has whole units."""
        return len(self.billed) == len(self.by_service)

    @worked_out
    def known_minutes(self) -> int:
        """The sum of the minutes known by service."""
        return sum(self.minutes.values())

    @worked_out
    def total(self) -> int | None:
        """Timed minutes of the day; None when they cannot be known.

        The larger of what the note states as its total and what its services add up to: where the two disagree, that
        is `time-total-lt-timed`'s to say, and the units are not blamed twice.
        """
        if self.unknown:
            return self.noted_total
        return max(self.known_minutes, self.noted_total or 0)

    @worked_out
    def complete(self) -> bool:
        """Whether the minutes of every service given are known, billed or not."""
        stated = self.noted_total or 0
        return not self.unknown and (self.every_service_noted or stated <= self.known_minutes)

    @property
    def unsupported(self) -> frozenset[str]:
        """Billed services for which the shared note holds no minutes at all; `units-vs-time-unknown` says so."""
        unaccounted = self.noted_total is not None and self.noted_total > self.known_minutes
        return frozenset() if not self.notes or unaccounted or self.says_minutes_in_words else self.unknown

    @worked_out
    def says_minutes_in_words(self) -> bool:
        """Whether a note's free text speaks of minutes that its fields do not hold."""
        return any(note.text and _MINUTES_IN_WORDS.search(note.text) for note in self.notes)

    @worked_out
    def allocation(self) -> Allocation:
        """Medicare's acceptable ways for the minutes known."""
        return allocate(self.minutes)

    def most(self, service: str) -> int | None:
        """The most units that any acceptable way gives to a service, whatever else was done that day; None if unknown.

        Where the other services' minutes are not known, a service may still get one unit for what it has left over.
        """
        if service in self.unknown:
            return None
        if self.complete:
            return self.allocation.most(service)
        spent = self.minutes[service]
        return full_units(spent) + (spent % 15 > 0)

    @property
    def unsettled(self) -> bool:
        """Whether a service's units hang on minutes that are not known."""
        if self.complete:
            return False
        return bool(self.unknown) or any(u > full_units(self.minutes[s]) for s, u in self.billed.items())

    @property
    def allowed(self) -> int | None:
        """Units that the total minutes allow under Medicare's count; None when the total is not known."""
        return None if self.total is None else units_past_midpoint(self.total)

    @worked_out
    def overfilled(self) -> tuple[str, ...]:
        """Services with more units than any acceptable way gives them, where that is the fault and not another.

        Not so when taking away the units that the total does not allow leaves a right claim (`units-total-over`), when
        the total allows none (`units-under-8-total`), or when every service could have its units by its own minutes
        and only the unit that the total leaves over went to the wrong one (`units-line-wrong-code`).
        """
        over = {s: most for s, u in self.billed.items() if (most := self.most(s)) is not None and u > most}
        if not self.complete:
            excess = 0 if self.allowed is None else max(0, self.units - self.allowed)
            return tuple(s for s, most in over.items() if self.billed[s] - excess > most)
        if self.allocation.units == 0 or self.allocation.lies_within(self.billed):
            return ()
        possible = all(self.billed[s] <= units_past_midpoint(self.minutes[s]) for s in over)
        return () if possible and self.units == self.allocation.units else tuple(over)

    @property
    def miscoded(self) -> bool:
        """Whether no acceptable way has these units on these services, though none is overfilled and the total fits."""
        if not self.complete or not self.readable or self.units > self.allocation.units or self.overfilled:
            return False
        return not self.allocation.covers(self.billed)

    @property
    def too_few(self) -> bool:
        """Whether what is billed is right but for units that the total would still allow."""
        if not self.readable or self.allowed is None or self.units >= self.allowed or self.overfilled:
            return False
        return not self.complete or self.allocation.covers(self.billed)

    def plainly_right(self, counts_by: str | None) -> bool:
        """Whether every minute is known and every unit is what the payer's way of counting makes of them."""
        if self.unknown or not self.readable or self.noted_total not in {None, self.known_minutes}:
            return False
        return _counted_so(counts_by, self.minutes, self.billed)

    @property
    def ways(self) -> str:
        """The acceptable ways in words, as far as the minutes are known."""
        return self.allocation.in_words() if self.complete else "not known without each service's minutes"

    @property
    def where(self) -> str:
        """The lines that bill it, in words: `line 1`, `lines 1 and 2`."""
        numbers = [str(number) for number in sorted(line.line_number for line in self.lines)]
        if len(numbers) == 1:
            return f"line {numbers[0]}"
        return f"lines {', '.join(numbers[:-1])} and {numbers[-1]}"

    @property
    def line(self) -> Line | None:
        """The pool's line, where there is one alone: what a finding about the pool lies on."""
        return self.lines[0] if len(self.lines) == 1 else None

    @property
    def pointer(self) -> str:
        """Where a finding about the pool points: the only line's units, else all lines."""
        return "/units" if len(self.lines) == 1 else "/lines"

    def repair(self, way: Mapping[str, int] | None) -> tuple[PatchOperation, ...] | None:
        """The units of the one acceptable way; None where there is a choice, or where a line must come or go."""
        if way is None or way.keys() != self.billed.keys() or COGNITIVE_PAIR in way:
            return None
        if not self.complete or self.allowed != self.allocation.units:
            return None
        lines = {service: lines[0] for service, lines in self.by_service.items() if len(lines) == 1}
        if lines.keys() != way.keys():
            return None
        return tuple(
            PatchOperation(op="replace", path=f"/lines/{line.index}/units", value=way[service])
            for service, line in lines.items()
            if line.units != way[service]
        )

    def set_units(self, service: str, units: int) -> tuple[PatchOperation, ...] | None:
        """The units of one service; None where its line would have to go or is not one."""
        lines = self.by_service[service]
        if units == 0 or len(lines) != 1 or service == COGNITIVE_PAIR:
            return None
        return (PatchOperation(op="replace", path=f"/lines/{lines[0].index}/units", value=units),)


def _counted_so(counts_by: str | None, minutes: Mapping[str, int], billed: Mapping[str, int]) -> bool:
    """Whether units are what a way of counting makes of minutes: by Medicare's, by the midpoint, or unsaid by both."""
    past_midpoint = True
    for service, spent in minutes.items():
        if units_past_midpoint(spent) != billed.get(service, 0):
            past_midpoint = False
            break
    if counts_by == "ama":
        return past_midpoint
    if counts_by not in {"cms", None} or (counts_by is None and not past_midpoint):
        return False
    # Who has eight minutes over comes before who has not: where just they fill the total, Medicare accepts it, too.
    filled = sum(billed.values()) == units_past_midpoint(sum(minutes.values()))
    return filled and (past_midpoint or _accepted(tuple(minutes.items()), tuple(billed.items())))


_ByService = tuple[tuple[str, int], ...]


@lru_cache(maxsize=8192)
def _accepted(minutes: _ByService, billed: _ByService) -> bool:
    return allocate(dict(minutes)).accepts(dict(billed))


@lru_cache(maxsize=1)
def pools(visit: Visit) -> tuple[Pool, ...]:
    """The pools of a visit that bills timed services; kept for the next rule that asks for the same visit."""
    lines = visit.timed_lines
    by_discipline: dict[Profession | None, list[Line]] = {}
    for line in lines:
        by_discipline.setdefault(visit.discipline(line), []).append(line)
    named = by_discipline.keys() - {None}
    if len(named) < 2:
        # A line that names no plan is under the only plan that the day's other lines name.
        discipline = next(iter(named), None)
        return (_pool(visit, discipline, lines, alone=True),) if lines else ()
    ordered = sorted(by_discipline.items(), key=lambda each: each[0] or "")
    return tuple(_pool(visit, discipline, tuple(its_lines), alone=False) for discipline, its_lines in ordered)


class PlainDay(NamedTuple):
    """A day whose minutes and units need no pools to be told."""

    minutes: Mapping[str, int]
    """By service, as a pool has them."""
    billed: Mapping[str, int]
    """Units by service."""
    note_agrees: bool
    """Whether the note, where there is one, has the lines' minutes or none."""


@lru_cache(maxsize=1)
def plain_day(visit: Visit) -> PlainDay | None:
    """Minutes and units by service of a day that needs no pools to be told; None of any other.

    One discipline and at most one note, which is its own; every line states its minutes and whole units; the note's
    total is what its services add up to.  Most days are like that, and their pools would take three times as long.
    """
    notes = visit.notes
    if len(notes) > 1:
        return None
    minutes: dict[str, int] = {}
    billed: dict[str, int] = {}
    first: Line | None = None
    discipline = None
    for line in visit.timed_lines:
        code, units = line.code, line.whole_units
        if units is None or line.minutes is None or code in _PAIRED:
            return None
        if first is None:
            first, discipline = line, visit.discipline(line)
        elif line.modifiers != first.modifiers and visit.discipline(line) is not discipline:
            return None
        minutes[code] = minutes.get(code, 0) + line.minutes
        billed[code] = billed.get(code, 0) + units
    agrees = not notes or _taken_in(visit, notes[0], discipline, minutes)
    return None if first is None or agrees is None else PlainDay(minutes, billed, agrees)


def _taken_in(visit: Visit, note: VisitNote, discipline: Profession | None, minutes: dict[str, int]) -> bool | None:
    """Let a note's minutes of timed services go before the lines'.

    Whether the two agreed; None where the day is not a plain one by the note.
    """
    if discipline is not None and _discipline_of(note) not in {discipline, None}:
        return None
    agreed = True
    for code, noted in (note.service_minutes or {}).items():
        own = minutes.get(code)
        if own == noted:
            continue
        if code in _PAIRED:
            return None
        agreed = agreed and own is None
        if own is not None or visit.kind(code) == "timed_15":
            minutes[code] = noted
    stated = note.total_timed_minutes
    return agreed if stated is None or stated == sum(minutes.values()) else None


def units_in_question(visit: Visit) -> bool:
    """Whether the rules about units and minutes have anything to look at: not where all of a day are plainly right."""
    for note in visit.notes:
        if not _adds_up(note):
            return True
    counts_by = visit.setting("timing_rule") if visit.says("timing_rule") else None
    if (plain := plain_day(visit)) is not None:
        return not _counted_so(counts_by, plain.minutes, plain.billed)
    return not all(pool.plainly_right(counts_by) for pool in pools(visit))


def _adds_up(note: VisitNote) -> bool:
    """Whether a note's own numbers of minutes are plainly one day's."""
    timed, treatment, by_service = note.total_timed_minutes, note.total_treatment_minutes, note.service_minutes
    if timed is None:
        return True
    if treatment is not None and treatment < timed:
        return False
    return by_service is None or timed == sum(by_service.values())


def countable(visit: Visit) -> tuple[Pool, ...]:
    """The pools whose total minutes are known."""
    return tuple(pool for pool in pools(visit) if pool.total is not None and not pool.unsupported)


def uncountable(visit: Visit) -> Iterator[Result]:
    """One "cannot tell" where a pool's total minutes are not known, unless another rule has found that a fault."""
    if any(pool.total is None and not pool.unsupported for pool in pools(visit)):
        yield cannot_tell("lines/minutes", "The minutes of the timed services are not shared.")


def judgeable(visit: Visit) -> tuple[Pool, ...]:
    """The pools in which every service's units can be judged by minutes."""
    return tuple(pool for pool in pools(visit) if not pool.unsettled and not pool.unsupported)


def unjudgeable(visit: Visit) -> Iterator[Result]:
    """One "cannot tell" where a service's units hang on minutes that are not known."""
    open_pools = [pool for pool in pools(visit) if pool.unsettled and not pool.unsupported and not pool.overfilled]
    if any(pool.unknown for pool in open_pools):
        yield cannot_tell("lines/minutes", "The minutes of each timed service are not shared.")
    elif open_pools:
        yield cannot_tell(
            "documentation/service_minutes",
            "The note's total timed minutes hold more than the lines do; how they divide by service is not shared.",
        )


def unknown_services(visit: Visit) -> Iterator[Result]:
    """One "cannot tell" where the payer counts each service alone and the minutes of one are not known."""
    if any(pool.unknown and not pool.unsupported for pool in pools(visit)):
        yield cannot_tell("lines/minutes", "The minutes of each timed service are not shared.")


def _notes_of(visit: Visit, discipline: Profession | None, *, alone: bool) -> tuple[VisitNote, ...]:
    """The notes that a pool's minutes are in: its discipline's, and where it is the only pool those of nobody known."""
    if alone and discipline is None:
        return visit.notes
    belonging = {discipline, None} if alone else {discipline}
    return tuple([note for note in visit.notes if _discipline_of(note) in belonging])


def _discipline_of(note: VisitNote) -> Profession | None:
    author = note.clinician
    profession = None if author is None else author.profession
    return None if profession is None else DISCIPLINES.get(profession)


def _pool(visit: Visit, discipline: Profession | None, lines: tuple[Line, ...], *, alone: bool) -> Pool:
    notes = _notes_of(visit, discipline, alone=alone)
    noted = _noted(visit, notes)
    minutes = dict(noted)
    unknown: set[str] = set()
    by_service = _by_service(lines)
    for service, its_lines in by_service.items():
        spent = [own for line in its_lines if (own := minutes_of(line)) is not None]
        on_lines = sum(spent) if len(spent) == len(its_lines) else None
        if service == COGNITIVE_PAIR and service in noted and on_lines is not None:
            # A note may list one code of the pair alone, with the minutes of it alone or of both.
            minutes[service] = max(noted[service], on_lines)
        elif service not in noted and on_lines is not None:
            minutes[service] = on_lines
        elif service not in noted:
            unknown.add(service)
    totals = [note.total_timed_minutes for note in notes if note.total_timed_minutes is not None]
    return Pool(
        discipline=discipline,
        lines=lines,
        by_service=by_service,
        notes=notes,
        minutes=minutes,
        unknown=frozenset(unknown),
        noted_total=sum(totals) if totals and len(totals) == len(notes) else None,
        every_service_noted=bool(notes) and None not in [note.service_minutes for note in notes],
        alone=alone,
    )


def _by_service(lines: tuple[Line, ...]) -> Mapping[str, tuple[Line, ...]]:
    if len(lines) == 1:
        return {service_of(lines[0].code): lines}
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(service_of(line.code), []).append(line)
    return {service: tuple(found[service]) for service in sorted(found)}


def _noted(visit: Visit, notes: tuple[VisitNote, ...]) -> Mapping[str, int]:
    noted: dict[str, int] = {}
    for note in notes:
        for code, minutes in (note.service_minutes or {}).items():
            if visit.kind(code) == "timed_15":
                service = service_of(code)
                noted[service] = noted.get(service, 0) + minutes
    return noted


def minutes_of(line: Line) -> int | None:
    """Minutes of a line: as stated, else what its intervals cover, else what the one person who gave it spent.

    Minutes that the line names as not countable are no part of a stated number, but lie within the intervals.
    """
    if line.minutes is not None:
        return line.minutes
    if line.intervals:
        return max(0, whole_minutes(line.intervals) - uncounted(line))
    return line.performed_by[0].minutes if len(line.performed_by) == 1 else None


def uncounted(line: Line) -> int:
    """Minutes that a line names as rest, waiting, set-up and the like."""
    return sum(each.minutes for each in line.excluded_minutes)
