"""Two codes are billed that this payer keeps apart.

## What it checks
The payer's own pairs (`extra_pairs` of its profile), beyond NCCI: where the pair allows a modifier, one of the two
lines carries 59 or an X modifier; where it does not, the two are not billed together.

## Why it matters
The second code of the pair is denied.

## How to fix
Where the pair allows a modifier, the clinician says whether the services were separate. Otherwise bill one of the two.

## Example that fails
Two codes of the payer's list on one day without a modifier.

## Example that passes
The same two codes, separate and marked as separate, where the payer allows it.

## Limits
97140 with 97530 is a rule of its own (`ncci-97530`). A pair that NCCI also keeps apart is said by the NCCI rules, for
payers that use NCCI.
"""

from collections.abc import Iterator

from palpate_schemas.finding import Denial
from palpate_validator.code_pairs import THERAPEUTIC_ACTIVITIES, ExtraPair, billed_pairs, extra_pairs
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.visit import DISTINCT_MODIFIERS, MANUAL_THERAPY, Visit


@rule(
    remedy="Say whether the two services were separate; otherwise bill one of the two codes.",
    fixer=CLINICIAN,
    denial=Denial(carc="97"),
    sources=("The payer's policy, as its profile names it",),
    confidence="practice",
    settings={"extra_pairs"},
)
def pair_of_the_payer(visit: Visit) -> Iterator[Result]:
    for pair in extra_pairs(visit):
        codes = {pair.column1, pair.column2}
        if codes == {MANUAL_THERAPY, THERAPEUTIC_ACTIVITIES} or _said_by_ncci(visit, codes):
            continue
        second = visit.billed({pair.column2})[0]
        if not (pair.modifier_allowed and _marked(visit, pair)):
            yield fails(
                f"This payer keeps {pair.column1} and {pair.column2} apart on one day. Were they separate services?",
                line=second,
                column1=pair.column1,
                column2=pair.column2,
                modifier_allowed=pair.modifier_allowed,
            )


def _said_by_ncci(visit: Visit, codes: set[str]) -> bool:
    policy = visit.profile.on("ncci", visit.date_of_service)
    uses_table = policy is not None and policy.value == "medicare"
    return uses_table and any(pair.edit.codes == codes for pair in billed_pairs(visit))


def _marked(visit: Visit, pair: ExtraPair) -> bool:
    return any(line.has(*DISTINCT_MODIFIERS) for line in visit.billed({pair.column1, pair.column2}))
