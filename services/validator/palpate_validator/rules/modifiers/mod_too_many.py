"""A line has more than four modifiers.

## What it checks
A line has at most four modifiers, or 99 among the first four to say that there are more.

## Why it matters
A claim line has room for four. What does not fit is lost on the way, and with it perhaps the one that the payer needed.

## How to fix
Keep the four that decide; or put 99 among them and the others into the line's note (item 19 of the paper form).

## Example that fails
97140 59 GP KX CQ 97.

## Example that passes
97140 59 CQ GP KX.

## Limits
The order of modifiers is not judged: Medicare takes any.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.modifier_patches import MOST_MODIFIERS
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@rule(
    remedy="Keep the four that decide, or put 99 among them and the others into the line's note.",
    fixer=BILLER,
    denial=Denial(carc="4", rarc="N519"),
    sources=(f"{CPM5} §10.3.3",),
    confidence="sourced",
    unusual={Unusual.MANY_MODIFIERS},
)
def no_room(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        count = len(line.modifiers)
        if count > MOST_MODIFIERS and "99" not in line.modifiers[:MOST_MODIFIERS]:
            yield fails(
                f"Line {line.line_number} has {count} modifiers; a claim line has room for {MOST_MODIFIERS}.",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
