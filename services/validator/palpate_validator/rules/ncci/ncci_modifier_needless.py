"""97140 carries a modifier that says "separate" with nothing to be separate from.

## What it checks
59, XS or XU on a 97140 line has a reason on the claim: a code of the day that NCCI or the payer pairs with 97140, or a
second 97140 line.

## Why it matters
Where no edit is lifted the modifier does nothing for payment, and its habitual use draws audits.

## How to fix
Take the modifier off, unless another claim of the day gives the reason.

## Example that fails
97140 with 59 and 97110: these two are no pair.

## Example that passes
97140 with 59 and manipulation (98940) of another region.

## Limits
Other claims of the same day are not seen, so XE and XP, which point to another visit or another practitioner, are not
judged. Judged by Medicare's NCCI table, for payers that use it.
"""

from collections.abc import Iterator

from palpate_validator.code_pairs import billed_pairs, extra_pairs
from palpate_validator.manipulation import EXTRASPINAL_CMT
from palpate_validator.rule import BILLER, WARNING, Result, rule, warns
from palpate_validator.sources import NCCI1, PTP
from palpate_validator.visit import MANUAL_THERAPY, Visit

_JUDGED = ("59", "XS", "XU")


@rule(
    remedy="Take the modifier off the 97140 line.",
    fixer=BILLER,
    severity=WARNING,
    sources=(f"{NCCI1} E", PTP),
    confidence="sourced",
    profile={"ncci": "medicare"},
    codes={MANUAL_THERAPY},
    modifiers=_JUDGED,
)
def separate_from_nothing(visit: Visit) -> Iterator[Result]:
    lines = visit.manual_therapy
    if len(lines) > 1 or not lines[0].has(*_JUDGED) or EXTRASPINAL_CMT in visit.codes:
        return
    own = any(MANUAL_THERAPY in {pair.column1, pair.column2} for pair in extra_pairs(visit))
    if own or any(MANUAL_THERAPY in pair.edit.codes for pair in billed_pairs(visit)):
        return
    used = [modifier for modifier in lines[0].modifiers if modifier in _JUDGED]
    yield warns(
        f"Line {lines[0].line_number} bills 97140 with {', '.join(used)}, "
        "but no other code of the day is paired with it.",
        line=lines[0],
        pointer="/modifiers",
        modifiers=lines[0].modifiers,
        codes=sorted(visit.codes),
    )
