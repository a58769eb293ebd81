"""Manual therapy beside a chiropractic adjustment points to the adjusted region.

## What it checks
When a chiropractic adjustment (98940 to 98943) is billed the same day, the first diagnosis that the 97140 line points
to lies in a region that was not adjusted.

## Why it matters
97140 is paid beside an adjustment only for another region. A pointer to the adjusted region tells the payer that it was
the same one.

## How to fix
Point 97140 first to the diagnosis of the region that it treated. If that region was adjusted too, the two are one
service.

## Example that fails
98940 to the cervical spine, and 97140 pointing first to M54.2 (a warning).

## Example that passes
98940 to the lumbar spine, and 97140 pointing first to M54.2.

## Limits
The adjusted regions are those of the adjustment's line, else those of the diagnoses it points to. A warning: whether
the regions themselves overlap is judged by the rules on code pairs.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.pointed_diagnoses import Diagnosis, body_regions, first_pointed, pointed, treated_regions
from palpate_validator.rule import CLINICIAN, WARNING, MissingFact, Result, fails, rule
from palpate_validator.visit import Line, Visit

_ADJUSTMENTS = frozenset({"98940", "98941", "98942", "98943"})


@rule(
    remedy="Point 97140 first to the diagnosis of the region that it treated.",
    fixer=CLINICIAN,
    denial=Denial(carc="11"),
    sources=(
        "H.J. Ross Company, billing of 97140 with chiropractic adjustments",
        "HNS (Health Network Solutions) and Squareroot guidance on 97140 with adjustments",
    ),
    confidence="sourced",
    severity=WARNING,
    codes=_ADJUSTMENTS,
)
def pointer_to_the_adjusted_region(visit: Visit) -> Iterator[Result]:
    adjustments = visit.billed(_ADJUSTMENTS)
    adjusted = frozenset[str]().union(*(_adjusted(visit, line) for line in adjustments))
    shared = {diagnosis.code for line in adjustments if not line.regions for diagnosis in pointed(visit, line)}
    for line in visit.manual_therapy if adjustments else ():
        first = first_pointed(visit, line)
        if first is None:
            continue
        if first.regions and not adjusted and first.code not in shared:
            raise MissingFact("lines/regions", "The adjustment's line does not say which regions were adjusted.")
        if first.code in shared or (first.regions and _treated_part(visit, line, first) <= adjusted):
            yield fails(
                f"Line {line.line_number} points first to {first.shown}, whose region was adjusted the same day "
                f"({', '.join(adjustment.code for adjustment in adjustments)}). "
                "Which region did the manual therapy treat?",
                line=line,
                pointer="/diagnosis_pointers/0",
                code=first.shown,
                adjusted_regions=adjusted,
            )


def _adjusted(visit: Visit, line: Line) -> frozenset[str]:
    if line.regions:
        return body_regions(line.regions)
    return frozenset[str]().union(*(diagnosis.regions for diagnosis in pointed(visit, line)))


def _treated_part(visit: Visit, line: Line, first: Diagnosis) -> frozenset[str]:
    """The part of the diagnosis's region that was treated; all of it where that is not known."""
    try:
        treated = body_regions(treated_regions(visit, line))
    except MissingFact:
        return first.regions
    return first.regions & treated or first.regions
