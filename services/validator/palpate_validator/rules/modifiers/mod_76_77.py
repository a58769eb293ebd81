"""A repeat modifier (76 or 77) is on manual therapy.

## What it checks
No 97140 line carries 76 or 77.

## Why it matters
The minutes of a timed code are added up over the day, so a second treatment is more minutes of the same service and
not a repeat. The modifiers do not lift an NCCI edit either.

## How to fix
Bill all units of the day on one line, unless this payer asks for 76 or 77 on a second one.

## Example that fails
97140 GP and 97140 76 GP, on one day.

## Example that passes
97140 GP, 2 units.

## Limits
A warning: some payers ask for them in writing.
"""

from collections.abc import Iterator

from palpate_validator.rule import BILLER, WARNING, Result, fails, rule
from palpate_validator.sources import NCCI1
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Bill all units of the day on one line, unless this payer asks for the modifier.",
    fixer=BILLER,
    severity=WARNING,
    sources=(f"{NCCI1} E",),
    confidence="practice",
    codes={MANUAL_THERAPY},
    modifiers={"76", "77"},
)
def repeated(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        repeats = [modifier for modifier in ("76", "77") if line.has(modifier)]
        if repeats:
            yield fails(
                f"Line {line.line_number} bills 97140 with {' and '.join(repeats)}; the minutes of a day are added up. "
                "Does this payer ask for it?",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
