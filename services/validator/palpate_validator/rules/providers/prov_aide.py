"""An aide took part, and not all minutes of manual therapy have a clinician.

## What it checks
On a claim to Medicare, when the visit note lists an aide or technician among those who took part, the clinicians
named on the 97140 line account for all of its minutes.

## Why it matters
Services by aides are unskilled, whoever supervises them, and Medicare denies them. Only a therapist's, an
assistant's or a physician's minutes count.

## How to fix
Say who gave which minutes. Minutes that an aide gave come off the line.

## Example that fails
97140, 15 minutes, to Medicare; the note lists a rehab aide, and the line names a PT for 8 of the minutes.

## Example that passes
97140, 15 minutes, to Medicare; the note lists a rehab aide, and the line names a PT for all 15 minutes.

## Limits
A warning, because a claim may leave out the therapist's own minutes. An aide is known by the credentials that the
note gives (aide, tech, technician). Without a note the rule has nothing to judge.
"""

from collections.abc import Iterator

from palpate_schemas.values import Program
from palpate_validator.rule import CLINICIAN, WARNING, Result, cannot_tell, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Line, Visit
from palpate_validator.who_treated import is_aide, others_took_part


@rule(
    remedy="Say who gave which minutes, and take an aide's minutes off the line.",
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(f"{BPM15} §230.2",),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
    given=others_took_part,
)
def aide(visit: Visit) -> Iterator[Result]:
    contributors = (contributor for note in visit.notes for contributor in note.contributors or ())
    if not any(is_aide(contributor) for contributor in contributors):
        return
    for line in visit.manual_therapy:
        clinicians = _clinicians_minutes(line)
        if line.minutes is None or clinicians is None:
            yield cannot_tell("lines/performed_by", "An aide took part; the line does not say who gave which minutes.")
            return
        if clinicians < line.minutes:
            yield fails(
                f"Line {line.line_number}: clinicians gave {clinicians} of its {line.minutes} minutes, "
                "and an aide took part. Who gave the others?",
                line=line,
                pointer="/performed_by",
                minutes=line.minutes,
                clinicians_minutes=clinicians,
            )


def _clinicians_minutes(line: Line) -> int | None:
    """The minutes that named professions gave; None where the line does not say all of them."""
    parts = line.performed_by
    if not parts or any(part.minutes is None or part.profession is None for part in parts):
        return None
    return sum(part.minutes or 0 for part in parts)
