"""The modifier that sets two codes apart is on the wrong one of the two lines.

## What it checks
On dates of service before 2019-07-01, where two codes form an NCCI pair, 59 or an X modifier is on the line of the
second code (the one that would be denied), not only on the first.

## Why it matters
Until then Medicare's system looked at the second code alone and denied it.

## How to fix
Move the modifier to the line of the second code.

## Example that fails
97140 with 59 and 97530 without, on 2019-06-30: the second code of that pair is 97530.

## Example that passes
The same on 2019-07-01: from then on either line is accepted.

## Limits
From 2019-07-01 nothing is said, although other payers may still look at the second code alone. Where the edit table
does not say since when a pair is kept apart, it is a warning.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.code_pairs import billed_pairs, separated
from palpate_validator.rule import BILLER, Result, fails, rule, warns
from palpate_validator.visit import DISTINCT_MODIFIERS, Visit


@rule(
    remedy="Move the modifier to the line of the second code of the pair.",
    fixer=BILLER,
    denial=Denial(carc="236"),
    sources=("CMS Change Request 11168 (R2259OTN)",),
    confidence="sourced",
    profile={"ncci": "medicare"},
    parameters=("ncci_modifiers",),
    modifiers=DISTINCT_MODIFIERS,
    end=date(2019, 6, 30),
)
def modifier_on_the_first_code_only(visit: Visit) -> Iterator[Result]:
    accepted = visit.amount("ncci_modifiers")
    for pair in billed_pairs(visit):
        if not pair.edit.modifier_allowed or not separated(visit, pair) or pair.column2.has(*accepted):
            continue
        if all(line.has(*DISTINCT_MODIFIERS) for line in pair.column1):
            # A pair that may have begun later is no fault, and the modifier may be meant for another pair.
            say = fails if visit.date_of_service >= pair.edit.sure_from else warns
            yield say(
                f"The modifier that sets {pair.edit.column1} and {pair.edit.column2} apart is on {pair.edit.column1}; "
                f"until the middle of 2019 it counts on {pair.edit.column2} alone (line {pair.column2.line_number}).",
                line=pair.column2,
                pointer="/modifiers",
                **pair.facts(),
            )
