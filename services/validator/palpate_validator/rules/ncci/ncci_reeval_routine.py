"""A re-evaluation is billed that the note calls a routine one.

## What it checks
Where 97164 or 97168 is billed with treatment, the note does not describe it as routine, scheduled, monthly or the like.

## Why it matters
A re-evaluation is paid when the patient's condition has changed, not on a schedule. Routine reassessment is part of
treatment.

## How to fix
Take the re-evaluation off if nothing about the patient had changed.

## Example that fails
97140 and 97164, and a note that says "30-day re-evaluation".

## Example that passes
97140 and 97164, and a note that tells of a fall since the last visit.

## Limits
Only these words are looked for; a note that does not give the reason for a re-evaluation is not judged by them. A
warning: the words do not prove that nothing had changed.
"""

import re
from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, WARNING, Result, rule, warns
from palpate_validator.sources import NCCI11
from palpate_validator.visit import Visit

_REEVALUATIONS = frozenset({"97164", "97168"})
_ROUTINE = re.compile(
    r"\b(routine|scheduled|monthly|weekly|(?:30|60|90)[- ]day)\s+re-?(?:evaluation|eval|assessment)\b", re.IGNORECASE
)


@rule(
    remedy="Take the re-evaluation off if nothing about the patient had changed.",
    fixer=CLINICIAN,
    severity=WARNING,
    denial=Denial(carc="97"),
    sources=(f"{NCCI11} P.3",),
    confidence="sourced",
    codes=_REEVALUATIONS,
)
def routine_reevaluation(visit: Visit) -> Iterator[Result]:
    found = _ROUTINE.search(visit.known(visit.note.text, "documentation/text"))
    if found is None:
        return
    for line in visit.billed(_REEVALUATIONS):
        yield warns(
            f"Line {line.line_number} bills a re-evaluation ({line.code}) that the note calls {found[1].lower()}. "
            "Had the patient's condition changed?",
            line=line,
            phrase=found[1].lower(),
        )
