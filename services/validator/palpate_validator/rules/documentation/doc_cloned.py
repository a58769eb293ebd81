"""The note repeats the notes of earlier visits almost word for word.

## What it checks
The free text of the visit and of the two visits before it, as far as they come with the claim: more than 95 percent
of the words the same, and every measurement the same.

## Why it matters
Copied notes do not show what happened at a visit. Reviewers deny the whole row as not documented.

## How to fix
Look at the three notes together. Where one does not hold for its day, the clinician corrects it by a signed and dated
addendum.

## Example that fails
Three notes with the same text and the same range of motion.

## Example that passes
Three notes whose measurements change from visit to visit.

## Limits
Compared only among the notes that come with one claim, by how often each word occurs. Notes of fewer than 12 words
are not compared. Dates in the text are left out.
"""

import re
from collections import Counter
from collections.abc import Iterator

from palpate_validator.rule import CLINICIAN, WARNING, Result, fails, rule
from palpate_validator.sources import PRACTICE
from palpate_validator.unusual import Unusual
from palpate_validator.visit import MANUAL_THERAPY, Visit

_DATES = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}")
_WORDS = re.compile(r"\w+")
_SAME = 0.95
_FEWEST_WORDS = 12


@rule(
    remedy="Compare the three notes with the visits; correct by signed addendum what does not hold for its day.",
    fixer=CLINICIAN,
    severity=WARNING,
    sources=(PRACTICE,),
    confidence="practice",
    codes={MANUAL_THERAPY},
    unusual={Unusual.SEVERAL_NOTES},
)
def own_words(visit: Visit) -> Iterator[Result]:
    if len(visit.claim.documentation or ()) < 3 or not visit.notes or not visit.note.text:
        return
    author = visit.note.clinician
    earlier = sorted(
        (
            n
            for n in visit.claim.documentation or ()
            if n.service_date < visit.date_of_service and n.clinician == author
        ),
        key=lambda n: n.service_date,
    )[-2:]
    own = _words(visit.note.text)
    if len(earlier) == 2 and own.total() >= _FEWEST_WORDS and all(_alike(own, _words(n.text or "")) for n in earlier):
        yield fails(
            f"The note of {visit.date_of_service} is almost the same text as those of {earlier[0].service_date} and "
            f"{earlier[1].service_date}. Does each describe its own day?",
            compared_with=[n.service_date for n in earlier],
        )


def _words(text: str) -> Counter[str]:
    return Counter(_WORDS.findall(_DATES.sub(" ", text.lower())))


def _alike(one: Counter[str], other: Counter[str]) -> bool:
    """Dice similarity of the words, with every number alike."""
    shared = (one & other).total()
    return 2 * shared > _SAME * (one.total() + other.total()) and _numbers(one) == _numbers(other)


def _numbers(words: Counter[str]) -> dict[str, int]:
    return {word: count for word, count in words.items() if any(letter.isdigit() for letter in word)}
