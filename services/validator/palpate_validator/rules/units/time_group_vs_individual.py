"""Manual therapy is billed for time in which the clinician attended several patients.

## What it checks
Where the note says how many patients the clinician treated at once: it is one, or 97140 is not billed.

## Why it matters
97140 is one-on-one. Time with two or more patients is group therapy, 97150, which does not go by time.

## How to fix
Bill the group time as 97150, and 97140 for one-on-one time alone.

## Example that fails
97140, 1 unit, with two patients treated at once.

## Example that passes
97140, 1 unit, with one patient treated at once.

## Limits
Where 97150 is billed on the same day the group time may be in it, and this is a question and a warning.
"""

from collections.abc import Iterator

from palpate_validator.plain_notes import note_in_question
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import BPM15, CPM5
from palpate_validator.visit import MANUAL_THERAPY, Visit

GROUP_THERAPY = "97150"


@rule(
    remedy="Bill the time with several patients as 97150, and 97140 for one-on-one time alone.",
    fixer=CLINICIAN,
    sources=(f"{CPM5} §20.2", f"{BPM15} §230"),
    confidence="practice",
    codes={MANUAL_THERAPY},
    given=note_in_question,
)
def group_time(visit: Visit) -> Iterator[Result]:
    patients = visit.known(visit.note.patients_treated_at_once, "documentation/patients_treated_at_once")
    if patients < 2:
        return
    message = f"The note says that {patients} patients were treated at once. Was 97140 given one-on-one?"
    say = warns if GROUP_THERAPY in visit.codes else fails
    yield say(message, line=visit.manual_therapy[0], pointer="/procedure_code", patients_treated_at_once=patients)
