"""Some of this payer's rules are not known, so not everything could be checked.

## What it checks
The payer has a profile of its own, and the profile holds every setting that a rule in force asks for.

## Why it matters
What a profile does not say is neither a pass nor a fault: the rules that need it are not judged.

## How to fix
Add the settings to the payer's profile, from its contract or its published policy.

## Example that fails
A claim to a payer that no profile fits: it is judged by `commercial-unknown`, which knows nothing.

## Example that passes
A claim to Medicare.

## Limits
For information, once a claim. Settings that only some claims need are named when such a claim comes.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from palpate_validator.profiles import FALLBACK
from palpate_validator.rule import BILLER, INFO, Result, informs, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import Visit


@rule(
    remedy="Add the settings to the payer's profile.",
    fixer=BILLER,
    severity=INFO,
    sources=(PRACTICE,),
    confidence="practice",
    per="claim",
)
def settings_unsaid(visit: Visit) -> Iterator[Result]:
    if visit.unsaid_settings or visit.profile.id == FALLBACK:
        yield _unsaid(visit.profile.id, visit.unsaid_settings)


@lru_cache(maxsize=1024)
def _unsaid(profile: str, missing: tuple[str, ...]) -> Result:
    whose = "No profile fits this payer" if profile == FALLBACK else f"The profile {profile} is incomplete"
    what = f"; not known: {', '.join(missing)}" if missing else ""
    result = informs(
        f"{whose}{what}. Rules that hang on these were not judged.", pointer="/payer", profile=profile, missing=missing
    )
    return replace(result, kept=True)
