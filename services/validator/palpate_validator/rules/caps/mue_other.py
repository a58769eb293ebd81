"""A service next to 97140 is billed with more units than Medicare believes of one day.

## What it checks
The units of every other code of the day against its medically unlikely edit (MUE). Most codes are judged on all their
lines of the day together, a few line by line. Before 2013-04-01 each line was judged by itself.

## Why it matters
Above the limit all units of the code on that day are denied, not only the excess.

## How to fix
Check the units against the minutes. Where the limit is none at all, Medicare never pays the code: take the line off.

## Example that fails
97112 GP, 5 units: the limit is 4.

## Example that passes
97112 GP, 4 units.

## Limits
The values are those of Medicare's tables of 2024-07-01 and 2026 Q2, and of quarters that a site has imported. A service
that counts once and has two units is for `units-untimed-over-1`, unless two disciplines or two sides make the two.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, SAID, Result, fails, rule
from palpate_validator.sources import MUE, NCCI1
from palpate_validator.unit_limits import BEGAN, LAST_ALONE, SUMMED_FROM, exceeded, limits_in_question, more_than_once
from palpate_validator.visit import MANUAL_THERAPY, Visit

_REMEDY = "Check the units against the minutes, or take the line off where the payer never pays the code."
_DENIAL = Denial(carc="151", rarc="N362")
_SOURCES = (f"{NCCI1} §V", MUE)


@rule(
    remedy=_REMEDY,
    fixer=BILLER,
    denial=_DENIAL,
    sources=_SOURCES,
    confidence="sourced",
    profile={"mue": SAID},
    given=limits_in_question,
    start=SUMMED_FROM,
)
def day_over_limit(visit: Visit) -> Iterator[Result]:
    yield from _over(visit, summed=True)


@rule(
    remedy=_REMEDY,
    fixer=BILLER,
    denial=_DENIAL,
    sources=_SOURCES,
    confidence="sourced",
    profile={"mue": SAID},
    start=BEGAN,
    given=limits_in_question,
    end=LAST_ALONE,
)
def line_over_limit(visit: Visit) -> Iterator[Result]:
    yield from _over(visit, summed=False)


def _over(visit: Visit, *, summed: bool) -> Iterator[Result]:
    if visit.codes == {MANUAL_THERAPY}:
        return
    for over in exceeded(visit, summed=summed):
        if over.code == MANUAL_THERAPY or (over.limit.units > 0 and over.code in _told_elsewhere(visit)):
            continue
        allowed = f"the limit is {over.limit.units}" if over.limit.units else "this payer never pays it"
        yield fails(
            f"{over.code} has {over.units} unit{'s' if over.units > 1 else ''} on {visit.date_of_service}; {allowed}.",
            line=over.lines[0],
            pointer="/units",
            billed_units=over.units,
            limit=over.limit.units,
            adjudication_indicator=over.limit.adjudication,
            line_numbers=[line.line_number for line in over.lines],
        )


def _told_elsewhere(visit: Visit) -> set[str]:
    """The codes that `units-untimed-over-1` names."""
    return {lines[0].code for lines in more_than_once(visit)}
