"""One practitioner bills two evaluations of one discipline on a day.

## What it checks
At most one of the physical therapy evaluations (97161-97164), and one of the occupational therapy ones (97165-97168),
is billed for a day.

## Why it matters
Each of these codes stands for the whole evaluation of that day. The second is denied, and no modifier helps.

## How to fix
Keep the one that describes the evaluation given.

## Example that fails
97161 and 97164 by one physical therapist on one day.

## Example that passes
97161 by a physical therapist and 97165 by an occupational therapist on one day.

## Limits
Where the lines name different people as having performed them (`performed_by`), nothing is said. A warning for payers
outside Medicare and Medicaid, whose rules were not read.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program, Severity
from palpate_validator.code_pairs import OT_EVALUATIONS, PT_EVALUATIONS
from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.sources import NCCI11, PTP
from palpate_validator.visit import Line, Visit

_MILDER: Mapping[Program, Severity] = MappingProxyType(
    dict.fromkeys((Program.COMMERCIAL, Program.WORKERS_COMP, Program.AUTO), WARNING)
)


@rule(
    remedy="Keep the one evaluation that describes what was done.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    severity_by_program=_MILDER,
    sources=(f"{NCCI11} P.1", PTP),
    confidence="sourced",
    codes=PT_EVALUATIONS | OT_EVALUATIONS,
)
def two_evaluations(visit: Visit) -> Iterator[Result]:
    for family in (PT_EVALUATIONS, OT_EVALUATIONS):
        lines = visit.billed(family)
        for first, line in zip(lines[:1] * len(lines), lines[1:], strict=False):
            if line.code != first.code and _same_person(first, line):
                yield fails(
                    f"Lines {first.line_number} and {line.line_number} bill two evaluations of one day: {first.code} "
                    f"and {line.code}. Which of them was done?",
                    line=line,
                    evaluations=[first.code, line.code],
                )


def _same_person(first: Line, second: Line) -> bool:
    people = [{each.npi for each in line.performed_by if each.npi} for line in (first, second)]
    return not all(people) or bool(people[0] & people[1])
