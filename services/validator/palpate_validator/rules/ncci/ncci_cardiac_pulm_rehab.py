"""Manual therapy is billed for the same encounter as heart or lung rehabilitation.

## What it checks
Where 97140 stands beside cardiac or pulmonary rehabilitation (93797, 93798, 94625, 94626, G0422, G0423), the two were
separate encounters of the day.

## Why it matters
Within one encounter the therapy is part of the rehabilitation. A modifier does not change that.

## How to fix
Correct the encounters if they are wrong on the claim. Otherwise take 97140 off.

## Example that fails
93798 and 97140 with 59, both in encounter 1.

## Example that passes
93798 in encounter 1 and 97140 with XE in encounter 2.

## Limits
Judged by Medicare's NCCI table, for payers that use it. Where the claim does not say the encounters, a missing modifier
is said by `ncci-modifier-missing` and with one it cannot be told.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.code_pairs import (
    HEART_AND_LUNG_REHABILITATION,
    billed_pairs,
    in_one_encounter,
    reported,
    separated,
)
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, rule
from palpate_validator.sources import NCCI11, PTP
from palpate_validator.visit import Visit


@rule(
    remedy="Correct the encounters, or take the therapy off the claim.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    sources=(f"{NCCI11} P.7", PTP),
    confidence="sourced",
    profile={"ncci": "medicare"},
    parameters=("ncci_modifiers",),
    codes=HEART_AND_LUNG_REHABILITATION,
)
def therapy_within_rehabilitation(visit: Visit) -> Iterator[Result]:
    for pair in billed_pairs(visit):
        together = in_one_encounter(visit, pair)
        if together:
            yield reported(
                visit,
                pair,
                f"Line {pair.column2.line_number} bills {pair.edit.column2} in the same encounter as "
                f"{pair.edit.column1}. Was it a separate encounter?",
            )
        elif together is None and separated(visit, pair):
            yield cannot_tell(
                "lines/encounter",
                f"The claim does not say whether {pair.edit.column1} and {pair.edit.column2} were separate encounters.",
                line=pair.column2,
            )
