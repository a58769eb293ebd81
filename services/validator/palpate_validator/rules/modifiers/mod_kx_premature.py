"""KX is on a line although the year's therapy threshold is far away.

## What it checks
For Medicare, what has been allowed in the year before this claim and the claim's own charges come to more than half of
the threshold when a line carries KX.

## Why it matters
KX attests that services above the threshold are necessary. On claims that give no sign that it will be passed, Medicare
calls its use abusive.

## How to fix
Take KX off, unless the course of treatment is expected to pass the threshold.

## Example that fails
97140 GP KX in 2025, with 300.00 allowed before it.

## Example that passes
97140 GP KX in 2025, with 2390.00 allowed before it.

## Limits
A warning. Half is our reading of "no indication": CMS gives no figure. Charges are counted in full. Without the accrual
of that year it is "cannot tell". Lines with GA, GY or GZ are not counted.
"""

from collections.abc import Iterator
from datetime import date

from palpate_validator.rule import BILLER, WARNING, Result, fails, rule
from palpate_validator.sources import CPM5
from palpate_validator.therapy_threshold import NAMES, accrued, buckets_of, charges, earlier_lines
from palpate_validator.visit import Visit


@rule(
    remedy="Take KX off, unless the course of treatment is expected to pass the threshold.",
    fixer=BILLER,
    severity=WARNING,
    sources=(f"{CPM5} §10.3.3",),
    confidence="sourced",
    profile={"kx": True},
    parameters=("kx_threshold", "kx_premature_share"),
    modifiers={"KX"},
    start=date(2018, 1, 1),
)
def kx_far_below_the_threshold(visit: Visit) -> Iterator[Result]:
    for bucket, lines in buckets_of(visit).items():
        attested = [line for line in lines if line.has("KX")]
        if not attested:
            continue
        near = visit.amount("kx_threshold") * visit.amount("kx_premature_share")
        before = accrued(visit, bucket)
        if before <= near and (reached := before + charges([*earlier_lines(visit, bucket), *lines])) <= near:
            yield fails(
                f"Line {attested[0].line_number} carries KX; with this claim's charges {NAMES[bucket]} comes to "
                f"{reached} this year, and the threshold is {visit.amount('kx_threshold')}. Is it expected to be "
                "passed?",
                line=attested[0],
                pointer="/modifiers",
                accrued=before,
                counted=reached,
            )
