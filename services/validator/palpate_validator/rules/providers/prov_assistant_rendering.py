"""A therapist assistant is named as the rendering provider to Medicare.

## What it checks
On a claim to Medicare, the rendering provider of 97140 is not a physical or occupational therapist assistant.

## Why it matters
Assistants cannot enrol in Medicare. What they give is billed under the supervising therapist, with CQ or CO where
they gave more than a small part of it.

## How to fix
Name the supervising therapist as the rendering provider. Ask who treated: the answer decides whether CQ or CO
belongs on the line.

## Example that fails
97140 to Medicare; the rendering provider is a PTA.

## Example that passes
97140 CQ GP to Medicare; the rendering provider is the supervising PT.

## Limits
Payers outside Medicare are not judged: some enrol assistants.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import ASSISTANTS, rendering_profession


@rule(
    remedy="Name the supervising therapist as the rendering provider.",
    fixer=BILLER,
    denial=Denial(carc="185"),
    sources=(PRACTICE,),
    confidence="practice",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
    unusual={Unusual.ASSISTANT},
    per="claim",
)
def assistant_rendering(visit: Visit) -> Iterator[Result]:
    profession = rendering_profession(visit)
    if profession is not None and profession in ASSISTANTS:
        yield fails(
            f"The rendering provider's profession is {profession}, which cannot bill Medicare.",
            pointer="/rendering_provider",
            profession=profession,
        )
