"""97140 is billed and the note names no technique for it.

## What it checks
The notes of the day name at least one technique that 97140 can rest on: a mobilization, a manipulation, a release,
manual traction, lymphatic drainage. "Manual therapy x 15", "hands-on treatment" or "MT" names none. A service that
another billed code describes does not count either.

## Why it matters
Coverage determinations ask for the technique by name. Without it a reviewer cannot see that the service was manual
therapy at all.

## How to fix
The clinician who treated names the technique that was used, by a signed addendum under the practice's rules for late
entries. If it was another service, its own code is billed.

## Example that fails
"Manual therapy to neck x 15 min. Tolerated well."

## Example that passes
"Manual therapy to neck x 15 min: suboccipital release, PA glides C4-C6 grade III."

## Limits
The note is read by a fixed vocabulary. Words that come near to a technique ("soft tissue to piriformis") make this a
question. A technique that is planned, half negated, or listed in words outside the vocabulary keeps this rule
silent. Where the note names another service instead, the rule of that service speaks.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.documented_techniques import (
    documented_techniques,
    lines_billed,
    named_instead,
    terms,
    unexplained,
)
from palpate_validator.note_evidence import COVERAGE_DETERMINATION
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Name the technique that was used, by signed addendum; if it was another service, bill that one's code.",
    fixer=CLINICIAN,
    denial=Denial(carc="50", rarc="N115"),
    sources=(COVERAGE_DETERMINATION,),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=unexplained,
)
def technique_missing(visit: Visit) -> Iterator[Result]:
    documented = documented_techniques(visit)
    yield from named_instead(visit, "unspecific-hand-work")
    if documented.manual or documented.open or documented.bearing(visit.codes):
        return
    named = documented.others
    besides = f" beside {terms(named)}" if named else ""
    said = 'says "manual therapy" and ' if documented.generic else ""
    yield fails(
        f"{lines_billed(visit)} 97140, but the note {said}names no technique{besides}. Which technique was used?",
        line=visit.manual_therapy[0],
        named=sorted({each.term for each in named}),
    )
