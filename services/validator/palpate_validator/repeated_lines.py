"""When two service lines of one day are the same, and what tells them apart."""

from palpate_validator.visit import DISTINCT_MODIFIERS, Line

REPEAT_MODIFIERS = frozenset({"76", "77"})

SORTING_MODIFIERS = frozenset({"CQ", "CO", "GP", "GO", "GN", "GA", "GX", "GY", "GZ", "KX"})
"""Modifiers under which a payer counts units apart: an assistant's share, a therapy plan, who is liable."""


def sameness(line: Line) -> tuple[object, ...]:
    """Everything about a line but its number and place in the claim."""
    return (
        line.code,
        line.service_date,
        frozenset(line.modifiers),
        line.units,
        line.charge,
        line.diagnosis_pointers,
        line.place_of_service,
        line.minutes,
        line.intervals,
        line.performed_by,
        line.regions,
        line.encounter,
    )


def told_apart(line: Line, other: Line) -> bool:
    """Whether two lines of one code and day have a reason to be two."""
    if line.encounter != other.encounter or line.place_of_service != other.place_of_service:
        return True
    either = {*line.modifiers, *other.modifiers}
    if not either.isdisjoint(DISTINCT_MODIFIERS | REPEAT_MODIFIERS):
        return True
    if SORTING_MODIFIERS.intersection(line.modifiers) != SORTING_MODIFIERS.intersection(other.modifiers):
        return True
    return _performers(line) != _performers(other)


def _performers(line: Line) -> frozenset[tuple[object, object]]:
    return frozenset((part.npi, part.profession) for part in line.performed_by)
