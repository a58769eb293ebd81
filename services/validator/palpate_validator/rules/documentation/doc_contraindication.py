"""A diagnosis on the claim may speak against manual therapy.

## What it checks
Diagnoses that are often a reason not to mobilize: a fracture under active treatment or a cancer of bone where the
treatment was, acute infection of bone, joint or skin, deep vein thrombosis, osteoporosis with a fracture, spinal
instability, cauda equina syndrome; and thrust techniques under long-term anticoagulants.

## Why it matters
A reviewer who sees such a diagnosis asks whether the treatment was safe and necessary.

## How to fix
The clinician checks the diagnosis. If it is right, the clinician says whether manual therapy was safe beside
it. If it is wrong or old, the biller corrects it.

## Example that fails
Lumbar mobilization with a fracture of the lumbar spine, initial encounter, among the diagnoses.

## Example that passes
The same, with the fracture in its healing phase.

## Limits
Reads the claim's diagnosis codes, not the note's text, apart from thrust techniques. Always a warning: it is a
question to the clinician, not a judgement.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from palpate_validator.note_evidence import THRUST, affirms, treatment_words
from palpate_validator.region_overlap import regions_contradict
from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.visit import MANUAL_THERAPY, Visit

_ANYWHERE = re.compile(
    r"C4[01]|C795|M00|M46[23]|M86[012]|L03|I82[46]|M80|M532|M43[345]|G834|M84[3-6].{2}[ABC]$",
)
_FRACTURES = (
    ("S12", {"cervical"}),
    ("S22", {"thoracic", "rib"}),
    ("S32", {"lumbar", "sacral", "pelvic"}),
    ("S42", {"shoulder", "upper_limb"}),
    ("S52", {"elbow", "wrist", "upper_limb"}),
    ("S62", {"wrist", "hand", "upper_limb"}),
    ("S72", {"hip", "lower_limb"}),
    ("S82", {"knee", "ankle", "lower_limb"}),
    ("S92", {"foot", "ankle"}),
)
_ANTICOAGULANTS = "Z7901"


@rule(
    remedy="Check the diagnosis; if it is right, say whether manual therapy was safe beside it.",
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(f"{BPM15} §240.1.3",),
    confidence="practice",
    codes={MANUAL_THERAPY},
)
def diagnosis_allows_it(visit: Visit) -> Iterator[Result]:
    if not _may_speak_against(visit.claim.diagnoses):
        return
    treated = {region for line in visit.manual_therapy for region in line.regions}
    treated |= {region for note in visit.notes for region in note.regions or ()}
    for position, diagnosis in enumerate(visit.claim.diagnoses, start=1):
        code = diagnosis.replace(".", "")
        if _speaks_against(code, treated) or (code == _ANTICOAGULANTS and _thrust(visit)):
            yield fails(
                f"Diagnosis {position} on the claim is one that is often a reason not to mobilize. Was it considered?",
                pointer=f"/diagnoses/{position - 1}",
                diagnosis_position=position,
            )


@lru_cache(maxsize=1024)
def _may_speak_against(diagnoses: tuple[str, ...]) -> bool:
    codes = [diagnosis.replace(".", "") for diagnosis in diagnoses]
    fractures = tuple(prefix for prefix, _ in _FRACTURES)
    return any(_ANYWHERE.match(code) or code.startswith(fractures) or code == _ANTICOAGULANTS for code in codes)


def _speaks_against(code: str, treated: set[str]) -> bool:
    if _ANYWHERE.match(code):
        return True
    fractured = next((regions for prefix, regions in _FRACTURES if code.startswith(prefix)), None)
    under_treatment = len(code) == 7 and code[6] in "ABC"
    return fractured is not None and under_treatment and not regions_contradict(treated, fractured)


def _thrust(visit: Visit) -> bool:
    words = treatment_words(visit.note)
    return affirms(THRUST, visit.known(words if words.strip() else None, "documentation/techniques"))
