"""CQ stands without GP, the modifier that it has to be paired with.

## What it checks
Every line with CQ also carries GP.

## Why it matters
CQ marks the work of a physical therapist assistant under a physical therapy plan. A line that is
not so paired is returned as unprocessable.

## How to fix
Add GP, or take CQ off if the service was not given under a physical therapy plan.

## Example that fails
97140 CQ, to Medicare.

## Example that passes
97140 CQ GP, to Medicare.

## Limits
For payers that use the modifier (`cq_co`), from 2020-01-01. The patch adds GP only where the line names no plan at
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
    remedy="Add GP, or take CQ off if the plan of care was another one.",
    fixer=BILLER,
    denial=Denial(carc="16", rarc="MA130"),
    sources=(f"{CPM5} §20.1",),
    confidence="sourced",
    profile={"cq_co": True},
    modifiers={"CQ"},
    start=date(2020, 1, 1),
)
def without_its_plan(visit: Visit) -> Iterator[Result]:
    yield from not_paired(visit, "CQ")
