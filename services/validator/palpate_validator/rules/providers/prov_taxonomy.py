"""The rendering provider's taxonomy code is missing or does not fit.

## What it checks
The rendering provider's taxonomy code names the same profession as the claim does, and names a person and not a
clinic. On a claim to Medicaid it is there at all.

## Why it matters
Medicaid and many other payers find the provider's enrolment by NPI and taxonomy together. A code that is missing, or
that belongs to another profession, is rejected or paid to nobody.

## How to fix
Use the taxonomy code under which the provider is enrolled with this payer.

## Example that fails
To Medicaid, rendered by a PT with the taxonomy 111N00000X, a chiropractor's.

## Example that passes
Rendered by a PT with the taxonomy 225100000X.

## Limits
An error for Medicaid, a warning elsewhere. MD and DO share their codes. A well-formed code that the table does not
know is answered with "cannot tell". Whether the provider is enrolled under the code is not known here.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.provider_numbers import providers_in_question
from palpate_validator.rule import BILLER, ERROR, WARNING, Result, cannot_tell, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.taxonomy import fits, named_by, well_formed
from palpate_validator.visit import Visit


@rule(
    remedy="Use the taxonomy code under which the provider is enrolled with this payer.",
    fixer=BILLER,
    severity=WARNING,
    severity_by_program={Program.MEDICAID: ERROR},
    denial=Denial(carc="16", rarc="N288"),
    sources=(PRACTICE,),
    confidence="practice",
    given=providers_in_question,
    per="claim",
)
def taxonomy(visit: Visit) -> Iterator[Result]:
    provider = visit.claim.rendering_provider
    code, pointer = provider.taxonomy, "/rendering_provider/taxonomy"
    if code is None:
        if visit.program is Program.MEDICAID:
            yield fails("The rendering provider has no taxonomy code.", pointer=pointer)
    elif not well_formed(code):
        yield fails("The rendering provider's taxonomy is not a ten-character code that ends in X.", pointer=pointer)
    elif (named := named_by(code)) is None:
        yield cannot_tell("rendering_provider/taxonomy", f"Whom the taxonomy {code} names is not known.")
    elif not named.individual or not fits(named, provider.profession):
        stated = "a person" if provider.profession is None else f"the profession {provider.profession}"
        yield fails(
            f"The rendering provider's taxonomy {code} names a {named.words}, and the claim says {stated}.",
            pointer=pointer,
            denial=Denial(carc="8"),
            taxonomy=code,
            profession=provider.profession,
        )
