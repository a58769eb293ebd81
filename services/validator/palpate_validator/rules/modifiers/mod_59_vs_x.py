"""Modifier 59 is used where the claim's own facts fit a more exact modifier.

## What it checks
Where 59 sets an NCCI pair apart, no fact on the claim (encounters, practitioners, regions or times of the two lines)
already says which of XE, XP, XS and XU describes it.

## Why it matters
Medicare accepts both, and prefers the exact one: 59 is for when none of them fits. Claims with 59 are looked at more
often.

## How to fix
Use the exact modifier if the record agrees with the fact on the claim.

## Example that fails
97750 and 97140 59, whose times do not overlap.

## Example that passes
97750 and 97140 XU, whose times do not overlap.

## Limits
A warning. Only for payers whose profile prefers the exact modifiers (`distinct_modifier = "X_preferred"`), and only
where a fact on the claim decides which one. XE: other encounter; XP: other practitioner; XS: other region; XU: times
that do not overlap. They began on 2015-01-01.
"""

from collections.abc import Iterator
from datetime import date

from palpate_validator.region_overlap import regions_contradict
from palpate_validator.rule import BILLER, WARNING, Result, fails, rule
from palpate_validator.separate_services import same_encounter, same_minutes, same_practitioner, set_apart
from palpate_validator.sources import NCCI1
from palpate_validator.visit import Line, Visit


@rule(
    remedy="Use the more exact modifier if the record agrees with the fact on the claim.",
    fixer=BILLER,
    severity=WARNING,
    sources=(f"{NCCI1} E",),
    confidence="sourced",
    profile={"distinct_modifier": "X_preferred"},
    modifiers={"59"},
    start=date(2015, 1, 1),
)
def more_exact_modifier(visit: Visit) -> Iterator[Result]:
    for line, others in set_apart(visit, "59"):
        exact = None if line.has("XE", "XP", "XS", "XU") else _exact(visit, line, others)
        if exact is not None:
            modifier, fact = exact
            yield fails(
                f"Line {line.line_number} carries 59; the claim says that {fact}, for which there is {modifier}.",
                line=line,
                pointer="/modifiers",
                fitting=modifier,
            )


def _exact(visit: Visit, line: Line, others: tuple[Line, ...]) -> tuple[str, str] | None:
    """The modifier that a fact fits with regard to every other line, and the fact."""
    if all(same_encounter(visit, line, other) is False for other in others):
        return "XE", "the services were in different encounters"
    if all(same_practitioner(visit, line, other) is False for other in others):
        return "XP", "different practitioners gave the services"
    if all(regions_contradict(line.regions, other.regions) for other in others):
        return "XS", "the services were to different regions"
    if all(same_minutes(visit, line, other) is False for other in others):
        return "XU", "the times of the services do not overlap"
    return None
