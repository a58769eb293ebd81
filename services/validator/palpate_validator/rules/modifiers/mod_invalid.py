"""A modifier is none on the date of service.

## What it checks
Every modifier on the claim's lines is a CPT or HCPCS modifier on the date of service.

## Why it matters
A payer rejects a line with a modifier that does not exist, or did not on that day.

## How to fix
Correct the modifier. It is often a slip of the keys, or one that began later or has ended.

## Example that fails
97140 XS GP on 2014-12-31: XS began on 2015-01-01.

## Example that passes
97140 XS GP on 2015-01-01.

## Limits
A fault where it is certain: a date outside the modifier's life, or two digits that are no CPT modifier. Letters that
our list does not know are a warning, as a payer may have its own. Workers' compensation, auto insurance and Medicaid
use local modifiers, and are judged by the dates of known ones only. Where our list has no first or last day, none is
checked.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.modifier_codes import ModifierCode, is_certainly_none, modifier_named
from palpate_validator.rule import BILLER, Result, fails, rule, warns
from palpate_validator.sources import PRACTICE
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Line, Visit

_WITH_LOCAL_MODIFIERS = frozenset({Program.WORKERS_COMP, Program.AUTO, Program.MEDICAID})


@rule(
    remedy="Correct the modifier.",
    fixer=BILLER,
    denial=Denial(carc="182", rarc="N823"),
    sources=("HCPCS level II and CPT modifier sets, by date", PRACTICE),
    confidence="practice",
    unusual={Unusual.ODD_MODIFIER},
)
def no_such_modifier(visit: Visit) -> Iterator[Result]:
    for line in visit.lines:
        for modifier in dict.fromkeys(line.modifiers):
            known = modifier_named(modifier)
            if known is not None and not known.in_force(line.service_date):
                yield fails(_dates(line, known), line=line, pointer="/modifiers", modifier=modifier)
            elif known is None and visit.program not in _WITH_LOCAL_MODIFIERS:
                say = fails if is_certainly_none(modifier) else warns
                yield say(
                    f"Line {line.line_number} carries {modifier}, which is not on the list of modifiers.",
                    line=line,
                    pointer="/modifiers",
                    modifier=modifier,
                )


def _dates(line: Line, modifier: ModifierCode) -> str:
    life = f"began on {modifier.first_day}"
    if modifier.last_day is not None and line.service_date > modifier.last_day:
        life = f"ended on {modifier.last_day}"
    return (
        f"Line {line.line_number} carries {modifier.code}, which {life}; the service was given on {line.service_date}."
    )
