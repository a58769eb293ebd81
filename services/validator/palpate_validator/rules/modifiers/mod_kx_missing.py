"""The year's therapy threshold is passed, and a line does not carry KX.

## What it checks
For Medicare, what has been allowed in the year before this claim (`therapy_accrual`; physical therapy and
speech-language pathology together for GP and GN, occupational therapy for GO) and this line do not pass the threshold
of the year of service, unless the line carries KX.

## Why it matters
Above the threshold Medicare denies a therapy service without KX, by which the clinician attests that it is medically
necessary and that the record shows it.

## How to fix
The clinician says whether the service is medically necessary and documented; only then does KX go on the line.

## Example that fails
97140 GP on 2025-12-19 for 45.00, with 2390.00 allowed before it: the threshold of 2025 is 2410.

## Example that passes
The same with 300.00 allowed before it.

## Limits
Medicare counts allowed amounts; a claim has only charges, which are seldom lower. So: where the threshold was reached
before the claim, it is certain. Where a line passes it only by its own charge, the charge is taken for the allowed
amount, and it is a fault (KX is accepted as soon as the threshold is about to be passed). Where it is passed only by
the charges of several lines or days together, it is a warning. Lines with GA, GY or GZ are not counted. An accrual of
another year, or none, makes it "cannot tell". The threshold of 2027 and later is not known yet.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from palpate_schemas.finding import Denial
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import CPM5
from palpate_validator.therapy_threshold import (
    NAMES,
    Bucket,
    accrued,
    buckets_of,
    charges,
    earlier_lines,
    stays_below,
)
from palpate_validator.visit import DISCIPLINE_MODIFIERS, Line, Visit


@rule(
    remedy="Say whether the service is medically necessary and the record shows it; only then add KX.",
    fixer=CLINICIAN,
    denial=Denial(carc="119"),
    sources=(f"{CPM5} §10.3.3", "NGS Medicare (ngsmedicare.com), KX modifier 2024"),
    confidence="sourced",
    profile={"kx": True},
    parameters=("kx_threshold",),
    modifiers=DISCIPLINE_MODIFIERS,
    start=date(2018, 1, 1),
)
def threshold_passed_without_kx(visit: Visit) -> Iterator[Result]:
    if stays_below(visit, "kx_threshold"):
        return
    for bucket, lines in buckets_of(visit).items():
        bare = [line for line in lines if not line.has("KX")]
        if bare:
            yield from _judged(visit, bucket, bare, accrued(visit, bucket), Decimal(visit.amount("kx_threshold")))


def _judged(visit: Visit, bucket: Bucket, bare: list[Line], before: Decimal, threshold: Decimal) -> Iterator[Result]:
    reached = before >= threshold
    over = bare if reached else [line for line in bare if before + charges([line]) > threshold]
    passed = "was passed before this claim" if reached else "is passed with this line"
    for line in over:
        yield fails(
            f"The year's threshold for {NAMES[bucket]} {passed}, and line {line.line_number} does not carry KX. "
            "Is the service medically necessary, and does the record show it?",
            line=line,
            pointer="/modifiers",
            accrued=before,
            counted=before if reached else before + charges([line]),
        )
    together = before if over else before + charges([*earlier_lines(visit, bucket), *bare])
    if not over and together > threshold:
        yield warns(
            f"By what this claim bills through {visit.date_of_service} the year's threshold for {NAMES[bucket]} is "
            "passed; Medicare's own count may be lower. Was it passed?",
            line=bare[0],
            pointer="/modifiers",
            accrued=before,
            counted=together,
        )
