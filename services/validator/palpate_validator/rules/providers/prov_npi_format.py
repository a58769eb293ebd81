"""A provider number (NPI) cannot be right.

## What it checks
Every NPI on the claim has ten digits, begins with 1 or 2, and its last digit agrees with the others (the Luhn check
that every issued NPI passes).

## Why it matters
A payer's front end rejects the whole claim when one provider number on it cannot exist.

## How to fix
Look the number up (in the NPI registry or the provider's records) and correct it. Most often two digits were swapped
or one was mistyped.

## Example that fails
Rendering provider 1234567890: the last digit does not agree with the others.

## Example that passes
Rendering provider 1245319599.

## Limits
Whether a well-formed number was ever issued, and to whom, is not known here. The number of a person who performed part
of a line is not sent to the payer: there it is a warning.
"""

from collections.abc import Iterator

from palpate_schemas.claim import BillingProvider, Claim, Provider
from palpate_schemas.finding import Denial
from palpate_validator.npi import Fault, npi_fault
from palpate_validator.provider_numbers import providers_in_question
from palpate_validator.rule import BILLER, Result, fails, rule, warns
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import Visit

_BILLING = Denial(carc="16", rarc="N257")
_RENDERING = Denial(carc="16", rarc="N290")
_REFERRING = Denial(carc="16", rarc="N286")
_SAYS: dict[Fault, str] = {
    "length": "is not ten digits",
    "first digit": "does not begin with 1 or 2",
    "check digit": "has a last digit that does not agree with the others",
}


@rule(
    remedy="Look the NPI up and correct it.",
    fixer=BILLER,
    denial=Denial(carc="207"),
    sources=("45 CFR 162.406", PRACTICE),
    confidence="practice",
    given=providers_in_question,
    per="claim",
)
def npi_format(visit: Visit) -> Iterator[Result]:
    for role, provider, denial in _providers(visit.claim):
        if fault := npi_fault(provider.npi):
            yield fails(
                f"The {role} provider's NPI{_shown(provider.npi)} {_SAYS[fault]}.",
                pointer=f"/{role}_provider/npi",
                denial=denial,
                npi=_shown(provider.npi).strip(),
                fault=fault,
            )
    for line in visit.lines:
        for place, part in enumerate(line.performed_by) if line.performed_by else ():
            if part.npi is not None and (fault := npi_fault(part.npi)):
                yield warns(
                    f"Line {line.line_number}: the NPI{_shown(part.npi)} of who performed it {_SAYS[fault]}.",
                    line=line,
                    pointer=f"/performed_by/{place}/npi",
                    fault=fault,
                )


def _providers(claim: Claim) -> Iterator[tuple[str, BillingProvider | Provider, Denial | None]]:
    yield "billing", claim.billing_provider, _BILLING
    yield "rendering", claim.rendering_provider, _RENDERING
    if claim.supervising_provider is not None:
        yield "supervising", claim.supervising_provider, None
    if claim.referring_provider is not None:
        yield "referring", claim.referring_provider, _REFERRING


def _shown(npi: str) -> str:
    """The number as a message shows it; what is not a number may be anything, a name too, and is not repeated."""
    return f" {npi}" if npi.isascii() and npi.isdigit() else ""
