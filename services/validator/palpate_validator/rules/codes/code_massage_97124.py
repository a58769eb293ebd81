"""97140 is billed and the note names massage instead.

## What it checks
97140 is billed and the notes of the day name massage, effleurage, petrissage or tapotement, and no technique that
97140 describes. Massage that 97124 on the same claim explains is not counted.

## Why it matters
Massage for relaxation or circulation is 97124. 97140 needs skilled mobilizing work on restricted motion, adhesions
or tissue that does not give. The payer answers that the code does not fit the service.

## How to fix
The clinician confirms which service was given. If it was massage, the code that describes it is 97124. If a
mobilizing technique was used, the clinician names it by signed addendum.

## Example that fails
97140; the note says "Effleurage and petrissage to upper traps for relaxation, 15 min".

## Example that passes
97140; the note says "MFR and cross friction massage to upper traps for restricted rotation".

## Limits
Deep tissue massage, DTM, retrograde or scar massage, and a bare "massage" in a note that speaks of restriction,
adhesions or range of motion are questions. The note is read by a fixed vocabulary; a technique listed in words
outside it makes this a question too.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.documented_techniques import documented_techniques, named_instead, unexplained, unsettled
from palpate_validator.note_evidence import COVERAGE_DETERMINATION
from palpate_validator.rule import CLINICIAN, Result, rule
from palpate_validator.sources import NCCI1
from palpate_validator.visit import MANUAL_THERAPY, Visit

_RELAXING = frozenset({"relaxation-massage"})
_ANY_MASSAGE = frozenset({"massage", "deep-tissue-massage", "retrograde-massage"})


@rule(
    remedy="Confirm which service was given; massage is 97124.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N56"),
    sources=(COVERAGE_DETERMINATION, f"{NCCI1} K.4"),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=unexplained,
)
def massage_instead(visit: Visit) -> Iterator[Result]:
    documented = documented_techniques(visit)
    named = [each for each in documented.bearing(visit.codes) if each.technique.id in _RELAXING | _ANY_MASSAGE]
    relaxing = any(each.technique.id in _RELAXING for each in named)
    if named and not documented.manual and documented.mobilizing and not relaxing:
        # A bare "massage" for adhesions or range of motion may have been mobilizing work.
        yield unsettled(visit, named)
        return
    yield from named_instead(visit, *_RELAXING, *_ANY_MASSAGE)
