"""The payer's prior authorization is missing, out of date or used up.

## What it checks
For payers that authorize therapy beforehand, the claim names an authorization number, the number is valid on every
date of service, and units are left on it.

## Why it matters
A service that needed authorization and had none is denied, and the practice usually cannot bill the patient.

## How to fix
Ask the payer for the authorization, or add its number, dates and units to the claim if there is one.

## Example that fails
To a payer that authorizes therapy: 97140 on 2025-03-03 with an authorization valid through 2025-02-28.

## Example that passes
To a payer that authorizes therapy: 97140 on 2025-03-03 with an authorization valid through 2025-03-31.

## Limits
Whether a payer asks for authorization is its profile's `auth_required`. Units may mean visits or 15-minute units: an
authorization that was used up before this claim fails, one that this claim's units would use up is a warning.
"""

from collections.abc import Iterator

from palpate_schemas.claim import PriorAuthorization
from palpate_schemas.finding import Denial
from palpate_validator.rule import FRONT_DESK, Result, cannot_tell, fails, rule, warns
from palpate_validator.sources import X12
from palpate_validator.visit import MANUAL_THERAPY, Line, Visit


@rule(
    remedy="Ask the payer for the authorization, or add the one there is.",
    fixer=FRONT_DESK,
    denial=Denial(carc="197"),
    sources=(X12, "the payer's contract"),
    confidence="practice",
    profile={"auth_required": True},
    codes={MANUAL_THERAPY},
    per="claim",
)
def authorization_missing(visit: Visit) -> Iterator[Result]:
    authorization = visit.claim.prior_authorization
    if authorization is None or not authorization.number:
        yield fails("This payer authorizes therapy beforehand, and the claim names no authorization.")
        return
    for line in visit.manual_therapy:
        if not _valid(authorization, line):
            message = f"Line {line.line_number}: the authorization is not valid on {line.service_date}."
            yield fails(
                message, line=line, valid_from=authorization.valid_from, valid_through=authorization.valid_through
            )
    yield from _units_left(authorization, visit)


def _valid(authorization: PriorAuthorization, line: Line) -> bool:
    begins = authorization.valid_from is None or authorization.valid_from <= line.service_date
    ends = authorization.valid_through is not None and authorization.valid_through < line.service_date
    return begins and not ends


def _units_left(authorization: PriorAuthorization, visit: Visit) -> Iterator[Result]:
    authorized, used = authorization.units_authorized, authorization.units_used
    if authorized is None:
        return
    if used is None:
        yield cannot_tell("prior_authorization/units_used", "The claim does not say how many units were used before.")
        return
    billed = sum(line.units for line in visit.manual_therapy)
    exceeded = Denial(carc="198")
    if used >= authorized:
        message = f"All {authorized:f} authorized units were used before this claim."
        yield fails(message, denial=exceeded, units_authorized=authorized, units_used=used)
    elif used + billed > authorized:
        message = (
            f"{used:f} of {authorized:f} authorized units are used, and this claim bills {billed:f} more of 97140."
        )
        yield warns(message, denial=exceeded, units_authorized=authorized, units_used=used, units_billed=billed)
