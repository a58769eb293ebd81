"""CO stands without GO, the modifier that it has to be paired with.

## What it checks
Every line with CO also carries GO.

## Why it matters
CO marks the work of an occupational therapist assistant under an occupational therapy plan. A line that is
not so paired is returned as unprocessable.

## How to fix
Add GO, or take CO off if the service was not given under an occupational therapy plan.

## Example that fails
97140 CO, to Medicare.

## Example that passes
97140 CO GO, to Medicare.

## Limits
For payers that use the modifier (`cq_co`), from 2020-01-01. The patch adds GO only where the line names no plan at
all.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.assistant_services import not_paired
from palpate_validator.rule import BILLER, Result, rule
from palpate_validator.sources import CPM5
from palpate_validator.visit import Visit


@rule(
    remedy="Add GO, or take CO off if the plan of care was another one.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="MA130"),
    sources=(f"{CPM5} §20.1",),
    confidence="sourced",
    profile={"cq_co": True},
    modifiers={"CO"},
    start=date(2020, 1, 1),
)
def without_its_plan(visit: Visit) -> Iterator[Result]:
    yield from not_paired(visit, "CO")
