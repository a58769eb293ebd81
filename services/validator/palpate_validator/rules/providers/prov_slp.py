"""Medicare does not pay a speech-language pathologist for manual therapy.

## What it checks
On a claim to Medicare, the provider who renders 97140 is not a speech-language pathologist.

## Why it matters
Manual therapy belongs to physical and occupational therapy. Medicare pays a speech-language pathologist for speech
and swallowing services only.

## How to fix
If a physical or occupational therapist gave the service, bill it under that therapist. If not, check which service
was given.

## Example that fails
97140 to Medicare, rendered by a speech-language pathologist.

## Example that passes
97140 to Medicare, rendered by an occupational therapist.

## Limits
Other payers decide this in their contracts: their profile's `allowed_provider_types` says whom they pay.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Profession, Program
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import rendering_profession


@rule(
    remedy="Bill the service under the therapist who gave it, or check which service was given.",
    fixer=BILLER,
    denial=Denial(carc="170"),
    sources=(PRACTICE,),
    confidence="practice",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
    unusual={Unusual.OTHER_HANDS},
    per="claim",
)
def speech_language_pathologist(visit: Visit) -> Iterator[Result]:
    if rendering_profession(visit) is Profession.SLP:
        yield fails("A speech-language pathologist renders 97140 on this claim.", pointer="/rendering_provider")
