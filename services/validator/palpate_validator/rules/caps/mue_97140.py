"""97140 is billed with more units than Medicare believes of one day.

## What it checks
All units of 97140 of the day, on whatever lines, against the medically unlikely edit (MUE): 6 units. Before
2013-04-01 each line was judged by itself.

## Why it matters
Above the limit all units of the code on that day are denied, not only the excess. Only an appeal with records can
overturn it, and the patient cannot be made liable.

## How to fix
Check the minutes. Seven units need at least 98 minutes of manual therapy by one pair of hands. If they are right, keep
the record for the appeal.

## Example that fails
97140 GP, 4 units, and 97140 GP 59, 3 units, on one day.

## Example that passes
97140 GP, 6 units.

## Limits
The values are those of Medicare's tables of 2024-07-01 and 2026 Q2, and of quarters that a site has imported. Units
of the day on other claims are not seen. Payers with limits of their own are judged once their table is imported.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, SAID, Result, fails, rule
from palpate_validator.sources import MUE, NCCI1
from palpate_validator.unit_limits import BEGAN, LAST_ALONE, SUMMED_FROM, exceeded, limits_in_question
from palpate_validator.visit import MANUAL_THERAPY, Visit

_REMEDY = "Check the minutes of manual therapy of that day; if they are right, keep the record for an appeal."
_DENIAL = Denial(carc="151", rarc="N362")
_SOURCES = (f"{NCCI1} §V", MUE)


@rule(
    remedy=_REMEDY,
    fixer=BILLER,
    denial=_DENIAL,
    sources=_SOURCES,
    confidence="sourced",
    profile={"mue": SAID},
    codes={MANUAL_THERAPY},
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
    codes={MANUAL_THERAPY},
    start=BEGAN,
    given=limits_in_question,
    end=LAST_ALONE,
)
def line_over_limit(visit: Visit) -> Iterator[Result]:
    yield from _over(visit, summed=False)


def _over(visit: Visit, *, summed: bool) -> Iterator[Result]:
    for over in exceeded(visit, summed=summed):
        if over.code == MANUAL_THERAPY:
            yield fails(
                f"97140 has {over.units} units on {visit.date_of_service}; the limit is {over.limit.units}. "
                "How many minutes of manual therapy were given?",
                line=over.lines[0],
                pointer="/units",
                billed_units=over.units,
                limit=over.limit.units,
                adjudication_indicator=over.limit.adjudication,
                line_numbers=[line.line_number for line in over.lines],
            )
