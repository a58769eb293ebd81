"""Whether two services that a modifier sets apart were apart: other encounter, practitioner, place or minutes."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product

from palpate_validator.code_pairs import billed_pairs
from palpate_validator.evaluation_visits import practitioners
from palpate_validator.visit import Line, Visit, clock_minutes

Same = Callable[[Visit, Line, Line], bool | None]
"""Whether two lines have the same encounter, practitioner or place; None where the claim does not say."""


def set_apart(visit: Visit, modifier: str) -> Iterator[tuple[Line, tuple[Line, ...]]]:
    """Every line that sets an NCCI pair apart with this modifier, and the lines that it is set apart from."""
    others: defaultdict[int, list[Line]] = defaultdict(list)
    for pair in billed_pairs(visit):
        if pair.column2.has(modifier):
            others[pair.column2.index] += pair.column1
        for first in pair.column1:
            if first.has(modifier):
                others[first.index].append(pair.column2)
    for line in visit.lines:
        if line.index in others:
            yield line, tuple(others[line.index])


def same_as_all(visit: Visit, line: Line, others: tuple[Line, ...], same: Same) -> bool | None:
    """Whether nothing sets the line apart: True only when it is the same as every other one; None when unknown."""
    answers = [same(visit, line, other) for other in others]
    if False in answers:
        return False
    return None if None in answers else True


def same_encounter(visit: Visit, one: Line, other: Line) -> bool | None:
    """An encounter that neither line gives is 1 by default, which is not a statement."""
    if one.encounter != other.encounter:
        return False
    said = any(visit.claim.lines[line.index].encounter is not None for line in (one, other))
    return True if said else None


def same_practitioner(_visit: Visit, one: Line, other: Line) -> bool | None:
    """By the NPIs of whoever gave each service."""
    first, second = practitioners(one), practitioners(other)
    return not first.isdisjoint(second) if first and second else None


def same_places(_visit: Visit, one: Line, other: Line) -> bool | None:
    """Whether neither line has a place that the other one lacks; a side that is left out may be either."""
    if not one.regions or not other.regions:
        return None
    first, second = _sides(one), _sides(other)
    if first <= second or second <= first:
        return True
    sideless = {place for place in first ^ second if "." not in place}
    halves = {place.partition(".")[0] for place in first ^ second if "." in place}
    return None if sideless & halves else False


def _sides(line: Line) -> set[str]:
    sides: set[str] = set()
    for region in line.regions:
        place, _, side = region.partition(".")
        sides |= {f"{place}.left", f"{place}.right"} if side == "both" else {region}
    return sides


def same_minutes(_visit: Visit, one: Line, other: Line) -> bool | None:
    """Whether the times of two services overlap."""
    if not one.intervals or not other.intervals:
        return None
    return any(
        max(clock_minutes(a.start), clock_minutes(b.start)) < min(clock_minutes(a.end), clock_minutes(b.end))
        for a, b in product(one.intervals, other.intervals)
    )
