"""Manual therapy by a massage therapist is not paid by this payer.

## What it checks
Neither the rendering provider nor the person who gave a 97140 line is a massage therapist, on claims to Medicare and
TRICARE (an error) and to Medicare Advantage and commercial payers (a warning).

## Why it matters
Medicare and TRICARE do not enrol massage therapists, and their work cannot be billed through somebody else: whoever
gives therapy must be qualified as a therapist. Most commercial plans do the same.

## How to fix
Bill 97140 only if a therapist or physician gave it. If the massage therapist gave it, take the line off the claim to
this payer.

## Example that fails
97140 to Medicare; the rendering provider's taxonomy is 225700000X.

## Example that passes
97140 to Medicare, rendered and given by a physical therapist.

## Limits
Workers' compensation, auto, Medicaid and VA claims are not judged: many of them pay massage therapists. Where a payer
profile lists whom it pays (`allowed_provider_types`), `payer-provider-type` speaks of the rendering provider instead,
and a payer that lists massage therapists is not judged. Massage therapists who work under a physician on a Medicare
claim are for `prov-physician-incident-to`.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Profession, Program
from palpate_validator.rule import BILLER, WARNING, Result, fails, rule
from palpate_validator.sources import BPM15, CPM5
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import known_rendering, rendering_profession, treated_by, under_physician


@rule(
    remedy="Bill the service under the clinician who gave it, or take it off the claim to this payer.",
    fixer=BILLER,
    denial=Denial(carc="170"),
    sources=(f"{CPM5} §20.1", f"{BPM15} §230", "42 CFR 410.60"),
    confidence="practice",
    severity_by_program={Program.COMMERCIAL: WARNING, Program.MEDICARE_ADVANTAGE: WARNING},
    programs={Program.MEDICARE, Program.MEDICARE_ADVANTAGE, Program.TRICARE, Program.COMMERCIAL},
    codes={MANUAL_THERAPY},
    unusual={Unusual.OTHER_HANDS},
    per="claim",
)
def massage_therapist(visit: Visit) -> Iterator[Result]:
    medicare, who = visit.program is Program.MEDICARE, rendering_profession(visit)
    listed = not medicare and visit.says("allowed_provider_types")
    if listed and Profession.LMT in visit.setting("allowed_provider_types"):
        return
    if who is Profession.LMT:
        if not listed:
            yield fails("A massage therapist renders 97140 on this claim.", pointer="/rendering_provider")
        return
    if medicare and under_physician(visit):
        return
    for line in visit.manual_therapy:
        if Profession.LMT in treated_by(visit, line):
            yield fails(f"A massage therapist gave the 97140 of line {line.line_number}.", line=line)
    if not medicare and not listed:
        known_rendering(visit)
