"""97140 rests on a technique that the payer calls experimental.

## What it checks
97140 is billed and the notes of the day name only craniosacral therapy, visceral manipulation, Reiki or energy work,
reflexology or NAET. The payer profile says which of them the payer excludes (`experimental_techniques`).

## Why it matters
Many payers exclude these techniques as experimental, whatever code they are billed under.

## How to fix
The clinician confirms what was given. What the payer excludes is not billed to it.

## Example that fails
97140 to a payer that excludes craniosacral therapy; the note says "Craniosacral therapy x 30 min".

## Example that passes
97140 to the same payer; the note says "Craniosacral still point, then PA glides C2-C4 grade II".

## Limits
The profile's words are `craniosacral`, `visceral-manipulation`, `energy-work`, `reflexology` and `naet`. Where it
does not say what the payer excludes, this cannot be told. Reiki, reflexology and NAET are none of 97140's techniques
for any payer: where they are not on the list they are a question.
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
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit

_BY_SOME_PAYERS = frozenset({"craniosacral", "visceral-manipulation"})
_NEVER_97140 = frozenset({"energy-work", "reflexology", "naet"})


@rule(
    remedy="Confirm what was given; do not bill this payer for what it excludes.",
    fixer=CLINICIAN,
    denial=Denial(carc="55"),
    sources=(PRACTICE,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    given=unexplained,
)
def experimental_technique(visit: Visit) -> Iterator[Result]:
    documented = documented_techniques(visit)
    named = [n for n in documented.bearing(visit.codes) if n.technique.id in _BY_SOME_PAYERS | _NEVER_97140]
    if documented.manual or not named:
        return
    excluded = [each for each in named if each.technique.id in visit.setting("experimental_techniques")]
    if excluded:
        others = any(each.technique.id not in _BY_SOME_PAYERS for each in documented.either)
        yield (warns if others or documented.doubtful else fails)(
            f"{lines_billed(visit)} 97140 and the note names {terms(excluded)}, which this payer calls experimental, "
            "and no other technique that 97140 describes. What was given?",
            line=visit.manual_therapy[0],
            named=sorted({each.term for each in excluded}),
        )
        return
    for result in named_instead(visit, *_NEVER_97140):
        yield warns(result.message, line=visit.manual_therapy[0], **result.evidence)
