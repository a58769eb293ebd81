"""The claim does not name the physician who certifies or refers.

## What it checks
On a claim to Medicare rendered by a therapist, the referring provider (the physician or practitioner who certifies
the plan of care) is named, and is not the treating therapist. For other payers the same holds where their profile
says that a referral is needed (`referral_required`).

## Why it matters
Medicare returns a therapy claim without the certifying physician's NPI. A therapist cannot certify their own plan.

## How to fix
Add the NPI of the physician or practitioner who certified the plan of care, or who referred the patient.

## Example that fails
97140 to Medicare, rendered by a PT, without a referring provider.

## Example that passes
97140 to Medicare, rendered by a PT, with the certifying physician as referring provider.

## Limits
Physicians and non-physician practitioners who treat under their own plan need no referring provider here, nor does a
service that Medicare excludes. Medicare has asked for the number since 2012-10-01; earlier dates are not judged.
"""

from collections.abc import Iterator
from datetime import date

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.rule import FRONT_DESK, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import THERAPISTS, known_rendering


@rule(
    remedy="Add the NPI of the physician or practitioner who certified the plan of care or referred the patient.",
    fixer=FRONT_DESK,
    denial=Denial(carc="16", rarc="N286"),
    sources=("42 CFR 424.24(c)", PRACTICE),
    confidence="practice",
    codes={MANUAL_THERAPY},
    unusual={Unusual.NO_REFERRER},
    per="claim",
    start=date(2012, 10, 1),
)
def referring(visit: Visit) -> Iterator[Result]:
    referrer, treating = visit.claim.referring_provider, visit.claim.rendering_provider
    if referrer is not None and referrer.npi != treating.npi:
        return
    if visit.program is not Program.MEDICARE:
        if referrer is None and visit.setting("referral_required"):
            message = "This payer asks for a referral, and the claim names no referring provider."
            yield fails(message, pointer="/referring_provider", denial=Denial(carc="288", rarc="N489"))
    elif known_rendering(visit).profession in THERAPISTS:
        message = (
            "The claim names no physician who certifies the plan of care."
            if referrer is None
            else "The treating therapist is named as the referring provider of their own plan."
        )
        yield fails(message, pointer="/referring_provider")
