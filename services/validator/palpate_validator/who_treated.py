"""Who bills manual therapy and whose hands gave it, as far as the claim and its notes say."""

import re

from palpate_schemas.claim import Contributor
from palpate_schemas.values import Profession
from palpate_validator.rule import MissingFact
from palpate_validator.taxonomy import Practitioner, practitioner_of
from palpate_validator.visit import Line, Visit

PHYSICIANS = frozenset(
    {Profession.MD, Profession.DO, Profession.DPM, Profession.NP, Profession.PA, Profession.CNS}
)  # fmt: skip
"""Physicians and the non-physician practitioners who may order, certify and bill therapy as their own."""

THERAPISTS = frozenset({Profession.PT, Profession.OT})
ASSISTANTS = frozenset({Profession.PTA, Profession.OTA})

TRAINERS = frozenset(
    {"athletic trainer", "kinesiotherapist", "clinical exercise physiologist", "technician"}
    | {"nursing aide", "nursing aide or technician"}
)
"""Practitioners, as the taxonomy table words them, who train or assist but are no therapists to Medicare."""

_STUDENT = re.compile(r"\b(?:student|s\.?pt|s\.?pta|s/?ota?|ots|otas|(?:pta?|c?ota?)[/-]s)\b", re.IGNORECASE)
_AIDE = re.compile(r"\b(?:aide|tech|technician)\b", re.IGNORECASE)


def rendering(visit: Visit) -> Practitioner | None:
    """Who renders the claim; None where neither profession nor taxonomy says it."""
    return practitioner_of(visit.claim.rendering_provider)


def rendering_profession(visit: Visit) -> Profession | None:
    """The rendering provider's profession, by what the claim says or by the taxonomy."""
    who = practitioner_of(visit.claim.rendering_provider)
    return None if who is None else who.profession


def known_rendering(visit: Visit) -> Practitioner:
    """Who renders the claim.

    Raises:
        MissingFact: neither profession nor taxonomy says it.
    """
    who = rendering(visit)
    if who is None:
        raise MissingFact(
            "rendering_provider/profession",
            "The claim does not say the rendering provider's profession, nor a taxonomy code that names one.",
        )
    return who


def under_physician(visit: Visit) -> bool:
    """Whether a physician or practitioner renders the claim, or it is billed incident to one."""
    return bool(visit.claim.rendering_provider.incident_to) or rendering_profession(visit) in PHYSICIANS


def treated_by(visit: Visit, line: Line) -> frozenset[Profession]:
    """The professions that gave a service: those the line names, else the clinician of that day's notes."""
    performed = frozenset(part.profession for part in line.performed_by if part.profession is not None)
    if line.performed_by:
        return performed
    notes = (note for note in visit.claim.documentation or () if note.service_date == line.service_date)
    clinicians = (note.clinician.profession for note in notes if note.clinician is not None)
    return frozenset(profession for profession in clinicians if profession is not None)


def everybody(visit: Visit) -> set[Profession]:
    """Every profession that the claim's lines or its notes' authors have: whoever is not among them treated nowhere."""
    found: set[Profession | None] = set()
    for line in visit.lines:
        for part in line.performed_by:
            found.add(part.profession)
    for note in visit.claim.documentation or ():
        if note.clinician is not None:
            found.add(note.clinician.profession)
    found.discard(None)
    return found  # type: ignore[return-value] # None has just been taken out


def by_assistant_alone(line: Line) -> bool:
    """Whether a PTA or OTA gave any of a service without the therapist beside them."""
    return any(part.profession in ASSISTANTS and not part.with_supervisor for part in line.performed_by)


def others_took_part(visit: Visit) -> bool:
    """Whether a note names anybody besides its author."""
    return any(note.contributors for note in visit.notes)


def is_student(contributor: Contributor) -> bool:
    """Whether somebody's credentials are a student's, e.g. SPT or OTS."""
    return _STUDENT.search(contributor.credentials or "") is not None


def is_aide(contributor: Contributor) -> bool:
    """Whether somebody's credentials are an aide's or a technician's."""
    return _AIDE.search(contributor.credentials or "") is not None
