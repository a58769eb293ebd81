"""This payer does not pay 97140 to this kind of provider.

## What it checks
The profession of the rendering provider is one of those that the payer's profile allows (`allowed_provider_types`).

## Why it matters
97140 is denied when a provider of another kind gives it.

## How to fix
Bill under the provider who gave the service, if that is another one; otherwise this payer does not pay it.

## Example that fails
A massage therapist, to a payer that allows PT, OT and DC.

## Example that passes
A physical therapist, to the same payer.

## Limits
Only payers whose profile holds such a list; no shipped one does. What Medicare allows is judged by rules of its own.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Name the provider who gave the service, if the claim names another one.",
    fixer=BILLER,
    denial=Denial(carc="170"),
    sources=("The payer's policy, as its profile names it",),
    confidence="practice",
    codes={MANUAL_THERAPY},
    settings={"allowed_provider_types"},
)
def provider_type_not_allowed(visit: Visit) -> Iterator[Result]:
    if not visit.says("allowed_provider_types"):
        return
    allowed = visit.setting("allowed_provider_types")
    profession = visit.known(visit.claim.rendering_provider.profession, "rendering_provider/profession")
    if profession not in allowed:
        yield fails(
            f"This payer pays 97140 to {', '.join(allowed)}; the rendering provider is {profession}.",
            pointer="/rendering_provider/profession",
            profession=profession,
        )
