"""Therapy billed under a physician was given by somebody whom Medicare does not accept for it.

## What it checks
On a claim to Medicare that a physician or non-physician practitioner renders, or that is billed incident to one,
whoever gave 97140 is the practitioner, or is qualified as a physical or occupational therapist. Assistants, massage
therapists, athletic trainers and other professions are not.

## Why it matters
Therapy incident to a physician must be given by somebody who meets the qualifications of a therapist, licence aside.
Therapist assistants do not meet them, so their work cannot be billed this way.

## How to fix
Bill what the assistant gave under a supervising therapist who is enrolled, if there was one. If not, take the line
off the claim.

## Example that fails
97140 to Medicare, rendered by an MD; the line says that a PTA gave it.

## Example that passes
97140 to Medicare, rendered by an MD; the line says that a PT gave it.

## Limits
Where the claim does not say who gave the service, the physician is taken to have given it, unless `incident_to` is
true: then the rule answers "cannot tell".
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Profession, Program
from palpate_validator.rule import BILLER, Result, cannot_tell, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import ASSISTANTS, treated_by, under_physician

UNQUALIFIED = ASSISTANTS | {Profession.LMT, Profession.AT, Profession.SLP, Profession.LAC, Profession.DC}


@rule(
    remedy="Bill it under the supervising therapist, if there was one; otherwise take the line off.",
    fixer=BILLER,
    denial=Denial(carc="170"),
    sources=(f"{CPM5} §20.1", "42 CFR 410.60"),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
)
def physician_incident_to(visit: Visit) -> Iterator[Result]:
    if not under_physician(visit):
        return
    for line in visit.manual_therapy:
        treated = treated_by(visit, line)
        if unqualified := treated & UNQUALIFIED:
            who = " and ".join(sorted(unqualified))
            yield fails(
                f"Line {line.line_number} bills 97140 under a physician or practitioner, and it was given by: {who}.",
                line=line,
                treated_by=sorted(treated),
            )
        elif visit.claim.rendering_provider.incident_to and not treated:
            yield cannot_tell("lines/performed_by", "The claim does not say who gave the service.", line=line)
            return
