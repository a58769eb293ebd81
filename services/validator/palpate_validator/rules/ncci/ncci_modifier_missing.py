"""Two codes that belong to one service are billed without a sign that they were separate.

## What it checks
Where Medicare's NCCI table keeps two codes of the visit apart unless they were separate services (indicator 1), one of
the two lines carries a modifier that NCCI accepts: 59, XE, XP, XS or XU; on lines other than 97140 also the anatomic
and global-surgery ones. With 97140 these are, among others, manipulation (98940-98942), group therapy (97150), machine
traction (97012), paraffin (97018), testing and orthotics (97750, 97755, 97760, 97761, 97763), range-of-motion
measurement (95851, 95852), and until the end of 2019 also 97530.

## Why it matters
The second code of the pair is denied.

## How to fix
The clinician says whether the services were separate: other minutes, another region, another encounter. Only then does
a modifier say so. If they were not separate, the first code of the pair is billed alone.

## Example that fails
97140 and paraffin (97018) on one day, neither with a modifier that sets it apart.

## Example that passes
97140 and 97530 on a day of 2020 or later: no longer a pair. 97140 and 97161: never was one.

## Limits
The table read is CMS's of 2024Q3, or what the site has imported. Pairs without 97140 whose first day the table does not
say are a warning before that quarter. A physical and an occupational therapy line are no pair. Manipulation in a shared
region, rehabilitation in one encounter, and modifiers that NCCI does not accept are rules of their own.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.code_pairs import (
    billed_pairs,
    no_modifier_would_help,
    pairs_in_question,
    reported,
    separated,
    useless_modifiers,
)
from palpate_validator.rule import CLINICIAN, Result, rule
from palpate_validator.sources import NCCI1, PTP
from palpate_validator.visit import Visit


@rule(
    remedy="Say whether the two services were separate. If they were not, bill the first code alone.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    sources=(PTP, f"{NCCI1} E"),
    confidence="sourced",
    profile={"ncci": "medicare"},
    parameters=("ncci_modifiers",),
    given=pairs_in_question,
)
def pair_without_modifier(visit: Visit) -> Iterator[Result]:
    for pair in billed_pairs(visit):
        if not pair.edit.modifier_allowed or separated(visit, pair):
            continue
        if useless_modifiers(pair) or no_modifier_would_help(visit, pair):
            continue
        yield reported(
            visit,
            pair,
            f"{pair.edit.column1} and {pair.edit.column2} on one day count as one service, and nothing on the claim "
            f"says that they were separate: line {pair.column2.line_number} counts as part of the other. "
            "Were they separate services?",
        )
