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
    missing, nobody = list(visit.unsaid_settings), visit.profile.id == FALLBACK
    if not missing and not nobody:
        return
    whose = "No profile fits this payer" if nobody else f"The profile {visit.profile.id} is incomplete"
    what = f"; not known: {', '.join(missing)}" if missing else ""
    yield informs(
        f"{whose}{what}. Rules that hang on these were not judged.",
        pointer="/payer",
        profile=visit.profile.id,
        missing=missing,
    )
