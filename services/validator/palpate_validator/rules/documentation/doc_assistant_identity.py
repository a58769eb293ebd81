"""An assistant treated, and the note does not say who, or who supervised.

## What it checks
When the claim or the note shows that a physical or occupational therapist assistant treated (PTA, OTA, or modifier CQ
or CO), the note names the assistant with a credential, and a therapist who supervised.

## Why it matters
The daily note must identify everybody who contributed and the professional who furnished or supervised the service.
It is also what decides whether CQ or CO belongs on the line.

## How to fix
The supervising therapist adds the assistant's name and credential, and signs as the supervisor, by addendum.

## Example that fails
Line with CQ; the note is by a PT, and its list of contributors is empty.

## Example that passes
Line with CQ; the note is by a PT, with a PTA among its contributors.

## Limits
A word such as PTA or "supervised" in the note's text counts. A supervising provider on the claim counts as the
supervisor. Whether the claim carries CQ or CO as it should is the subject of `mod-cq-missing`.
"""

from collections.abc import Iterator

from palpate_schemas.claim import Contributor
from palpate_validator.note_evidence import ASSISTANTS, names_a_supervisor, names_an_assistant
from palpate_validator.rule import CLINICIAN, MissingFact, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit

_NEEDS = "documentation/contributors"


@rule(
    remedy="Name the assistant, the credential and the supervising therapist in a signed addendum.",
    fixer=CLINICIAN,
    sources=(f"{BPM15} §220.3.E",),
    confidence="practice",
    codes={MANUAL_THERAPY},
    unusual={Unusual.ASSISTANT},
)
def assistant_and_supervisor_named(visit: Visit) -> Iterator[Result]:
    if not _assistant_treated(visit):
        return
    note, day = visit.note, visit.date_of_service
    if not names_an_assistant(note):
        if any(_unlettered(each) for each in visit.known(note.contributors, _NEEDS)):
            raise MissingFact(f"{_NEEDS}/credentials")
        yield fails(f"An assistant treated on {day}, and the note names none. Who was it?")
    elif any(_nameless(each) for each in note.contributors or ()):
        yield fails(f"The note of {day} lists an assistant without a name. Who was it?")
    elif not names_a_supervisor(note) and visit.claim.supervising_provider is None:
        visit.known(note.contributors, _NEEDS)
        yield fails(f"An assistant treated on {day}, and the note names no therapist. Who supervised?")


def _assistant_treated(visit: Visit) -> bool:
    author = visit.note.clinician if visit.notes else None
    if author is not None and author.profession in ASSISTANTS:
        return True
    for line in visit.manual_therapy:
        if line.has("CQ", "CO") or any(part.profession in ASSISTANTS for part in line.performed_by):
            return True
    return False


def _unlettered(person: Contributor) -> bool:
    """Somebody listed without profession or credentials: it may be the assistant."""
    return person.profession is None and person.credentials is None


def _nameless(person: Contributor) -> bool:
    """A name that is shared and blank; a name that is not shared is no fault."""
    return (
        person.profession in ASSISTANTS and person.npi is None and person.name is not None and not person.name.strip()
    )
