"""The visit note and the claim contradict each other.

## What it checks
What both say must agree: the date of the visit, the minutes of each service, the region and side treated with 97140,
and the clinician.

## Why it matters
"The medical record and the information on the claim form must consistently and accurately report" the services. A
reviewer who finds two different stories pays neither.

## How to fix
Find out which of the two is true. A wrong claim is corrected on the claim; a wrong note by a signed and dated
addendum of the clinician who wrote it.

## Example that fails
The claim bills 97140 with 30 minutes; the note says 20 minutes of it.

## Example that passes
The claim bills 97140 with 20 minutes to the left knee, and so says the note.

## Limits
Only a plain contradiction counts. A fact that one side leaves out is not one. A region without a side agrees with
either side. A note by an assistant, by somebody supervised or incident to a physician, or a substitute (Q5, Q6) may
carry another number than the claim; outside Medicare another clinician's number is a warning, because some payers
want the supervisor's. A number that is not one (`prov-npi-format`) is not compared.
"""

from collections.abc import Iterator

from palpate_schemas.claim import NoteAuthor
from palpate_schemas.finding import Denial
from palpate_schemas.values import Profession, Program
from palpate_validator.npi import npi_fault
from palpate_validator.plain_notes import note_in_question
from palpate_validator.region_overlap import regions_contradict
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import BPM15
from palpate_validator.timed_pools import plain_day
from palpate_validator.visit import MANUAL_THERAPY, Visit

_BILL_FOR_THEMSELVES = frozenset({
    Profession.PT, Profession.OT, Profession.DC, Profession.MD, Profession.DO, Profession.DPM, Profession.NP,
    Profession.PA, Profession.CNS,
})  # fmt: skip


@rule(
    remedy="Find out which is true, then correct the claim, or the note by a signed addendum.",
    fixer=CLINICIAN,
    denial=Denial(carc="16", rarc="N466"),
    sources=(f"{BPM15} §220.3.A",),
    confidence="sourced",
    codes={MANUAL_THERAPY},
    given=note_in_question,
)
def note_agrees_with_claim(visit: Visit) -> Iterator[Result]:
    if not visit.notes and (contradiction := _only_note_of_another_day(visit)):
        yield contradiction
        return
    author = visit.note.clinician
    plain = plain_day(visit)
    if plain is None or not plain.note_agrees:
        yield from _minutes(visit)
    yield from _regions(visit)
    if author is not None and _is_another_clinician(visit, author):
        say = fails if visit.program is Program.MEDICARE else warns
        yield say(
            "The note is by another clinician than the rendering provider on the claim. Who treated?",
            pointer="/rendering_provider/npi",
        )


def _only_note_of_another_day(visit: Visit) -> Result | None:
    """Where a claim has one day and one note, the note is of that day."""
    notes = visit.claim.documentation or ()
    if len(notes) != 1 or len({line.service_date for line in visit.claim.lines}) != 1:
        return None
    return fails(
        f"The claim bills {visit.date_of_service}; its only note is of {notes[0].service_date}. Which day is right?",
        billed_date=visit.date_of_service,
        note_date=notes[0].service_date,
    )


def _minutes(visit: Visit) -> Iterator[Result]:
    notes = [note.service_minutes for note in visit.notes if note.service_minutes is not None]
    if len(notes) < len(visit.notes):
        return
    for code, billed in sorted(_billed_minutes(visit).items()):
        noted = [minutes[code] for minutes in notes if code in minutes]
        if billed is not None and noted and billed != sum(noted):
            yield fails(
                f"The claim gives {billed} minutes for {code}, the note {sum(noted)}. Which is right?",
                line=visit.billed({code})[0],
                pointer="/minutes",
                billed_minutes=billed,
                noted_minutes=sum(noted),
            )


def _billed_minutes(visit: Visit) -> dict[str, int | None]:
    """Minutes by timed code; None where a line does not say its own."""
    billed: dict[str, int | None] = {}
    for line in visit.timed_lines:
        before = billed.get(line.code, 0)
        billed[line.code] = None if before is None or line.minutes is None else before + line.minutes
    return billed


def _regions(visit: Visit) -> Iterator[Result]:
    noted = {region for note in visit.notes for region in note.regions or ()}
    for line in visit.manual_therapy if noted else ():
        if noted.isdisjoint(line.regions) and regions_contradict(line.regions, noted):
            yield fails(
                f"Line {line.line_number} says {', '.join(line.regions)}, the note says {', '.join(sorted(noted))}. "
                f"Which was treated?",
                line=line,
                pointer="/regions",
                billed_regions=line.regions,
                noted_regions=noted,
            )


def _is_another_clinician(visit: Visit, author: NoteAuthor) -> bool:
    rendering = visit.claim.rendering_provider.npi
    if author.npi is None or author.npi == rendering or npi_fault(rendering) is not None:
        return False
    return author.profession in _BILL_FOR_THEMSELVES and not _another_number_is_right(visit)


def _another_number_is_right(visit: Visit) -> bool:
    rendering, supervisor = visit.claim.rendering_provider, visit.claim.supervising_provider
    others = {person.npi for note in visit.notes for person in note.contributors or ()}
    return (
        rendering.incident_to is True
        or rendering.npi == visit.claim.billing_provider.npi
        or rendering.npi in others
        or (supervisor is not None and supervisor.npi == rendering.npi)
        or not visit.modifiers.isdisjoint({"Q5", "Q6"})
    )
