"""The therapy-plan modifier is not that of the discipline that treated.

## What it checks
GP stands for a physical therapy plan, GO for an occupational and GN for a speech-language one. The profession that
treated (by the line, else the claim's rendering provider) is of that discipline, and physical therapy evaluations
carry GP, occupational therapy evaluations GO.

## Why it matters
The payer counts the service under the wrong plan and the wrong threshold, or denies it.

## How to fix
Correct the modifier, or the provider if the claim names the wrong one.

## Example that fails
97140 GP, rendered by an occupational therapist.

## Example that passes
97140 GO, rendered by an occupational therapist.

## Limits
A physician or practitioner may bill under either plan and is not judged. The plan of care itself is not in the claim
event, so a right modifier under a wrong plan is not seen. A line with two of these modifiers is `mod-therapy-multiple`.
"""

from collections.abc import Iterator
from functools import lru_cache

from palpate_schemas.finding import Denial
from palpate_schemas.values import Profession
from palpate_validator.code_pairs import OT_EVALUATIONS, PT_EVALUATIONS
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.visit import DISCIPLINE_MODIFIERS, DISCIPLINES, Visit
from palpate_validator.who_treated import rendering_profession


@rule(
    remedy="Correct the modifier, or the provider if the claim names the wrong one.",
    fixer=BILLER,
    denial=Denial(carc="4"),
    sources=(f"{CPM5} §20.1",),
    confidence="sourced",
    modifiers=DISCIPLINE_MODIFIERS,
)
def plan_of_another_discipline(visit: Visit) -> Iterator[Result]:
    rendering = (rendering_profession(visit),)
    for line in visit.lines:
        treated = tuple([part.profession for part in line.performed_by]) if line.performed_by else rendering
        fault = _fault(line.code, line.modifiers, treated)
        if fault is not None:
            plan, fact = fault
            yield fails(
                f"Line {line.line_number} carries {plan}, but {fact}.", line=line, pointer="/modifiers", modifier=plan
            )


@lru_cache(maxsize=4096)
def _fault(code: str, modifiers: tuple[str, ...], treated: tuple[Profession | None, ...]) -> tuple[str, str] | None:
    """The only plan that a line names and the fact that is against it; None where nothing is."""
    plans = [modifier for modifier in DISCIPLINE_MODIFIERS if modifier in modifiers]
    if len(plans) != 1:
        return None
    named = DISCIPLINE_MODIFIERS[plans[0]]
    evaluation, gave = _evaluates(code), _disciplines(treated)
    if evaluation is not None and evaluation is not named:
        return plans[0], f"{code} is {_article(evaluation)} {evaluation} evaluation"
    if gave and named not in gave:
        return plans[0], f"the service was given by {' and '.join(sorted(gave))}"
    return None


def _evaluates(code: str) -> Profession | None:
    if code in PT_EVALUATIONS:
        return Profession.PT
    return Profession.OT if code in OT_EVALUATIONS else None


def _disciplines(treated: tuple[Profession | None, ...]) -> frozenset[Profession]:
    """The disciplines of whoever treated; empty as soon as somebody's is not known, or is none."""
    found = [None if profession is None else DISCIPLINES.get(profession) for profession in treated]
    return frozenset(each for each in found if each is not None) if None not in found else frozenset()


def _article(discipline: Profession) -> str:
    return "an" if discipline is Profession.OT else "a"
