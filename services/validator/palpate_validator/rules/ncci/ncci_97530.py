"""97530 beside 97140 carries no sign that they were separate, and this payer asks for one.

## What it checks
Where the payer's own list pairs 97140 with therapeutic activities (97530), the 97530 line carries 59 or an X modifier.

## Why it matters
Medicare dropped this pair at the end of 2019, and no modifier is needed there since. Some other payers still deny the
second code.

## How to fix
The clinician says whether the two had minutes of their own. Only then does a modifier say so.

## Example that fails
97140 and 97530 without a modifier on one day, to a payer that still pairs them.

## Example that passes
The same to Medicare, from 2020-01-01.

## Limits
A warning, and only for payers whose profile lists the pair (`extra_pairs`). Medicare's pair until 2019-12-31 is said by
`ncci-modifier-missing`.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.code_pairs import THERAPEUTIC_ACTIVITIES, extra_pairs
from palpate_validator.rule import CLINICIAN, WARNING, Result, rule, warns
from palpate_validator.sources import PTP
from palpate_validator.visit import DISTINCT_MODIFIERS, MANUAL_THERAPY, Visit

_BOTH = {MANUAL_THERAPY, THERAPEUTIC_ACTIVITIES}


@rule(
    remedy="Say whether 97140 and 97530 had minutes of their own.",
    fixer=CLINICIAN,
    severity=WARNING,
    denial=Denial(carc="97"),
    sources=("WebPT on denials of 97530 with 97140, 2023-04-18", PTP),
    confidence="sourced",
    codes={THERAPEUTIC_ACTIVITIES},
)
def activities_beside_manual_therapy(visit: Visit) -> Iterator[Result]:
    for pair in extra_pairs(visit):
        if {pair.column1, pair.column2} != _BOTH:
            continue
        for line in visit.billed({THERAPEUTIC_ACTIVITIES}):
            if not (pair.modifier_allowed and line.has(*DISTINCT_MODIFIERS)):
                yield warns(
                    f"This payer pairs 97530 (line {line.line_number}) with 97140 on one day. "
                    "Did each have minutes of its own?",
                    line=line,
                    pointer="/modifiers",
                    modifiers=line.modifiers,
                )
