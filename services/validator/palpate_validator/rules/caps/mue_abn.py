"""An advance notice of noncoverage is claimed for units over the day's limit.

## What it checks
A code over its medically unlikely edit (MUE) for the day has no line with GA.

## Why it matters
CMS says that such a notice because of this limit "is NOT appropriate". The patient may not be charged for the units.

## How to fix
Take GA off unless the notice was given for another reason, and bill the units that the minutes support.

## Example that fails
97140 GP GA, 7 units.

## Example that passes
97140 GP GA, 2 units.

## Limits
Why the notice was given is not on the claim. Below the limit GA is not looked at here.
"""

from collections.abc import Iterator

from palpate_validator.rule import BILLER, SAID, Result, fails, rule
from palpate_validator.sources import NCCI1
from palpate_validator.unit_limits import SUMMED_FROM, exceeded, limits_in_question
from palpate_validator.visit import Visit


@rule(
    remedy="Take GA off unless the notice was given for another reason.",
    fixer=BILLER,
    sources=(f"{NCCI1} §V",),
    confidence="sourced",
    profile={"mue": SAID},
    modifiers={"GA"},
    given=limits_in_question,
    start=SUMMED_FROM,
)
def notice_for_the_limit(visit: Visit) -> Iterator[Result]:
    for over in exceeded(visit):
        noticed = next((line for line in over.lines if line.has("GA")), None)
        if noticed is not None:
            yield fails(
                f"Line {noticed.line_number} carries GA, and {over.code} has {over.units} units where the limit is "
                f"{over.limit.units}. Was the notice given for another reason?",
                line=noticed,
                pointer="/modifiers",
                billed_units=over.units,
                limit=over.limit.units,
            )
