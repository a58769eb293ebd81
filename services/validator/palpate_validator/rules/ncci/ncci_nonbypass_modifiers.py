"""A modifier is used to set two codes apart that cannot do it.

## What it checks
A pair of codes that NCCI keeps apart (indicator 1) carries 22, 76 or 77, or on 97140 25, 50, LT or RT, and no modifier
that NCCI accepts.

## Why it matters
These modifiers do not lift the edit. 97140 stands for all regions of the visit, so a side does not split it, and 25
belongs on evaluation visits. The second code of the pair is denied.

## How to fix
Take the modifier off. The clinician says whether the two services were separate.

## Example that fails
97012 and 97140 with 76 on one day.

## Example that passes
97012 and 97140 with 59, given at another time.

## Limits
Judged by Medicare's NCCI table, for payers that use it. The modifier itself may be wrong on the line for another
reason, which other rules say.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.code_pairs import (
    NEVER_SEPARATE,
    NEVER_SEPARATE_MANUAL_THERAPY,
    billed_pairs,
    no_modifier_would_help,
    reported,
    separated,
    useless_modifiers,
)
from palpate_validator.rule import CLINICIAN, Result, rule
from palpate_validator.sources import NCCI1, PTP
from palpate_validator.visit import Visit


@rule(
    remedy="Take the modifier off, and say whether the two services were separate.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    sources=(f"{NCCI1} E", PTP),
    confidence="sourced",
    profile={"ncci": "medicare"},
    parameters=("ncci_modifiers",),
    modifiers=NEVER_SEPARATE | NEVER_SEPARATE_MANUAL_THERAPY,
)
def modifier_that_separates_nothing(visit: Visit) -> Iterator[Result]:
    for pair in billed_pairs(visit):
        useless = useless_modifiers(pair)
        if not useless or not pair.edit.modifier_allowed or separated(visit, pair):
            continue
        if no_modifier_would_help(visit, pair):
            continue
        yield reported(
            visit,
            pair,
            f"{pair.edit.column1} and {pair.edit.column2} on one day count as one service, and "
            f"{', '.join(sorted(useless))} does not set them apart: line {pair.column2.line_number} counts as part of "
            "the other. Were they separate services?",
        )
