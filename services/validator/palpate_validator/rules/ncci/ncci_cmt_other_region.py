"""Manual therapy of another region carries no modifier of its own beside manipulation.

## What it checks
Where 97140 was given to another region than the manipulation (98940-98942), the modifier that says so is on the 97140
line, not only on the line of the manipulation.

## Why it matters
97140 is the code that is denied. Medicare reads the modifier on either line since 2019-07-01, other payers often on
97140 alone.

## How to fix
Put the modifier on the line of 97140 instead of the manipulation.

## Example that fails
98940 with 59 for the cervical spine and 97140 without for the lumbar spine.

## Example that passes
98940 for the cervical spine and 97140 with 59 for the lumbar spine.

## Limits
A warning. Before 2019-07-01 `ncci-modifier-column` says it as an error. Whether each has a diagnosis of its own region
is judged by `dx-cmt-pointer`, a missing modifier by `ncci-modifier-missing`.
"""

from collections.abc import Iterator
from datetime import date

from palpate_validator.manipulation import CMT, shared_spinal_regions
from palpate_validator.rule import BILLER, WARNING, Result, rule, warns
from palpate_validator.sources import NCCI11
from palpate_validator.visit import DISTINCT_MODIFIERS, Visit


@rule(
    remedy="Put the modifier on the line of 97140 instead of the manipulation.",
    fixer=BILLER,
    severity=WARNING,
    sources=(f"{NCCI11} S", "CMS Change Request 11168 (R2259OTN)"),
    confidence="sourced",
    profile={"cmt_97140": "region_59"},
    codes=CMT,
    modifiers=DISTINCT_MODIFIERS,
    start=date(2019, 7, 1),
)
def modifier_on_the_manipulation(visit: Visit) -> Iterator[Result]:
    manipulations = visit.billed(CMT)
    if not all(line.has(*DISTINCT_MODIFIERS) for line in manipulations):
        return
    for line in visit.manual_therapy:
        if line.has(*DISTINCT_MODIFIERS) or any(shared_spinal_regions(each, line) for each in manipulations):
            continue
        yield warns(
            f"The modifier that sets the manipulation and 97140 apart is on {manipulations[0].code}, "
            f"not on line {line.line_number} with 97140.",
            line=line,
            pointer="/modifiers",
            modifiers=line.modifiers,
            manipulation=manipulations[0].code,
        )
