"""A 97140 line lacks the modifier that names its therapy plan.

## What it checks
Every line that bills 97140 carries GP (physical therapy plan) or GO (occupational therapy plan), for payers that
want it.

## Why it matters
97140 is always a therapy service. Medicare returns a line without GP or GO as unprocessable, whoever bills it:
therapist, physician or chiropractor.

## How to fix
Add the modifier of the plan of care that the service was given under: GP for a physical therapy plan, GO for an
occupational therapy plan.

## Example that fails
97140, 1 unit, no modifier, to Medicare.

## Example that passes
97140 GP, 1 unit, to Medicare.

## Limits
Payers outside Medicare want the modifier only where their profile says so (`requires_gp`), and where the profile names
professions (`gp_applies_to`), only from those.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.visit import DISCIPLINE_MODIFIERS, MANUAL_THERAPY, Visit
from palpate_validator.who_treated import known_rendering


@rule(
    remedy="Add GP or GO, whichever plan of care the service was given under.",
    fixer=BILLER,
    denial=Denial(carc="4", rarc="N822"),
    sources=(f"{CPM5} §20.1",),
    confidence="sourced",
    profile={"requires_gp": True},
    codes={MANUAL_THERAPY},
)
def therapy_modifier_missing(visit: Visit) -> Iterator[Result]:
    bare = [line for line in visit.manual_therapy if not line.has(*DISCIPLINE_MODIFIERS)]
    if bare and _applies(visit):
        for line in bare:
            yield fails(
                f"Line {line.line_number} bills 97140 without GP or GO.",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )


def _applies(visit: Visit) -> bool:
    return not visit.says("gp_applies_to") or known_rendering(visit).profession in visit.setting("gp_applies_to")
