"""Two codes are billed to Medicaid that Medicare keeps apart.

## What it checks
The pairs of codes of the visit, by Medicaid's own NCCI table where the site has imported it, else by Medicare's.

## Why it matters
States use CMS's Medicaid edits, which are nearly those of Medicare; the second code of a pair is denied.

## How to fix
Where the pair allows a modifier, the clinician says whether the services were separate. Otherwise bill the code that
describes what was mainly given.

## Example that fails
97140 and 97124 on one day, to Medicaid.

## Example that passes
97140 and 97110 on one day, to Medicaid.

## Limits
Medicaid's table is not shipped. Judged by Medicare's the finding is a warning that says so, since dates differ between
the two; judged by an imported one it is an error.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.code_pairs import billed_pairs, both_evaluations, remedy, reported, separated
from palpate_validator.rule import CLINICIAN, Result, rule, warns
from palpate_validator.sources import PTP
from palpate_validator.visit import Visit


@rule(
    remedy="Say whether the two services were separate; otherwise bill one of the two codes.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    sources=(PTP,),
    confidence="practice",
    profile={"ncci": "medicaid"},
    parameters=("ncci_modifiers",),
)
def medicaid_pair(visit: Visit) -> Iterator[Result]:
    own_table = "medicaid" in visit.tables.ptp
    for pair in billed_pairs(visit, "medicaid" if own_table else "medicare"):
        if both_evaluations(pair) or (pair.edit.modifier_allowed and separated(visit, pair)):
            continue
        codes = f"{pair.edit.column1} and {pair.edit.column2}"
        if own_table:
            yield reported(visit, pair, f"Medicaid keeps {codes} apart on one day. Were they separate services?")
        else:
            yield warns(
                f"Medicare keeps {codes} apart on one day. Medicaid's own table was not read; it is nearly the same.",
                line=pair.column2,
                remedy=remedy(pair),
                **pair.facts(),
            )
