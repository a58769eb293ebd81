"""The diagnosis lies elsewhere than the treatment.

## What it checks
The regions that a 97140 line treated (the line's, else the note's) are those of the diagnoses it points to, or next to
them.

## Why it matters
Manual therapy of one region for a diagnosis of another is refused as inconsistent, and looks like a wrong pointer or a
wrong region even where the treatment was right.

## How to fix
Point the line to the diagnosis of the region that was treated, or correct the region if it was recorded wrongly.

## Example that fails
97140 to the cervical spine, pointing only to M25.561.

## Example that passes
97140 to the cervical spine, pointing to M54.2; 97140 to the thoracic spine, pointing to M54.2.

## Limits
It fails only when every diagnosis pointed to lies in a known region away from the treatment. When some do, it warns. A
diagnosis of no particular region says nothing, and neighbouring regions, limb nerves and nerve roots count as one.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.pointed_diagnoses import diagnoses_in_question, in_words, is_near, pointed, treated_regions
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.sources import PRACTICE
from palpate_validator.visit import MANUAL_THERAPY, Visit


@rule(
    remedy="Point the line to the diagnosis of the region treated, or correct the region if it was recorded wrongly.",
    fixer=CLINICIAN,
    denial=Denial(carc="11"),
    sources=(PRACTICE, "ICD-10-CM tabular list, for the site that each code names"),
    confidence="practice",
    codes={MANUAL_THERAPY},
    given=diagnoses_in_question,
)
def diagnosis_of_another_region(visit: Visit) -> Iterator[Result]:
    for line in visit.manual_therapy:
        diagnoses = pointed(visit, line)
        if not any(diagnosis.regions for diagnosis in diagnoses):
            continue
        treated = treated_regions(visit, line)
        away = [diagnosis for diagnosis in diagnoses if diagnosis.regions and not is_near(diagnosis, treated)]
        if not away:
            continue
        say = fails if len(away) == len(diagnoses) else warns
        codes = ", ".join(diagnosis.shown for diagnosis in away)
        lie_in = sorted({region for diagnosis in away for region in diagnosis.regions})
        yield say(
            f"Line {line.line_number} treats {in_words(treated)} but points to {codes} ({in_words(lie_in)}). "
            "Which of the two is right?",
            line=line,
            pointer="/diagnosis_pointers",
            treated_regions=treated,
            diagnosis_regions=lie_in,
            codes=[diagnosis.shown for diagnosis in away],
        )
