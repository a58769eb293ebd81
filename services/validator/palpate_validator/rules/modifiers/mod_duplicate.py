"""A line carries the same modifier twice.

## What it checks
No line carries a modifier more than once.

## Why it matters
The second one says nothing new and takes the room of another. Payers reject such a line.

## How to fix
Take the repeated one off.

## Example that fails
97140 GP GP.

## Example that passes
97140 59 GP.

## Limits
None: it needs nothing but the modifiers.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.modifier_patches import without
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@rule(
    remedy="Take the repeated modifier off.",
    fixer=BILLER,
    denial=Denial(carc="4", rarc="N519"),
    sources=(f"{CPM5} §10.3.3",),
    confidence="practice",
    unusual={Unusual.MANY_MODIFIERS},
)
def modifier_twice(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        if len(set(line.modifiers)) == len(line.modifiers):
            continue
        for modifier in sorted(set(line.modifiers)):
            if line.modifiers.count(modifier) > 1:
                yield fails(
                    f"Line {line.line_number} carries {modifier} {line.modifiers.count(modifier)} times.",
                    line=line,
                    pointer="/modifiers",
                    patch=without(line, modifier, keep_first=True),
                    applicability="safe",
                    modifiers=line.modifiers,
                )
