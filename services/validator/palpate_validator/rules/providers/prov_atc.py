"""Medicare does not pay for manual therapy by an athletic trainer.

## What it checks
On a claim to Medicare, neither the rendering provider nor the person who gave a 97140 line is an athletic trainer,
kinesiotherapist, exercise physiologist or technician.

## Why it matters
Medicare pays for therapy only when a therapist, a therapist's assistant under supervision, or a physician or
non-physician practitioner gives it. Trainers, aides and technicians are not among them, whoever supervises.

## How to fix
Bill 97140 only for the minutes that a therapist or physician gave. If nobody qualified gave it, take the line off.

## Example that fails
97140 to Medicare; the line says that an athletic trainer gave it.

## Example that passes
97140 to Medicare, given by a physical therapist.

## Limits
Other payers decide this in their contracts: their profile's `allowed_provider_types` says whom they pay. Trainers who
work under a physician on a Medicare claim are for `prov-physician-incident-to`.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Profession, Program
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import TRAINERS, rendering, treated_by, under_physician


@rule(
    remedy="Bill only what a therapist or physician gave, under that clinician.",
    fixer=BILLER,
    denial=Denial(carc="170"),
    sources=(f"{BPM15} §230.1", f"{BPM15} §230.2"),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
    unusual={Unusual.OTHER_HANDS},
    per="claim",
)
def trainer(visit: Visit) -> Iterator[Result]:
    who = rendering(visit)
    if who is not None and (who.profession is Profession.AT or who.words in TRAINERS):
        words = "athletic trainer" if who.profession is Profession.AT else who.words
        yield fails(f"The rendering provider is a trainer or aide to Medicare: {words}.", pointer="/rendering_provider")
        return
    if under_physician(visit):
        return
    for line in visit.manual_therapy:
        if Profession.AT in treated_by(visit, line):
            yield fails(f"An athletic trainer gave the 97140 of line {line.line_number}.", line=line)
