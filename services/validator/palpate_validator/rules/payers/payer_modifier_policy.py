"""97140 lacks a modifier that this payer wants, or carries one that it refuses.

## What it checks
Every 97140 line carries each modifier that the payer's profile requires (`required_modifiers`) and none that it forbids
(`forbidden_modifiers`).

## Why it matters
The payer returns or denies a line whose modifiers are not those of its policy.

## How to fix
Add the modifier where it is true of the service, or take the refused one off.

## Example that fails
97140 without U1, to a payer that requires U1.

## Example that passes
97140 with U1, to the same payer.

## Limits
Only payers whose profile holds such a list; no shipped one does. GP, GO, KX, CQ and CO have rules of their own.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Bring the modifiers of the line into agreement with the payer's policy.",
    fixer=BILLER,
    denial=Denial(carc="4"),
    sources=("The payer's policy, as its profile names it",),
    confidence="practice",
    codes={MANUAL_THERAPY},
    settings={"required_modifiers", "forbidden_modifiers"},
)
def modifiers_against_the_policy(visit: Visit) -> Iterator[Result]:
    required = visit.setting("required_modifiers") if visit.says("required_modifiers") else []
    forbidden = visit.setting("forbidden_modifiers") if visit.says("forbidden_modifiers") else []
    for line in visit.manual_therapy:
        missing = [modifier for modifier in required if modifier not in line.modifiers]
        refused = [modifier for modifier in forbidden if modifier in line.modifiers]
        if missing:
            yield fails(
                f"Line {line.line_number} bills 97140 without {', '.join(missing)}, which this payer requires.",
                line=line,
                pointer="/modifiers",
                missing=missing,
            )
        if refused:
            yield fails(
                f"Line {line.line_number} bills 97140 with {', '.join(refused)}, which this payer refuses.",
                line=line,
                pointer="/modifiers",
                refused=refused,
            )
