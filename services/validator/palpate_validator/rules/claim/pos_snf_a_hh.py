"""The patient was in a Medicare-paid nursing stay or home-health plan.

## What it checks
For a Medicare patient, the eligibility check found neither a skilled nursing stay under Part A nor an open home-health
plan on the date of service.

## Why it matters
During such a stay or plan, Medicare pays the facility or agency for all therapy, and nobody else.

## How to fix
Check the patient's eligibility for the date of service. If the stay or plan was open, bill the facility or agency
instead of Medicare.

## Example that fails
97140 to Medicare; the eligibility check found an open home-health plan.

## Example that passes
97140 to Medicare; the eligibility check found neither.

## Limits
Only as good as the eligibility check that the practice-management system shares. On a claim with several dates of
service the check is taken to hold for all of them.
"""

from collections.abc import Iterator

from palpate_schemas.claim import Coverage
from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.rule import FRONT_DESK, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.visit import MANUAL_THERAPY, Visit

_NOTHING_SAID = Coverage()


@rule(
    remedy="Check eligibility for the date of service; if the stay or plan was open, bill the facility or agency.",
    fixer=FRONT_DESK,
    denial=Denial(carc="109"),
    sources=(f"{CPM5} §10",),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
    per="claim",
)
def consolidated_billing(visit: Visit) -> Iterator[Result]:
    coverage = visit.claim.coverage or _NOTHING_SAID
    if coverage.part_a_stay:
        message = "The patient was in a skilled nursing stay under Medicare Part A on the date of service."
        yield fails(message, pointer="/coverage/part_a_stay")
    elif coverage.home_health_episode:
        message = "The patient was under a Medicare home-health plan on the date of service."
        yield fails(message, pointer="/coverage/home_health_episode")
    else:
        visit.known(coverage.part_a_stay, "coverage/part_a_stay")
        visit.known(coverage.home_health_episode, "coverage/home_health_episode")
