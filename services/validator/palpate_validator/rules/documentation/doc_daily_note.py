"""The visit note does not hold every service that is billed for the day.

## What it checks
For Medicare, the note of the visit holds something at all, and the minutes that it lists by service name every timed
service that is billed.

## Why it matters
Medicare wants a treatment note for every treatment day that names each intervention billed. A service that is not in
the note is not supported.

## How to fix
The clinician compares the note with what was done. If a service was given and left out, a signed addendum says so; if
it was not given, its line comes off the claim.

## Example that fails
97140 and 97110 billed; the note lists minutes for 97140 alone.

## Example that passes
97140 and 97110 billed; the note lists minutes for both.

## Limits
Untimed services are not looked for in free text. The other elements of the daily note have rules of their own: minute
totals (`time-total-timed-missing`, `time-total-treatment-missing`), the signature (`doc-signature`), who else took
part (`doc-assistant-identity`) and the technique (`code-technique-missing`).
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.note_evidence import words_of
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Compare the note with what was done; add by signed addendum what is missing, or take the line off.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N465"),
    sources=(f"{BPM15} §220.3.E",),
    confidence="practice",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
)
def every_service_noted(visit: Visit) -> Iterator[Result]:
    day = visit.note.service_date
    minutes = [note.service_minutes for note in visit.notes]
    if not any(minutes) and all(note.text == "" and not words_of(note) for note in visit.notes):
        yield fails(f"The note of {day} is empty.")
        return
    # One note without its minutes may be the one that holds the service.
    known = [visit.known(each, "documentation/service_minutes") for each in minutes]
    noted = {code for each in known for code in each}
    for line in visit.timed_lines:
        if line.code not in noted:
            yield fails(
                f"Line {line.line_number} bills {line.code}, and the minutes in the note of {day} do "
                f"not name it. Was it given?",
                line=line,
                procedure_code=line.code,
                noted_codes=sorted(code for each in known for code in each),
            )
