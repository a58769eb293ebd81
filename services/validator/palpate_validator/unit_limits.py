"""How many units of a code a day may have: medically unlikely edits (MUE), and services that count once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from palpate_validator.rule import MissingFact
from palpate_validator.tables import MueLimit
from palpate_validator.visit import Line, Visit

BEGAN = date(2007, 1, 1)
"""First date of service of the unit limits; every line was judged alone."""

SUMMED_FROM = date(2013, 4, 1)
"""First date of service on which indicators 2 and 3 are judged on all lines of the day together (NCCI ch. 1 V)."""

LAST_ALONE = date(2013, 3, 31)


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A code whose units are more than its limit."""

    code: str
    units: int
    limit: MueLimit
    lines: tuple[Line, ...]
    """The lines that were summed, or the one line over the limit where each is judged alone."""


def exceeded(visit: Visit, *, summed: bool = True) -> tuple[Exceeded, ...]:
    """Every code of the visit that is over its limit, by code.

    Args:
        visit: The day.
        summed: Whether codes with indicator 2 or 3 are judged on all their lines together.

    Raises:
        MissingFact: the payer has unit limits of its own that are not in the tables.
    """
    whose = visit.setting("mue")
    return () if whose == "none" else _exceeded(visit, whose, summed=summed)


def limits_in_question(visit: Visit) -> bool:
    """Whether any code may be over its limit, its lines summed or not, or the limits are not in the tables."""
    whose = visit.setting("mue")
    if whose == "none":
        return False
    limits = visit.tables.mue_on(whose, visit.date_of_service)
    billed: dict[str, int] = {}
    for line in visit.lines:
        units = billed[line.code] = billed.get(line.code, 0) + (line.whole_units or 0)
        limit = limits.get(line.code)
        if limit is not None and units > limit.units:
            return True
    return not limits


@lru_cache(maxsize=2)
def _exceeded(visit: Visit, whose: str, *, summed: bool) -> tuple[Exceeded, ...]:
    limits = visit.tables.mue_on(whose, visit.date_of_service)
    if not limits:
        raise MissingFact(f"table: unit limits of {whose}", f"The unit limits of {whose} are not in the tables.")
    found: list[Exceeded] = []
    for code, lines in by_code(visit).items():
        limit = limits.get(code)
        if limit is not None:
            found += _over(limit, lines, summed=summed and limit.adjudication != 1)
    return tuple(found)


@lru_cache(maxsize=1)
def by_code(visit: Visit) -> Mapping[str, tuple[Line, ...]]:
    """The lines with whole units by code, each in the order of their numbers."""
    lines: dict[str, list[Line]] = {}
    for line in visit.lines:
        if line.whole_units is not None:
            lines.setdefault(line.code, []).append(line)
    return {code: tuple(lines[code]) for code in sorted(lines)}


def more_than_once(visit: Visit) -> Iterator[tuple[Line, ...]]:
    """The lines of each service that does not go by time and has more units than it may, one discipline and side."""
    if not any(visit.kind(code) == "untimed" for code in visit.codes):
        return
    services: defaultdict[tuple[object, ...], list[Line]] = defaultdict(list)
    for code, lines in by_code(visit).items():
        for line in lines if visit.kind(code) == "untimed" else ():
            services[code, visit.discipline(line), line.has("RT"), line.has("LT")].append(line)
    for alike in services.values():
        if sum(line.whole_units or 0 for line in alike) > untimed_limit(visit, alike[0].code):
            yield tuple(alike)


def untimed_limit(visit: Visit, code: str) -> int:
    """Units that a service which does not go by time may have: one, or what Medicare's table holds possible."""
    limit = visit.tables.mue_on("medicare", visit.date_of_service).get(code)
    return max(1, 1 if limit is None else limit.units)


def _over(limit: MueLimit, lines: tuple[Line, ...], *, summed: bool) -> Iterator[Exceeded]:
    for together in [lines] if summed else [(line,) for line in lines]:
        units = sum(line.whole_units or 0 for line in together)
        if units > limit.units:
            yield Exceeded(limit.code, units, limit, together)
