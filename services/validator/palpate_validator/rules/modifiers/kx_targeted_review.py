"""The year's therapy has passed the mark above which Medicare may ask for the records.

## What it checks
For Medicare, what has been allowed in the year before this claim and the claim's own charges do not pass 3000 dollars,
for physical therapy and speech-language pathology together and for occupational therapy alone.

## Why it matters
Above this amount claims may be chosen for targeted medical review. Then each visit has to show medical necessity.

## How to fix
Nothing on the claim is wrong. See that the record of this visit is complete before it is sent.

## Example that fails
97140 GP KX, with 3100.00 of physical therapy allowed before it.

## Example that passes
97140 GP KX, with 2500.00 allowed before it and a charge of 45.00.

## Limits
For information: not every claim above the amount is chosen. Charges are counted in full, as the allowed amounts are
not known. Without the accrual of that year it is "cannot tell". The amount is fixed through 2027; later ones are not
known yet.
"""

from collections.abc import Iterator
from datetime import date

from palpate_validator.rule import CLINICIAN, INFO, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.therapy_threshold import (
    NAMES,
    accrued,
    buckets_of,
    charges,
    earlier_lines,
    stays_below,
)
from palpate_validator.visit import DISCIPLINE_MODIFIERS, Visit


@rule(
    remedy="See that the record of this visit is complete before it is sent.",
    fixer=CLINICIAN,
    severity=INFO,
    sources=(f"{CPM5} §10.3", "NGS Medicare (ngsmedicare.com), KX modifier 2024"),
    confidence="sourced",
    profile={"kx": True},
    parameters=("targeted_review_threshold",),
    modifiers=DISCIPLINE_MODIFIERS,
    start=date(2018, 1, 1),
)
def may_be_reviewed(visit: Visit) -> Iterator[Result]:
    if stays_below(visit, "targeted_review_threshold"):
        return
    for bucket, lines in buckets_of(visit).items():
        limit, before = visit.amount("targeted_review_threshold"), accrued(visit, bucket)
        reached = before if before > limit else before + charges([*earlier_lines(visit, bucket), *lines])
        if reached > limit:
            yield fails(
                f"With this claim {NAMES[bucket]} passes the year's mark for targeted review; Medicare may ask for the "
                "record of this visit.",
                line=lines[0],
                accrued=before,
                counted=reached,
            )
