"""Functional reporting codes are on a claim that they do not belong to, or missing where they were required.

## What it checks
For Medicare, the functional limitation codes (G8978 to G8999, G9158 to G9176, G9186) were reported with visits from
2013-01-01 through 2018-12-31 only. After that they do not belong on a claim. Within those years an evaluation needed
them.

## Why it matters
Functional reporting ended with 2018. Codes sent afterwards are rejected or only cost time; an evaluation of those
years without them was returned.

## How to fix
After 2018, take the functional codes off. For a visit of those years, add the codes that the clinician documented.

## Example that fails
97140 and G8981 on 3 March 2025.

## Example that passes
97140 alone on 3 March 2025.

## Limits
Within 2013 to 2018 only evaluations are judged, from 2013-07-01 when claims began to be returned; reports every ten
treatment days and at discharge need other claims. Always a warning.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.values import Program
from palpate_validator.rule import BILLER, WARNING, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.visit import MANUAL_THERAPY, Visit

_FUNCTIONAL = frozenset(
    {f"G{n}" for n in range(8978, 9000)} | {f"G{n}" for n in range(9158, 9177)} | {"G9186"},
)
_EVALUATIONS = frozenset({"97001", "97002", "97003", "97004"} | {str(n) for n in range(97161, 97169)})


@rule(
    remedy="Take the functional reporting codes off the claim.",
    fixer=BILLER,
    severity=WARNING,
    sources=(f"{CPM5} §10.6",),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes=_FUNCTIONAL,
    start=date(2019, 1, 1),
)
def no_longer_reported(visit: Visit) -> Iterator[Result]:
    for line in visit.billed(_FUNCTIONAL):
        yield fails(
            f"Line {line.line_number} reports {line.code}; functional reporting ended on 2018-12-31.",
            line=line,
            pointer="/procedure_code",
        )


@rule(
    remedy="Add the functional codes that the clinician documented at the evaluation.",
    fixer=BILLER,
    severity=WARNING,
    sources=(f"{CPM5} §10.6",),
    confidence="practice",
    programs={Program.MEDICARE},
    codes=_EVALUATIONS,
    start=date(2013, 7, 1),
    end=date(2018, 12, 31),
)
def reported_with_evaluation(visit: Visit) -> Iterator[Result]:
    if MANUAL_THERAPY in visit.codes and visit.codes.isdisjoint(_FUNCTIONAL):
        line = visit.billed(_EVALUATIONS)[0]
        yield fails(
            f"Line {line.line_number} bills an evaluation, and the claim reports no functional limitation codes.",
            line=line,
        )
