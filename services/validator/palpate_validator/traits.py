"""Tells what is unusual about a visit, in one look at the claim, so that twenty rules need not look each for itself."""

from functools import lru_cache

from palpate_schemas.values import Profession
from palpate_validator.modifier_codes import all_in_force
from palpate_validator.place_of_service import place_of
from palpate_validator.unusual import Unusual
from palpate_validator.visit import DISCIPLINE_MODIFIERS, MANUAL_THERAPY, Line, Visit
from palpate_validator.who_treated import ASSISTANTS, PHYSICIANS, THERAPISTS, everybody, rendering_profession

_USUAL_HANDS = THERAPISTS | ASSISTANTS | PHYSICIANS | {Profession.DC}
_YOUNG, _OLD = 2, 109
_WHERE_IT_IS_GIVEN = frozenset({"plausible", "facility"})


@lru_cache(maxsize=1)
def unusual(visit: Visit) -> frozenset[Unusual]:
    """Everything unusual about a visit; kept while its rules for a visit and those for a claim are chosen."""
    found: set[Unusual] = set()
    _of_the_claim(visit, found)
    _of_the_days(visit, found)
    _of_the_people(visit, found)
    for line in visit.lines:
        _of_a_line(line, found)
    return frozenset(found)


def _of_the_claim(visit: Visit, found: set[Unusual]) -> None:
    claim = visit.claim
    if len(visit.lines) > len(visit.codes):
        found.add(Unusual.REPEATED_CODE)
    if len(claim.diagnoses) > 1:
        found.add(Unusual.SEVERAL_DIAGNOSES)
    if claim.documentation is not None and len(claim.documentation) > 1:
        found.add(Unusual.SEVERAL_NOTES)
    if claim.coverage is None or not claim.coverage.active_on_service_date:
        found.add(Unusual.COVERAGE)
    untimed = [code for code in visit.codes if visit.kind(code) == "untimed"]
    if any(sum(line.whole_units or 0 for line in visit.billed({code})) > 1 for code in untimed):
        found.add(Unusual.UNTIMED_UNITS)
    if len(visit.modifiers) > 1 and len(DISCIPLINE_MODIFIERS.keys() & visit.modifiers) > 1:
        found.add(Unusual.SEVERAL_PLANS)


def _of_the_days(visit: Visit, found: set[Unusual]) -> None:
    days = [line.service_date for line in visit.lines]
    first, last = min(days), max(days)
    patient, submitted_on = visit.claim.patient, visit.submitted_on
    if last != first or (
        len(visit.claim.lines) > len(days) and len({line.service_date for line in visit.claim.lines}) > 1
    ):
        found.add(Unusual.SEVERAL_DAYS)
    if submitted_on is None or last > submitted_on:
        found.add(Unusual.LATE_SERVICE)
    born = None if patient.birth_date is None else patient.birth_date.year
    if born is None or first.year - born < _YOUNG or last.year - born > _OLD:
        found.add(Unusual.AGE)
    if patient.death_date is not None:
        found.add(Unusual.DEATH)
    if visit.date_of_service < visit.tables.services[MANUAL_THERAPY].first_day:
        found.add(Unusual.BEFORE_THE_CODE)


def _of_the_people(visit: Visit, found: set[Unusual]) -> None:
    rendering, others = rendering_profession(visit), everybody(visit)
    if rendering not in _USUAL_HANDS or not others <= _USUAL_HANDS:
        found.add(Unusual.OTHER_HANDS)
    if rendering in ASSISTANTS or not others.isdisjoint(ASSISTANTS) or not visit.modifiers.isdisjoint({"CQ", "CO"}):
        found.add(Unusual.ASSISTANT)
    referring = visit.claim.referring_provider
    if referring is None or referring.npi == visit.claim.rendering_provider.npi:
        found.add(Unusual.NO_REFERRER)


def _of_a_line(line: Line, found: set[Unusual]) -> None:
    if line.service_date_through is not None and line.service_date_through != line.service_date:
        found |= {Unusual.SPAN, Unusual.LATE_SERVICE}
    if line.excluded_minutes:
        found.add(Unusual.EXCLUDED_MINUTES)
    if line.whole_units is None:
        found.add(Unusual.ODD_UNITS)
    if line.charge is None or line.charge <= 0:
        found.add(Unusual.NO_CHARGE)
    if line.modifiers:
        if not all_in_force(line.modifiers, line.service_date):
            found.add(Unusual.ODD_MODIFIER)
        if len(line.modifiers) > 4 or len(set(line.modifiers)) < len(line.modifiers):
            found.add(Unusual.MANY_MODIFIERS)
    place = place_of(line)
    if place is None or place.manual_therapy not in _WHERE_IT_IS_GIVEN:
        found.add(Unusual.ODD_PLACE)
