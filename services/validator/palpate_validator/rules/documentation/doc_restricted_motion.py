"""The note shows no restricted motion that the manual therapy was for.

## What it checks
For Medicare: joint mobilization needs a documented restriction of joint motion. Soft-tissue mobilization and
myofascial release need a restriction of joint or soft tissue, unless they prepare for therapeutic exercise (97110),
neuromuscular re-education (97112) or therapeutic activities (97530) given at the same visit.

## Why it matters
Medicare's coverage determinations make the restriction the reason for 97140. Without it the service is denied as not
medically necessary.

## How to fix
If a restriction was found at the visit or the evaluation, a signed addendum completes the note. If there was none,
97140 comes off the claim.

## Example that fails
"Joint mobs gr III C4-C6, tolerated well." and no finding of restriction.

## Example that passes
"Joint mobs gr III C4-C6 for restricted rotation, 45 degrees."

## Limits
Lymphatic drainage and traction have other reasons and are not judged. A technique that the note does not name is the
subject of `code-technique-missing`. Words are looked for, not understood: stiffness, tightness, an end feel, degrees
or a range of motion all count as the restriction. Where `restricted_motion` is not shared, words alone make a
warning.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_schemas.values import Program
from palpate_validator.note_evidence import (
    COVERAGE_DETERMINATION,
    JOINT_MOBILIZATION,
    RESTRICTION,
    SOFT_TISSUE,
    documents,
    treatment_words,
)
from palpate_validator.plain_notes import note_in_question
from palpate_validator.rule import CLINICIAN, Result, fails, rule, warns
from palpate_validator.visit import MANUAL_THERAPY, Visit

_MAIN_SERVICES = frozenset({"97110", "97112", "97530"})


@rule(
    remedy="Complete the note by signed addendum if a restriction was found; otherwise take 97140 off the claim.",
    fixer=CLINICIAN,
    denial=Denial(carc="50", rarc="N115"),
    sources=(COVERAGE_DETERMINATION,),
    confidence="sourced",
    programs={Program.MEDICARE},
    codes={MANUAL_THERAPY},
    given=note_in_question,
)
def restriction_documented(visit: Visit) -> Iterator[Result]:
    note = visit.note
    if documents(note, "restricted_motion", RESTRICTION):
        return
    words = treatment_words(note)
    joint = JOINT_MOBILIZATION.search(words) is not None
    given = visit.codes.union(note.service_minutes or ())
    adjunct = not given.isdisjoint(_MAIN_SERVICES)
    if joint or (SOFT_TISSUE.search(words) is not None and not adjunct):
        technique = "joint mobilization" if joint else "soft-tissue mobilization"
        # Where the field of its own is not shared, the words may only have escaped us.
        say = warns if note.restricted_motion is None else fails
        yield say(
            f"The note of {visit.date_of_service} names {technique} and no restricted motion. What was restricted?",
            technique=technique,
        )
