"""Manual therapy by an acupuncturist is not paid by Medicare, and elsewhere only as authorized.

## What it checks
On a claim rendered by an acupuncturist, 97140 is not billed to Medicare (an error). To VA and commercial payers the
claim names a prior authorization (else a warning).

## Why it matters
Medicare does not recognise acupuncturists as therapists. VA and commercial payers pay them for manual therapy only
where it was authorized.

## How to fix
Take 97140 off a claim to Medicare. For the others, ask the payer whether the service was authorized and add the
number.

## Example that fails
97140 to Medicare, rendered by an acupuncturist.

## Example that passes
97140 to VA, rendered by an acupuncturist, with an authorization number.

## Limits
Where a payer profile lists whom it pays (`allowed_provider_types`) or says that authorization is needed
(`auth_required`), `payer-provider-type` and `auth-missing` speak instead.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Profession, Program
from palpate_validator.rule import BILLER, FRONT_DESK, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import rendering_profession


@rule(
    remedy="Take 97140 off the claim to Medicare.",
    fixer=BILLER,
    denial=Denial(carc="170"),
    sources=(PRACTICE,),
    confidence="practice",
    severity_by_program={Program.VA: WARNING, Program.COMMERCIAL: WARNING},
    programs={Program.MEDICARE, Program.VA, Program.COMMERCIAL},
    codes={MANUAL_THERAPY},
    unusual={Unusual.OTHER_HANDS},
    per="claim",
)
def acupuncturist(visit: Visit) -> Iterator[Result]:
    if rendering_profession(visit) is not Profession.LAC:
        return
    authorization = visit.claim.prior_authorization
    if visit.program is Program.MEDICARE:
        yield fails("An acupuncturist renders 97140 on this claim to Medicare.", pointer="/rendering_provider")
    elif visit.says("allowed_provider_types") or visit.says("auth_required"):
        return
    elif authorization is None or not authorization.number:
        yield fails(
            "An acupuncturist renders 97140, and the claim names no prior authorization. Was it authorized?",
            pointer="/prior_authorization",
            remedy="Ask the payer whether the service was authorized, and add the number.",
            fixer=FRONT_DESK,
        )
