"""Two codes are billed that never go together on one day.

## What it checks
No two codes of the visit form a pair that Medicare's NCCI table keeps apart without exception (indicator 0) on the
date of service, for one patient and one specialty. With 97140 these are massage (97124), osteopathic treatment
(98925-98929), work hardening (97545), blood draws and port flushes, and bandaging (29581, 29584) from 2018 to 2021.

## Why it matters
The second code of the pair is denied, whatever modifier it carries.

## How to fix
Bill the code that describes what was mainly given. A modifier does not help.

## Example that fails
97140 and 97124 on one day.

## Example that passes
97140 and 97110 on one day: no such pair.

## Limits
The table read is CMS's of 2024Q3, or what the site has imported. Pairs without 97140 whose first day the table does not
say are a warning before that quarter. Two evaluations on one day are a rule of their own. A claim for another day or
from another practice is not seen.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.code_pairs import billed_pairs, both_evaluations, pairs_in_question, reported
from palpate_validator.rule import CLINICIAN, Result, rule
from palpate_validator.sources import NCCI1, PTP
from palpate_validator.visit import Visit


@rule(
    remedy="Bill the one of the two codes that describes what was mainly given.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    sources=(PTP, f"{NCCI1} E"),
    confidence="sourced",
    profile={"ncci": "medicare"},
    given=pairs_in_question,
)
def never_together(visit: Visit) -> Iterator[Result]:
    for pair in billed_pairs(visit):
        if pair.edit.modifier_allowed or both_evaluations(pair):
            continue
        yield reported(
            visit,
            pair,
            f"{pair.edit.column1} and {pair.edit.column2} do not go together on one day, with any modifier: "
            f"line {pair.column2.line_number} counts as part of the other. Which of the two was mainly given?",
        )
