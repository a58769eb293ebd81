"""Whether a visit's note plainly holds what a note must, and agrees with the claim: then no rule need look closer."""

from palpate_schemas.claim import VisitNote
from palpate_validator.note_evidence import ASSISTANTS, UNSIDED, filled
from palpate_validator.noted_places import noted_place
from palpate_validator.rule import MissingFact
from palpate_validator.timed_pools import plain_day
from palpate_validator.visit import MANUAL_THERAPY, Visit


def note_in_question(visit: Visit) -> bool:
    """Whether the rules about the note have anything to look at; not where its fields answer all of them.

    Several notes may share them out, so then every rule looks for itself.

    Raises:
        MissingFact: no note is shared.
    """
    notes = visit.notes
    if len(notes) != 1:
        if visit.timed_lines and not visit.claim.documentation:
            raise MissingFact("documentation", visit.no_note)
        return True
    note = notes[0]
    return not (_has_its_elements(note) and _is_signed(note) and _agrees_with_the_claim(visit, note))


def _has_its_elements(note: VisitNote) -> bool:
    return (
        note.patients_treated_at_once == 1
        and note.total_timed_minutes is not None
        and note.total_treatment_minutes is not None
        and filled(note.response)
        and filled(note.goals)
        and filled(note.medical_necessity)
        and filled(note.restricted_motion)
    )


def _is_signed(note: VisitNote) -> bool:
    signature, signed_on = note.signed_by, note.signed_on
    if signature is None or signed_on is None:
        return False
    return filled(signature.credentials) and signed_on >= note.service_date


def _agrees_with_the_claim(visit: Visit, note: VisitNote) -> bool:
    plain = plain_day(visit)
    return plain is not None and plain.note_agrees and _is_by_who_bills(visit, note) and _is_where_it_says(visit, note)


def _is_by_who_bills(visit: Visit, note: VisitNote) -> bool:
    """Whether the rendering provider wrote the note, or an assistant, who does not bill."""
    author = note.clinician
    npi = None if author is None else author.npi
    if author is None or npi is None or npi == visit.claim.rendering_provider.npi:
        return True
    return author.profession in ASSISTANTS


def _is_where_it_says(visit: Visit, note: VisitNote) -> bool:
    """Whether the lines of 97140 have the place and a region of the note, with its side."""
    regions, location = note.regions, note.location
    if not regions or location is None or not UNSIDED.isdisjoint(regions):
        return False
    fitting = noted_place(location).fitting
    for line in visit.lines:
        if line.code != MANUAL_THERAPY:
            continue
        if line.place_of_service not in fitting:
            return False
        # Most lines and notes name the same regions, which is quicker to see than that they share one.
        if line.regions and line.regions != regions and frozenset(regions).isdisjoint(line.regions):
            return False
    return True
