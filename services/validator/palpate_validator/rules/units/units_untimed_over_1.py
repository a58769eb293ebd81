"""A service that does not go by time has more than one unit.

## What it checks
Services that are billed once a visit (evaluations, group therapy, hot packs, unattended stimulation, manipulation and
the like): at most one unit a day and discipline, all lines of the code together. A few may have more, as many as
Medicare's unit table holds possible (range-of-motion measurements 3, further wound areas 8).

## Why it matters
Such a code counts the service and not its minutes. A second unit is denied.

## How to fix
Bill one unit.

## Example that fails
97150, 2 units.

## Example that passes
97150, 1 unit.

## Limits
Lines that name the right and the left side apart are counted apart. Medicare's stricter limit for both sides together
is for `mue-other`.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial, PatchOperation
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPM5, MUE
from palpate_validator.unit_limits import more_than_once, untimed_limit
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@rule(
    remedy="Bill one unit of a service that does not go by time.",
    fixer=BILLER,
    denial=Denial(carc="151", rarc="N362"),
    sources=(f"{CPM5} §20.2.A-B, §20.2.D", MUE),
    confidence="sourced",
    unusual={Unusual.UNTIMED_UNITS},
)
def untimed_over_one(visit: Visit) -> Iterator[Result]:
    for lines in more_than_once(visit):
        first, limit = lines[0], untimed_limit(visit, lines[0].code)
        units = sum(line.whole_units or 0 for line in lines)
        path = f"/lines/{first.index}/units"
        yield fails(
            f"{first.code} does not go by time; {units} units are billed, {limit} can be right.",
            line=first,
            pointer="/units",
            patch=(PatchOperation(op="replace", path=path, value=limit),) if len(lines) == 1 else None,
            billed_units=units,
            allowed_units=limit,
        )
