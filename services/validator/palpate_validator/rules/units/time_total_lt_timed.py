"""The minutes in the record do not add up.

## What it checks
The note's total treatment time is not shorter than its timed minutes; the minutes of its timed services add up to its
total of timed minutes; and the lines do not hold more timed minutes than that total.

## Why it matters
Units are counted from these numbers. A record that contradicts itself supports none of them.

## How to fix
The note's author corrects whichever number is wrong by a signed and dated addendum.

## Example that fails
A note with 30 timed minutes and 25 minutes of treatment in all.

## Example that passes
A note with 30 timed minutes, 15 of 97110 and 15 of 97140, and 45 minutes of treatment in all.

## Limits
Lines are compared only where the note does not list its services' minutes. They may hold fewer minutes than the total:
what was given and not billed is in the total too.
"""

from collections.abc import Iterator

from palpate_schemas.claim import VisitNote
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.timed_pools import pools, units_in_question
from palpate_validator.visit import Visit


@rule(
    remedy="Have the note's author correct whichever number of minutes is wrong by a signed addendum.",
    fixer=CLINICIAN,
    sources=(f"{BPM15} §220.3.A, §220.3.E",),
    confidence="practice",
    given=units_in_question,
)
def minutes_do_not_add_up(visit: Visit) -> Iterator[Result]:
    for note in visit.notes:
        yield from _in_the_note(visit, note)
    for pool in pools(visit):
        listed = any(note.service_minutes is not None for note in pool.notes)
        if not listed and pool.noted_total is not None and pool.known_minutes > pool.noted_total:
            yield fails(
                f"The lines{pool.plan} hold {pool.known_minutes} timed minutes, the note states {pool.noted_total}. "
                "Which is right?",
                line=pool.line,
                pointer="/minutes" if pool.line else "/lines",
                line_minutes=pool.known_minutes,
                total_timed_minutes=pool.noted_total,
            )


def _in_the_note(visit: Visit, note: VisitNote) -> Iterator[Result]:
    timed, treatment = note.total_timed_minutes, note.total_treatment_minutes
    if timed is None:
        return
    if treatment is not None and treatment < timed:
        yield fails(
            f"The note states {treatment} minutes of treatment in all, and {timed} of them timed. Which is right?",
            total_treatment_minutes=treatment,
            total_timed_minutes=timed,
        )
    if note.service_minutes is None or timed == sum(note.service_minutes.values()):
        return
    pooled = sum(m for code, m in note.service_minutes.items() if visit.kind(code) == "timed_15")
    others = sum(m for code, m in note.service_minutes.items() if visit.kind(code) == "timed_other")
    # A note may or may not count timed services outside the pool (work conditioning) into its total.
    if timed not in {pooled, pooled + others}:
        yield fails(
            f"The note's timed services add up to {pooled} minutes, its total says {timed}. Which is right?",
            service_minutes=pooled,
            total_timed_minutes=timed,
        )
