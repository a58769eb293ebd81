"""Medicare does not cover manual therapy by a chiropractor.

## What it checks
On a claim to Medicare rendered by a chiropractor, a 97140 line carries GY, the modifier for services that the law
excludes. With GY the line is reported for information; without it the claim fails.

## Why it matters
Medicare covers only spinal manipulation by a chiropractor. Everything else is excluded by statute. The line may be
sent only when the patient wants Medicare's denial, and then it must say so.

## How to fix
If the patient asked for Medicare's answer, add GY (and GX when a voluntary notice was signed) and keep GP. If not,
take the line off the claim.

## Example that fails
97140 GP to Medicare, rendered by a chiropractor.

## Example that passes
97140 GP to Medicare, rendered by a physical therapist.

## Limits
A line with GY is still named, as information: Medicare denies it and the patient is responsible for it. Medicare
Advantage plans may cover more than Medicare and are not judged.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Profession, Program
from palpate_validator.rule import BILLER, Result, fails, informs, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import rendering_profession


@rule(
    remedy="Take the line off the claim, or add GY if the patient asked for Medicare's denial.",
    fixer=BILLER,
    denial=Denial(carc="96", rarc="N425", group="PR"),
    sources=(f"{BPM15} §30.5", f"{BPM15} §240.1.1"),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
    per="claim",
)
def chiropractor_excluded(visit: Visit) -> Iterator[Result]:
    if rendering_profession(visit) is not Profession.DC:
        return
    for line in visit.manual_therapy:
        if line.has("GY"):
            yield informs(
                f"Line {line.line_number}: Medicare will deny 97140 by a chiropractor; the patient is responsible.",
                line=line,
                remedy="Make sure that the patient knows that Medicare will deny this line.",
                modifiers=line.modifiers,
            )
        else:
            yield fails(
                f"Line {line.line_number} bills 97140 by a chiropractor to Medicare without GY.",
                line=line,
                pointer="/modifiers",
                modifiers=line.modifiers,
            )
