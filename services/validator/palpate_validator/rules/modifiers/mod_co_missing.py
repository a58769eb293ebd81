"""An occupational therapist assistant gave more than a small part of a service, and no line carries CO.

## What it checks
For every therapy code under an occupational therapy plan, the minutes that an occupational therapist assistant gave
alone (`performed_by`) and the units billed say how many units carry CO. Where that is one or more, a line carries it.
Minutes together with the therapist are the therapist's.

## Why it matters
Medicare requires CO when the assistant's share is more than 10 percent, and pays such units at a lower rate. Without
it the practice is overpaid.

## How to fix
Confirm who gave each part of the service. Then bill the assistant's units with CO on a line of their own.

## Example that fails
97140 GO, 1 unit; the line says that an OTA gave all 15 minutes.

## Example that passes
97140 CO GO, 1 unit; the line says the same.

## Limits
For payers that follow the rule (`cq_co`), from 2020-01-01. CMS gives two ways to measure 10 percent; where they
disagree, it is a warning. From 2022 a last unit in which the therapist reached 8 minutes is the therapist's. The number
of units with CO, once a line has it, is `mod-cq-split`. Where neither the line nor the note says who treated, the rule
answers "cannot tell"; a note whose `contributors` is an empty list says that nobody else took part. Critical access
hospitals, where the modifier is not used, cannot be told from the claim.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.assistant_services import assistants_in_question, not_marked
from palpate_validator.rule import CLINICIAN, Result, rule
from palpate_validator.sources import CPM5
from palpate_validator.visit import Visit


@rule(
    remedy="Confirm who gave each part of the service, then bill the assistant's units with CO on a line of their own.",
    fixer=CLINICIAN,
    denial=Denial(carc="4", rarc="N822"),
    sources=(f"{CPM5} §20.1", "CMS billing examples using CQ and CO"),
    confidence="sourced",
    profile={"cq_co": True},
    parameters=("assistant_midpoint_rule",),
    given=assistants_in_question,
    start=date(2020, 1, 1),
)
def assistant_not_marked(visit: Visit) -> Iterator[Result]:
    yield from not_marked(visit, "CO")
