"""A line carries more than one therapy-plan modifier.

## What it checks
No line carries two of GP, GO and GN.

## Why it matters
A service is given under one plan of care: physical therapy, occupational therapy or speech-language pathology. A line
that names two is denied.

## How to fix
Keep the modifier of the plan that the service was given under.

## Example that fails
97140 GP GO.

## Example that passes
97140 GP.

## Limits
The same modifier twice is `mod-duplicate`.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.unusual import Unusual
from palpate_validator.visit import DISCIPLINE_MODIFIERS, Visit


@rule(
    remedy="Keep the one modifier of the plan of care that the service was given under.",
    fixer=BILLER,
    denial=Denial(carc="4", rarc="N519"),
    sources=(f"{CPM5} §20.1",),
    confidence="sourced",
    modifiers=DISCIPLINE_MODIFIERS,
    unusual={Unusual.SEVERAL_PLANS},
)
def several_plans(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        plans = [modifier for modifier in DISCIPLINE_MODIFIERS if line.has(modifier)]
        if len(plans) > 1:
            yield fails(
                f"Line {line.line_number} carries {' and '.join(plans)}. Under which plan was {line.code} given?",
                line=line,
                pointer="/modifiers",
                plans=plans,
            )
