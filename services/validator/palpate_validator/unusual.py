"""What is unusual about a visit.  Rules that are about nothing else are not asked on a usual one.

Everything here is told from the claim in one look at its lines, so that a dozen rules need not look each for itself.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from palpate_validator.visit import Line, Visit


class Unusual(StrEnum):
    """One thing that most visits have not."""

    SEVERAL_DAYS = "the claim has services of several days"
    SEVERAL_DIAGNOSES = "the claim has several diagnoses"
    SEVERAL_NOTES = "the claim has several notes"
    DEATH = "the patient has died"
    REPEATED_CODE = "a code is billed on several lines"
    SPAN = "a line runs through another day"
    EXCLUDED_MINUTES = "a line names minutes that do not count"
    ODD_UNITS = "a line's units are no whole positive number"
    MANY_MODIFIERS = "a line has more than four modifiers, or one of them twice"
    UNTIMED = "a service that does not go by time is billed"


def unusual(visit: "Visit") -> frozenset[Unusual]:
    """Everything unusual about a visit."""
    claim, lines = visit.claim, visit.lines
    found: set[Unusual] = set()
    for line in lines:
        _of_line(line, found)
    if len(lines) > len(visit.codes):
        found.add(Unusual.REPEATED_CODE)
    if len(claim.lines) > 1 and len({line.service_date for line in claim.lines}) > 1:
        found.add(Unusual.SEVERAL_DAYS)
    if len(claim.diagnoses) > 1:
        found.add(Unusual.SEVERAL_DIAGNOSES)
    if claim.documentation is not None and len(claim.documentation) > 1:
        found.add(Unusual.SEVERAL_NOTES)
    if claim.patient.death_date is not None:
        found.add(Unusual.DEATH)
    if "untimed" in [visit.kind(code) for code in visit.codes]:
        found.add(Unusual.UNTIMED)
    return frozenset(found)


def _of_line(line: "Line", found: set[Unusual]) -> None:
    if line.service_date_through is not None and line.service_date_through != line.service_date:
        found.add(Unusual.SPAN)
    if line.excluded_minutes:
        found.add(Unusual.EXCLUDED_MINUTES)
    if line.whole_units is None:
        found.add(Unusual.ODD_UNITS)
    if len(line.modifiers) > 1 and (len(line.modifiers) > 4 or len(set(line.modifiers)) < len(line.modifiers)):
        found.add(Unusual.MANY_MODIFIERS)
