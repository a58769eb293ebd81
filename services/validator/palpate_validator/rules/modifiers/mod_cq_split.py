"""The number of units with CQ or CO is not what the assistant's minutes make.

## What it checks
Where a code has a line with CQ or CO, the units that carry it are those that the assistant's minutes alone make:
a unit for each full 15 minutes, and the last unit unless the therapist reached its midpoint of 8 minutes or the
assistant's share of it is 10 percent or less. All lines of the code together.

## Why it matters
Units with the modifier are paid at a lower rate. One too few is an overpayment, one too many loses what the therapist
earned.

## How to fix
Confirm who gave which minutes. Then bill the assistant's units with the modifier on one line and the therapist's on
another.

## Example that fails
97110 CQ GP, 2 units; the assistant gave 23 minutes and the therapist 13.

## Example that passes
97110 CQ GP, 1 unit, and 97110 GP, 1 unit, of the same minutes.

## Limits
For payers that follow the rule (`cq_co`), from 2020-01-01; the midpoint counts from 2022-01-01. The units are taken as
billed: whether they are allocated rightly is for the units rules. Where the two ways of measuring 10 percent disagree,
it is a warning. No line with the modifier at all is `mod-cq-missing` or `mod-co-missing`.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.assistant_services import (
    ASSISTANT_OF,
    AssistantService,
    assistant_services,
    unanswered,
)
from palpate_validator.assistant_units import AssistantUnits
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import CPM5
from palpate_validator.visit import Visit


@rule(
    remedy="Confirm who gave which minutes, then bill the assistant's units and the therapist's on lines of their own.",
    fixer=CLINICIAN,
    denial=Denial(carc="4", rarc="N822"),
    sources=(f"{CPM5} §20.1", "CMS billing examples using CQ and CO"),
    confidence="sourced",
    profile={"cq_co": True},
    parameters=("assistant_midpoint_rule",),
    modifiers=ASSISTANT_OF,
    start=date(2020, 1, 1),
)
def wrong_split(visit: Visit) -> Iterator[Result]:
    for modifier in ASSISTANT_OF:
        if modifier not in visit.modifiers:
            continue
        marked = [service for service in assistant_services(visit, modifier) if service.marked_units]
        for service in marked:
            if service.expected is not None:
                yield from _judged(modifier, service, service.expected)
        if unknown := [service for service in marked if service.expected is None]:
            yield unanswered(modifier, unknown[0])


def _judged(modifier: str, service: AssistantService, expected: AssistantUnits) -> Iterator[Result]:
    line = next(line for line in service.lines if line.has(modifier))
    if not expected.least <= service.marked_units <= expected.most:
        yield fails(_message(modifier, service, expected), line=line, pointer="/modifiers", **service.facts())
    elif service.marked_units < expected.most and expected.methods_differ:
        doubt = " The two ways of measuring 10 percent disagree here. Do the minutes agree with the record?"
        yield warns(_message(modifier, service, expected) + doubt, line=line, pointer="/modifiers", **service.facts())


def _message(modifier: str, service: AssistantService, expected: AssistantUnits) -> str:
    due = str(expected.least) if expected.certain else f"{expected.least} to {expected.most}"
    return (
        f"{service.marked_units} of {service.units} units of {service.code} carry {modifier}; the assistant's "
        f"{service.assistant_minutes} and the therapist's {service.therapist_minutes} minutes make it {due}."
    )
