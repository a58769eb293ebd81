"""Medicare does not pay this kind of provider for manual therapy.

## What it checks
On a claim to Medicare, whoever renders 97140 is a physical or occupational therapist, a physician (MD, DO or DPM), or
a nurse practitioner, physician assistant or clinical nurse specialist. The profession is the one that the claim
states; where it states none, the taxonomy code says it.

## Why it matters
Medicare pays for therapy only when it is given by somebody who meets its definition of a therapist, a physician or a
non-physician practitioner. A line rendered by anybody else is denied.

## How to fix
Bill under the clinician who gave the service, if that was somebody whom Medicare recognises. If only the profession
or the taxonomy code on the claim is wrong, correct it.

## Example that fails
97140 to Medicare, rendered by a provider whose taxonomy is that of a naturopath.

## Example that passes
97140 to Medicare, rendered by a physical therapist.

## Limits
Chiropractors, massage therapists, athletic trainers, speech-language pathologists, acupuncturists and therapist
assistants have rules of their own, which speak instead of this one. A clinic's taxonomy in the rendering provider's
place is for `prov-taxonomy`. Taxonomy codes that the table does not know are answered with "cannot tell"; so is an
optometrist's, whom Medicare pays for low-vision therapy only.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.rule import BILLER, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit
from palpate_validator.who_treated import TRAINERS, known_rendering


@rule(
    remedy="Bill under the clinician who gave the service, or correct the profession and taxonomy on the claim.",
    fixer=BILLER,
    denial=Denial(carc="170"),
    sources=(f"{BPM15} §220", f"{BPM15} §230"),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
    unusual={Unusual.OTHER_HANDS},
    per="claim",
)
def type_medicare(visit: Visit) -> Iterator[Result]:
    who = known_rendering(visit)
    if who.profession is None and who.individual and who.words not in TRAINERS:
        # Every profession that the contract names is either paid by Medicare or has a rule of its own.
        yield fails(
            f"The rendering provider's taxonomy names a {who.words}, whom Medicare does not pay for 97140.",
            pointer="/rendering_provider/taxonomy",
            practitioner=who.words,
        )
