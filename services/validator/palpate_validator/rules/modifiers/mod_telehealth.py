"""A telehealth modifier is on manual therapy, which needs hands.

## What it checks
No 97140 line carries 95, GT, GQ, 93 or FQ.

## Why it matters
These say that the patient was treated from afar, by video or by telephone. Manual therapy cannot be; it is not on
Medicare's list of telehealth services, and the line is denied.

## How to fix
Take the modifier off if the treatment was in person. If the visit was from afar, bill the service that was given.

## Example that fails
97140 95 GP, to Medicare.

## Example that passes
97140 GP, to Medicare.

## Limits
A fault where the payer's profile says that it does not take 97140 by telehealth (`telehealth_97140 = false`), a
warning where it does not say, nothing where it does take it. The place of service is `pos-telehealth`.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit

_FROM_AFAR = ("93", "95", "FQ", "GQ", "GT")


@rule(
    remedy="Take the modifier off if the treatment was in person; otherwise bill the service that was given.",
    fixer=CLINICIAN,
    denial=Denial(carc="4", rarc="N519"),
    sources=("CMS list of telehealth services", PRACTICE),
    confidence="practice",
    codes={MANUAL_THERAPY},
    modifiers=_FROM_AFAR,
)
def from_afar(visit: Visit) -> Iterator[Result]:
    said = visit.says("telehealth_97140")
    if said and visit.setting("telehealth_97140"):
        return
    say = fails if said else warns
    for line in visit.manual_therapy:
        found = [modifier for modifier in _FROM_AFAR if line.has(modifier)]
        if found:
            yield say(
                f"Line {line.line_number} bills 97140, a hands-on service, with {' and '.join(found)} (telehealth). "
                "Was the patient there in person?",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
