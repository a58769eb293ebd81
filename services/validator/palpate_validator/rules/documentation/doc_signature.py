"""The visit note is not properly signed.

## What it checks
The shared note of the visit is signed, not before the day of the visit, and the signature shows the signer's
credentials (PT, OTR/L, DC, MD and so on). For Medicare a signature later than a week after the visit is pointed out.

## Why it matters
An unsigned note does not count as a record: a reviewer treats the service as not documented and takes the money back.

## How to fix
The clinician who gave or supervised the treatment signs the note with name, credentials and date. A note that was
signed on a wrong date is corrected by a signed and dated addendum, not by overwriting it.

## Example that fails
A note of 3 March with techniques, minutes and response, and nobody's signature.

## Example that passes
The same note, signed on 3 March by a PT with the letters PT.

## Limits
A note without a signature counts as unsigned only when the rest of it is shared. Credentials written behind a comma
in the signer's name count. Whether the letters are true is not checked.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.claim import Signature
from palpate_schemas.values import Program
from palpate_validator.note_evidence import filled, signature_has_credentials, words_of
from palpate_validator.plain_notes import note_in_question
from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit

_REMEDY = "The treating clinician signs the note, with credentials and the date of signing."


@rule(
    remedy=_REMEDY,
    fixer=CLINICIAN,
    sources=(f"{BPM15} §220.3",),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=note_in_question,
)
def note_signed(visit: Visit) -> Iterator[Result]:
    note, day = visit.note, visit.date_of_service
    signature = note.signed_by
    if signature is None or not _names_somebody(signature):
        # A note shared for its minutes alone says nothing about its signature.
        visit.known(words_of(note).strip() or None, "documentation/signed_by")
        yield fails(f"The note of {day} is not signed.", signed_on=note.signed_on)
        return
    if not signature_has_credentials(signature):
        yield fails(f"The signature under the note of {day} shows no credentials.")
    if visit.known(note.signed_on, "documentation/signed_on") < day:
        yield fails(
            f"The note of {day} is signed on {note.signed_on}, before the visit.",
            remedy="Check both dates; the clinician corrects the wrong one by a signed and dated addendum.",
            signed_on=note.signed_on,
        )


@rule(
    remedy=_REMEDY,
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(f"{BPM15} §220.3",),
    confidence="sourced",
    programs={Program.MEDICARE},
    parameters=("note_entry_days",),
    codes={MANUAL_THERAPY},
    start=date(2008, 1, 1),
)
def note_signed_in_time(visit: Visit) -> Iterator[Result]:
    signed_on = visit.note.signed_on if visit.notes else None
    if signed_on is None:
        return  # The other decision tells of it.
    days = (signed_on - visit.date_of_service).days
    if days > visit.amount("note_entry_days"):
        yield fails(
            f"The note of {visit.date_of_service} was signed {days} days after the visit; Medicare expects it within "
            f"{visit.amount('note_entry_days')}.",
            remedy="Leave the note and its true date as they are; sign the next ones sooner.",
            days_to_signature=days,
        )


def _names_somebody(signature: Signature) -> bool:
    return filled(signature.name) or filled(signature.credentials)
