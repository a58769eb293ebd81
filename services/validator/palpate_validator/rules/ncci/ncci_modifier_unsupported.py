"""A modifier says that two services were separate, and the times on the claim say otherwise.

## What it checks
Where 59 or XU sets an NCCI pair apart, the two services did not share minutes. For two timed services the claim has to
give the times of both.

## Why it matters
A modifier that only serves to get past an edit is not allowed; what was paid is taken back after a look at the record.
A different diagnosis alone does not make two services separate.

## How to fix
Correct the times if they are wrong. If the services did share the minutes, take the modifier and the second code off.

## Example that fails
Group therapy (97150) from 9:00 to 9:30 and 97140 with 59 from 9:15 to 9:30.

## Example that passes
97750 from 9:00 to 9:15 and 97140 with 59 from 9:15 to 9:30.

## Limits
Two timed services that share minutes are said by `time-same-block`, a shared region by `ncci-cmt-same-region`, and XE,
XP and XS that the facts contradict by rules of their own. Supervised modalities (97010-97028) may run at the same time.
"""

from collections.abc import Iterator
from itertools import product

from palpate_schemas.finding import Denial
from palpate_validator.code_pairs import BilledPair, billed_pairs
from palpate_validator.rule import CLINICIAN, Result, cannot_tell, fails, rule
from palpate_validator.sources import NCCI1, NCCI11
from palpate_validator.timed_units import in_minutes
from palpate_validator.visit import Line, Visit, clock_minutes

_JUDGED = frozenset({"59", "XU"})
_MAY_RUN_AT_ONCE = frozenset({"97010", "97012", "97014", "97016", "97018", "97022", "97024", "97026", "97028", "G0283"})


@rule(
    remedy="Correct the times, or take the modifier and the second code off.",
    fixer=CLINICIAN,
    denial=Denial(carc="236"),
    sources=(f"{NCCI1} E", f"{NCCI11} P.2"),
    confidence="sourced",
    profile={"ncci": "medicare"},
    modifiers=_JUDGED,
)
def modifier_against_the_facts(visit: Visit) -> Iterator[Result]:
    for pair in billed_pairs(visit):
        if not pair.edit.modifier_allowed or not pair.carries(_JUDGED) or pair.edit.codes & _MAY_RUN_AT_ONCE:
            continue
        timed = all(visit.kind(code) == "timed_15" for code in pair.edit.codes)
        if timed and not all(line.intervals for line in pair.lines):
            yield cannot_tell(
                "lines/intervals",
                f"The claim does not give the times of {pair.edit.column1} and {pair.edit.column2}, "
                "so whether they were separate cannot be checked.",
                line=pair.column2,
            )
        elif not timed and (shared := _shared_minutes(pair)):
            yield fails(
                f"{pair.edit.column1} and {pair.edit.column2} are marked as separate but share {in_minutes(shared)}. "
                "Were they given one after the other?",
                line=pair.column2,
                shared_minutes=shared,
                **pair.facts(),
            )


def _shared_minutes(pair: BilledPair) -> int:
    return sum(_overlap(line, pair.column2) for line in pair.column1)


def _overlap(first: Line, second: Line) -> int:
    total = 0
    for one, other in product(first.intervals, second.intervals):
        start = max(clock_minutes(one.start), clock_minutes(other.start))
        total += max(0, min(clock_minutes(one.end), clock_minutes(other.end)) - start)
    return total
