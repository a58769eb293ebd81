"""Tells what is unusual about a visit, in one look at the claim, so that twenty rules need not look each for itself."""

from collections.abc import Iterator
from functools import lru_cache

from palpate_schemas.values import Profession
from palpate_validator.modifier_codes import all_in_force
from palpate_validator.place_of_service import place_of
from palpate_validator.unusual import Unusual
from palpate_validator.visit import DISCIPLINE_MODIFIERS, MANUAL_THERAPY, Line, Visit
from palpate_validator.who_treated import ASSISTANTS, PHYSICIANS, THERAPISTS, everybody, rendering_profession

_USUAL_HANDS = THERAPISTS | ASSISTANTS | PHYSICIANS | {Profession.DC}
_USUAL_AGES = range(2, 110)
_WHERE_IT_IS_GIVEN = frozenset({"plausible", "facility"})


@lru_cache(maxsize=1)
def unusual(visit: Visit) -> frozenset[Unusual]:
    """Everything unusual about a visit; kept while its rules for a visit and those for a claim are chosen."""
    found = {*_of_the_claim(visit), *_of_the_days(visit), *_of_the_people(visit)}
    for line in visit.lines:
        _of_a_line(line, found)
    return frozenset(found)


def _of_the_claim(visit: Visit) -> Iterator[Unusual]:
    claim = visit.claim
    if len(visit.lines) > len(visit.codes):
        yield Unusual.REPEATED_CODE
    if len(claim.diagnoses) > 1:
        yield Unusual.SEVERAL_DIAGNOSES
    if claim.documentation is not None and len(claim.documentation) > 1:
        yield Unusual.SEVERAL_NOTES
    if claim.coverage is None or not claim.coverage.active_on_service_date:
        yield Unusual.COVERAGE
    if "untimed" in [visit.kind(code) for code in visit.codes]:
        yield Unusual.UNTIMED
    if len(visit.modifiers) > 1 and len(DISCIPLINE_MODIFIERS.keys() & visit.modifiers) > 1:
        yield Unusual.SEVERAL_PLANS


def _of_the_days(visit: Visit) -> Iterator[Unusual]:
    days = {line.service_date for line in visit.lines}
    first, last = (min(days), max(days)) if len(days) > 1 else (visit.lines[0].service_date,) * 2
    patient, submitted_on = visit.claim.patient, visit.submitted_on
    if len(visit.claim.lines) > 1 and len({line.service_date for line in visit.claim.lines}) > 1:
        yield Unusual.SEVERAL_DAYS
    if submitted_on is None or last > submitted_on:
        yield Unusual.LATE_SERVICE
    if patient.birth_date is None or not (
        first.year - patient.birth_date.year in _USUAL_AGES and last.year - patient.birth_date.year in _USUAL_AGES
    ):
        yield Unusual.AGE
    if patient.death_date is not None:
        yield Unusual.DEATH
    if visit.date_of_service < visit.tables.services[MANUAL_THERAPY].first_day:
        yield Unusual.BEFORE_THE_CODE


def _of_the_people(visit: Visit) -> Iterator[Unusual]:
    rendering, others = rendering_profession(visit), everybody(visit)
    if rendering not in _USUAL_HANDS or not others <= _USUAL_HANDS:
        yield Unusual.OTHER_HANDS
    if rendering in ASSISTANTS or not others.isdisjoint(ASSISTANTS) or not visit.modifiers.isdisjoint({"CQ", "CO"}):
        yield Unusual.ASSISTANT
    referring = visit.claim.referring_provider
    if referring is None or referring.npi == visit.claim.rendering_provider.npi:
        yield Unusual.NO_REFERRER


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
