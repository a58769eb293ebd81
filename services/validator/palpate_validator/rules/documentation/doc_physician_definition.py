"""The provider who referred or certified may not do so for Medicare therapy.

## What it checks
The referring provider on a Medicare claim is not a chiropractor, a dentist or another profession that Medicare does
not let order or certify therapy.

## Why it matters
Only a physician (MD, DO, podiatrist; optometrist for low vision) or a nurse practitioner, clinical nurse specialist
or physician assistant may certify a therapy plan of care. A certification by anybody else is none.

## How to fix
Have the plan certified by a physician or practitioner who treats the patient, and name that person on the claim.

## Example that fails
Referring provider is a chiropractor, payer Medicare.

## Example that passes
Referring provider is an MD.

## Limits
The provider who certified is taken to be the claim's referring provider. A claim without one, or with the treating
therapist as one, is the subject of `prov-referring`.
"""

from collections.abc import Iterator

from palpate_schemas.claim import Provider
from palpate_schemas.finding import Denial
from palpate_schemas.values import Profession, Program
from palpate_validator.rule import FRONT_DESK, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit

_MAY_CERTIFY = frozenset({
    Profession.MD, Profession.DO, Profession.DPM, Profession.NP, Profession.PA, Profession.CNS,
})  # fmt: skip
_MAY_NOT = {"111N": "DC", "1223": "dentist"}
"""NUCC taxonomy families of chiropractors and dentists."""


@rule(
    remedy="Have the plan certified by a physician or practitioner, and name that person as referring provider.",
    fixer=FRONT_DESK,
    denial=Denial(carc="183", rarc="N574"),
    sources=(f"{BPM15} §220",),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
)
def certifier_is_physician(visit: Visit) -> Iterator[Result]:
    referring = visit.claim.referring_provider
    if referring is None or referring.npi == visit.claim.rendering_provider.npi:
        return
    visit.known(referring.profession or referring.taxonomy, "referring_provider/profession")
    excluded = _excluded(referring)
    if excluded is not None:
        yield fails(
            f"The referring provider's profession is {excluded}; Medicare does not let it certify therapy.",
            pointer="/referring_provider",
            profession=excluded,
        )


def _excluded(referring: Provider) -> str | None:
    """The profession that may not certify, by what is said of it; None where it may."""
    if referring.profession is not None and referring.profession not in _MAY_CERTIFY:
        return referring.profession.value
    return _MAY_NOT.get((referring.taxonomy or "")[:4])
