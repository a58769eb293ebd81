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
from palpate_validator.visit import DISCIPLINE_MODIFIERS, DISCIPLINES, Line, Visit
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
    for line in visit.lines:
        plan = _only_plan(line.modifiers)
        if plan is None:
            continue
        named = DISCIPLINE_MODIFIERS[plan]
        if (evaluation := _evaluates(line)) is not None and evaluation is not named:
            yield _wrong(line, plan, f"{line.code} is {_article(evaluation)} {evaluation} evaluation")
        elif (gave := _disciplines(visit, line)) and named not in gave:
            yield _wrong(line, plan, f"the service was given by {' and '.join(sorted(gave))}")


@lru_cache(maxsize=1024)
def _only_plan(modifiers: tuple[str, ...]) -> str | None:
    plans = [modifier for modifier in DISCIPLINE_MODIFIERS if modifier in modifiers]
    return plans[0] if len(plans) == 1 else None


def _evaluates(line: Line) -> Profession | None:
    if line.code in PT_EVALUATIONS:
        return Profession.PT
    return Profession.OT if line.code in OT_EVALUATIONS else None


def _disciplines(visit: Visit, line: Line) -> frozenset[Profession]:
    """The disciplines of whoever treated; empty as soon as somebody's is not known, or is none."""
    treated = tuple([part.profession for part in line.performed_by]) or (rendering_profession(visit),)
    return _disciplines_of(treated)


@lru_cache(maxsize=1024)
def _disciplines_of(treated: tuple[Profession | None, ...]) -> frozenset[Profession]:
    found = [None if profession is None else DISCIPLINES.get(profession) for profession in treated]
    return frozenset(each for each in found if each is not None) if None not in found else frozenset()


def _article(discipline: Profession) -> str:
    return "an" if discipline is Profession.OT else "a"


def _wrong(line: Line, modifier: str, fact: str) -> Result:
    return fails(
        f"Line {line.line_number} carries {modifier}, but {fact}.", line=line, pointer="/modifiers", modifier=modifier
    )
