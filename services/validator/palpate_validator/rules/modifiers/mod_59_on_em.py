"""Modifier 59 is on an evaluation visit, where it never belongs.

## What it checks
No evaluation and management visit beside 97140 carries 59.

## Why it matters
59 sets procedures apart. For a visit that is significant and separate there is 25; with 59 the visit is denied.

## How to fix
Take 59 off the visit. Whether 25 belongs there depends on the record.

## Example that fails
99213 59 and 97140 GP.

## Example that passes
99213 25 and 97140 GP.

## Limits
Whether the visit needs 25 is judged by `mod-25-missing-on-em`.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.evaluation_visits import EVALUATION_AND_MANAGEMENT, evaluation_visits
from palpate_validator.modifier_patches import without
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import NCCI1
from palpate_validator.visit import Visit


@rule(
    remedy="Take 59 off the evaluation visit.",
    fixer=BILLER,
    denial=Denial(carc="4", rarc="N519"),
    sources=(f"{NCCI1} E",),
    confidence="sourced",
    codes=EVALUATION_AND_MANAGEMENT,
    modifiers={"59"},
)
def distinct_evaluation(visit: Visit) -> Iterator[Result]:
    for line in evaluation_visits(visit):
        if line.has("59"):
            yield fails(
                f"Line {line.line_number} bills the visit {line.code} with 59.",
                line=line,
                pointer="/modifiers",
                patch=without(line, "59"),
                modifiers=line.modifiers,
            )
