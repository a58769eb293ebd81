"""This payer does not pay 97140 on a day with manipulation.

## What it checks
No 97140 beside 98940, 98941 or 98942 on one day, for payers whose profile says never (`cmt_97140 = "never"`).

## Why it matters
97140 is denied, whatever the region and the modifier.

## How to fix
Take 97140 off the claim.

## Example that fails
98940 for the cervical spine and 97140 with 59 for the lumbar spine, to such a payer.

## Example that passes
97140 without manipulation on that day.

## Limits
No shipped profile says never: the notice that one payer gave in 2013 is said to have been relaxed. A site that knows
its contract sets it.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.manipulation import CMT
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.visit import Visit


@rule(
    remedy="Take 97140 off the claim, or bill it under the terms of the contract if those differ.",
    fixer=BILLER,
    denial=Denial(carc="97"),
    sources=("The payer's policy, as its profile names it",),
    confidence="practice",
    profile={"cmt_97140": "never"},
    codes=CMT,
)
def manual_therapy_beside_manipulation(visit: Visit) -> Iterator[Result]:
    visit.setting("cmt_97140")
    codes = sorted(CMT & visit.codes)
    for line in visit.manual_therapy:
        yield fails(
            f"This payer does not pay 97140 (line {line.line_number}) on a day with {', '.join(codes)}.",
            line=line,
            manipulation=codes,
        )
