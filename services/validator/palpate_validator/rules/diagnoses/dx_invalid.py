"""A diagnosis code could not be billed on the date of service.

## What it checks
Each diagnosis has the form of an ICD-10-CM code, and is a billable code of the release in force on the date of service:
neither withdrawn, nor not yet there, nor a heading with more exact codes below it.

## Why it matters
The code set changes every October. A payer refuses a whole claim for one code that was not valid that day, however
right everything else is.

## How to fix
Choose the code that was valid on the date of service and describes what was treated. For a heading, choose among the
more exact codes below it.

## Example that fails
M54.5 on 2021-10-04: it was billable through 2021-09-30.

## Example that passes
M54.50 on 2021-10-04, or M54.5 on 2021-09-30.

## Limits
Known are the releases of January 2021, April 2025 and April 2026, and the exact days of the changes between them that
matter to therapy. On a day that no release covers, a code of the nearest release is taken as billable, and one whose
standing cannot be told is said to be so. Codes that only lack their 7th character are the rule `dx-7th-char`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from palpate_schemas.finding import Denial
from palpate_validator.icd10 import Answer, Standing, code_set, well_formed
from palpate_validator.pointed_diagnoses import Diagnosis, codes_in_question, diagnoses
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, fails, rule
from palpate_validator.seventh_character import seventh_character_fault
from palpate_validator.sources import X12
from palpate_validator.visit import Line, Visit


@rule(
    remedy="Choose the code that was valid on the date of service and describes what was treated.",
    fixer=CLINICIAN,
    denial=Denial(carc="146"),
    sources=("ICD-10-CM, CDC/NCHS, release in force on the date of service (45 CFR 162.1002)", X12),
    confidence="practice",
    given=codes_in_question,
    per="claim",
)
def diagnosis_code_invalid(visit: Visit) -> Iterator[Result]:
    for position, sent in enumerate(visit.claim.diagnoses, start=1):
        if not well_formed(sent):
            yield fails(
                f"Diagnosis {position} is not written like an ICD-10-CM code: a letter, two characters, "
                "then a dot and up to four more.",
                pointer=f"/diagnoses/{position - 1}",
                position=position,
            )
    undecided: list[tuple[str, Answer, date]] = []
    for diagnosis in diagnoses(visit):
        if seventh_character_fault(diagnosis.code) is None:
            day, answer = _worst(diagnosis, _days(diagnosis, visit.lines))
            if answer.standing is Standing.UNKNOWN:
                undecided.append((diagnosis.shown, answer, day))
            elif answer.standing is not Standing.BILLABLE:
                yield _fault(diagnosis, answer, day)
    if undecided:
        yield _cannot_be_told(undecided)


def _days(diagnosis: Diagnosis, lines: Sequence[Line]) -> list[date]:
    """The dates of service of the lines that point to a diagnosis; of all lines when none does."""
    if len(lines) == 1:
        return [lines[0].service_date]
    own = {line.service_date for line in lines if diagnosis.position in line.diagnosis_pointers}
    return sorted(own or {line.service_date for line in lines})


def _worst(diagnosis: Diagnosis, days: Sequence[date]) -> tuple[date, Answer]:
    answers = [(day, code_set().on(diagnosis.code, day)) for day in days]
    settled = (Standing.BILLABLE, Standing.UNKNOWN)
    wrong = [(day, answer) for day, answer in answers if answer.standing not in settled]
    unknown = [(day, answer) for day, answer in answers if answer.standing is Standing.UNKNOWN]
    return (wrong or unknown or answers)[0]


def _fault(diagnosis: Diagnosis, answer: Answer, day: date) -> Result:
    why = {
        Standing.HEADER: "is a heading: a more exact code below it is billed",
        Standing.NOT_YET: "was not yet a code" if answer.day is None else f"is a code only from {answer.day}",
        Standing.ENDED: "was no longer billable" if answer.day is None else f"was billable only through {answer.day}",
        Standing.NO_SUCH_CODE: "is not an ICD-10-CM code",
    }[answer.standing]
    too_general = answer.standing is Standing.HEADER
    return fails(
        f"Diagnosis {diagnosis.position}, {diagnosis.shown}, {why} "
        f"(date of service {day}; ICD-10-CM {answer.release}).",
        pointer=diagnosis.pointer,
        denial=Denial(carc="16", rarc="M81") if too_general else Denial(carc="146"),
        code=diagnosis.shown,
        date_of_service=day,
        release=answer.release,
    )


def _cannot_be_told(undecided: Sequence[tuple[str, Answer, date]]) -> Result:
    codes = ", ".join(dict.fromkeys(code for code, _, _ in undecided))
    releases = ", ".join(dict.fromkeys(answer.release for _, answer, _ in undecided))
    day = undecided[0][2]
    told = cannot_tell(
        f"ICD-10-CM release in force on {day}",
        f"Whether {codes} was billable on {day} cannot be told from what is known here (ICD-10-CM {releases}).",
        pointer="/diagnoses",
    )
    return replace(told, remedy=f"Check {codes} against the ICD-10-CM release in force on {day}.")
