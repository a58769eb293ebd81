"""Chiropractic manipulation beside manual therapy: which regions the two share."""

from palpate_validator.visit import Line

CMT = frozenset({"98940", "98941", "98942"})
"""Manipulation of 1-2, 3-4 and 5 spinal regions."""
EXTRASPINAL_CMT = "98943"
ALL_FIVE_REGIONS = "98942"

SPINE = frozenset({"cervical", "thoracic", "lumbar", "sacral", "pelvic"})
"""The five spinal regions of manipulation."""


def shared_spinal_regions(manipulation: Line, manual_therapy: Line) -> frozenset[str] | None:
    """The spinal regions of both lines; None when the claim does not say enough."""
    if not manual_therapy.regions:
        return None
    treated = SPINE.intersection(manual_therapy.regions)
    if not treated or manipulation.code == ALL_FIVE_REGIONS:
        return treated
    return treated.intersection(manipulation.regions) if manipulation.regions else None


def shared_extremities(manipulation: Line, manual_therapy: Line) -> frozenset[str] | None:
    """The regions outside the spine that both lines name, with the same side; None when a line names none at all.

    A side that one of them leaves out, and `upper_limb` beside `shoulder`, are not counted as the same place.
    """
    if not manipulation.regions or not manual_therapy.regions:
        return None
    return frozenset(_sides(manipulation) & _sides(manual_therapy))


def _sides(line: Line) -> set[str]:
    sides: set[str] = set()
    for region in line.regions:
        place, _, side = region.partition(".")
        if place not in SPINE:
            sides |= {f"{place}.left", f"{place}.right"} if side == "both" else {region}
    return sides
