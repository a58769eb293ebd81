"""Tells what is unusual about a visit, in one look at the claim, so that twenty rules need not look each for itself."""

from datetime import date

from palpate_schemas.values import Profession
from palpate_validator.modifier_codes import all_in_force
from palpate_validator.place_of_service import place_of
from palpate_validator.unusual import Unusual
from palpate_validator.visit import DISCIPLINE_MODIFIERS, MANUAL_THERAPY, Line, Visit
from palpate_validator.who_treated import ASSISTANTS, PHYSICIANS, THERAPISTS, everybody, rendering_profession

_USUAL_HANDS = THERAPISTS | ASSISTANTS | PHYSICIANS | {Profession.DC}
_ASSISTED = frozenset({"CQ", "CO"})
_YOUNG, _OLD = 2, 109
_WHERE_IT_IS_GIVEN = frozenset({"plausible", "facility"})


def unusual(visit: Visit) -> frozenset[Unusual]:
    """Everything unusual about a visit."""
    found: list[Unusual] = []
    _of_the_claim(visit, found)
    _of_the_days(visit, found)
    _of_the_people(visit, found)
    _of_the_lines(visit.lines, found)
    return frozenset(found)


def _of_the_claim(visit: Visit, found: list[Unusual]) -> None:
    claim, kinds = visit.claim, visit.kinds
    notes, coverage = claim.documentation, claim.coverage
    if len(visit.lines) > len(visit.codes):
        found.append(Unusual.REPEATED_CODE)
    if len(claim.diagnoses) > 1:
        found.append(Unusual.SEVERAL_DIAGNOSES)
    if notes is not None and len(notes) > 1:
        found.append(Unusual.SEVERAL_NOTES)
    if coverage is None or not coverage.active_on_service_date:
        found.append(Unusual.COVERAGE)
    for code in visit.codes:
        if kinds.get(code) == "untimed":
            _of_an_untimed(visit.billed({code}), found)
    if len(visit.modifiers) > 1 and len(DISCIPLINE_MODIFIERS.keys() & visit.modifiers) > 1:
        found.append(Unusual.SEVERAL_PLANS)


def _of_an_untimed(lines: tuple[Line, ...], found: list[Unusual]) -> None:
    if sum([line.whole_units or 0 for line in lines]) > 1:
        found.append(Unusual.UNTIMED_UNITS)


def _of_the_days(visit: Visit, found: list[Unusual]) -> None:
    first = last = visit.date_of_service
    for line in visit.lines:
        if line.service_date != first:
            first, last = min(first, line.service_date), max(last, line.service_date)
    patient, submitted_on = visit.claim.patient, visit.submitted_on
    # A visit that has not all of the claim's lines is one day of several.
    if last != first or len(visit.claim.lines) > len(visit.lines):
        found.append(Unusual.SEVERAL_DAYS)
    if submitted_on is None or last > submitted_on:
        found.append(Unusual.LATE_SERVICE)
    born = None if patient.birth_date is None else patient.birth_date.year
    if born is None or first.year - born < _YOUNG or last.year - born > _OLD:
        found.append(Unusual.AGE)
    if patient.death_date is not None:
        found.append(Unusual.DEATH)
    if MANUAL_THERAPY not in visit.kinds:
        found.append(Unusual.BEFORE_THE_CODE)


def _of_the_people(visit: Visit, found: list[Unusual]) -> None:
    hands = {rendering_profession(visit), *everybody(visit)}
    if not hands <= _USUAL_HANDS:
        found.append(Unusual.OTHER_HANDS)
    if not hands.isdisjoint(ASSISTANTS) or not visit.modifiers.isdisjoint(_ASSISTED):
        found.append(Unusual.ASSISTANT)
    referring = visit.claim.referring_provider
    if referring is None or referring.npi == visit.claim.rendering_provider.npi:
        found.append(Unusual.NO_REFERRER)


def _of_the_lines(lines: tuple[Line, ...], found: list[Unusual]) -> None:
    modifiers: tuple[str, ...] = ()
    place: str | None = None
    day: date | None = None
    for line in lines:
        if line.service_date_through is not None and line.service_date_through != line.service_date:
            found += (Unusual.SPAN, Unusual.LATE_SERVICE)
        if line.excluded_minutes:
            found.append(Unusual.EXCLUDED_MINUTES)
        if line.whole_units is None:
            found.append(Unusual.ODD_UNITS)
        if line.charge is None or line.charge <= 0:
            found.append(Unusual.NO_CHARGE)
        if line.place_of_service != place or line.modifiers != modifiers or line.service_date != day:
            # The lines of a claim mostly have one of each.
            modifiers, place, day = line.modifiers, line.place_of_service, line.service_date
            _of_modifiers_and_place(line, found)


def _of_modifiers_and_place(line: Line, found: list[Unusual]) -> None:
    modifiers = line.modifiers
    if modifiers and not all_in_force(modifiers, line.service_date):
        found.append(Unusual.ODD_MODIFIER)
    if len(modifiers) > 1 and (len(modifiers) > 4 or len({*modifiers}) < len(modifiers)):
        found.append(Unusual.MANY_MODIFIERS)
    place = place_of(line)
    if place is None or place.manual_therapy not in _WHERE_IT_IS_GIVEN:
        found.append(Unusual.ODD_PLACE)
