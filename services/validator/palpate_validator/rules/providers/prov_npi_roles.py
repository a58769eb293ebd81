"""The clinic's own NPI stands where the clinician's belongs.

## What it checks
When billing and rendering provider have the same NPI, the billing provider's taxonomy is a clinician's. If it is a
clinic's or a group's, the same number cannot also be the person who treated.

## Why it matters
An NPI belongs either to a person or to an organization. A group bills under its own number and names the person who
treated by theirs; with one number for both, payers cannot tell who treated and reject the claim.

## How to fix
Put the treating clinician's own NPI as rendering provider. In a solo practice that bills under the clinician's own
number, correct the billing taxonomy instead.

## Example that fails
Billing and rendering NPI are both 1497758544, and the billing taxonomy is 261QP2000X, a physical therapy clinic.

## Example that passes
Billing and rendering NPI are both 1245319599, and the billing taxonomy is 225100000X: a solo practice.

## Limits
A warning: whether a number was issued to a person or to an organization is not known here, only what the taxonomy
code says. Without a billing taxonomy, one number for both is taken for a solo practice.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.provider_numbers import providers_in_question
from palpate_validator.rule import BILLER, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.taxonomy import named_by
from palpate_validator.visit import Visit


@rule(
    remedy="Name the treating clinician's own NPI as rendering provider, or correct the billing taxonomy.",
    fixer=BILLER,
    severity=WARNING,
    denial=Denial(carc="16", rarc="N290"),
    sources=(PRACTICE,),
    confidence="practice",
    given=providers_in_question,
    per="claim",
)
def npi_roles(visit: Visit) -> Iterator[Result]:
    billing, treating = visit.claim.billing_provider, visit.claim.rendering_provider
    biller = named_by(billing.taxonomy)
    if billing.npi == treating.npi and biller is not None and not biller.individual:
        yield fails(
            f"NPI {billing.npi} is both the billing provider, a {biller.words} by its taxonomy, and who treated.",
            pointer="/rendering_provider/npi",
            billing_taxonomy=billing.taxonomy,
        )
