"""Medicare's yearly therapy threshold: what has accrued before a claim, and what the claim's lines add."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from palpate_validator.rule import MissingFact
from palpate_validator.visit import Line, Visit, lines_of

Bucket = Literal["pt_slp", "ot"]

_BUCKETS: Mapping[str, Bucket] = MappingProxyType({"GP": "pt_slp", "GN": "pt_slp", "GO": "ot"})
NAMES: Mapping[Bucket, str] = MappingProxyType(
    {"pt_slp": "physical therapy and speech-language pathology", "ot": "occupational therapy"}
)

NOT_ASKED_TO_BE_PAID = ("GA", "GY", "GZ")
"""Modifiers under which Medicare is expected to deny: such a line neither counts nor bears KX."""


def buckets(lines: Iterable[Line]) -> dict[Bucket, tuple[Line, ...]]:
    """The therapy lines that count towards each threshold, by the plan that they name."""
    found: defaultdict[Bucket, list[Line]] = defaultdict(list)
    for line in lines:
        bucket = next((_BUCKETS[modifier] for modifier in line.modifiers if modifier in _BUCKETS), None)
        if bucket is not None and not line.has(*NOT_ASKED_TO_BE_PAID):
            found[bucket].append(line)
    return {bucket: tuple(mine) for bucket, mine in found.items()}


@lru_cache(maxsize=1)
def buckets_of(visit: Visit) -> dict[Bucket, tuple[Line, ...]]:
    """The buckets of a visit's own lines; three rules ask for them in turn."""
    return buckets(visit.lines)


def accrued(visit: Visit, bucket: Bucket) -> Decimal:
    """Allowed charges of the year before this claim.

    Raises:
        MissingFact: the claim does not give them for the year of the date of service.
    """
    accrual = visit.claim.therapy_accrual
    amount = None if accrual is None else getattr(accrual, bucket)
    if accrual is None or amount is None or accrual.year is None:
        raise MissingFact(
            "therapy_accrual", f"The claim does not say how much {NAMES[bucket]} has been allowed in the year so far."
        )
    if accrual.year != visit.date_of_service.year:
        raise MissingFact(
            "therapy_accrual",
            f"The therapy accrual is that of {accrual.year}; the service was given on {visit.date_of_service}.",
        )
    return Decimal(amount)


def stays_below(visit: Visit, mark: str) -> bool:
    """Whether a yearly mark, a parameter by its name, is surely not reached: then nothing else need be known."""
    most = _most_reached(visit)
    if most is None:
        return False
    try:
        return bool(most < visit.amount(mark))
    except MissingFact:
        return False


@lru_cache(maxsize=1)
def _most_reached(visit: Visit) -> Decimal | None:
    """What the year's therapy can have come to at most: the accrual and all that the claim charges, whatever its plan.

    None where it cannot be told.
    """
    accrual, plans = visit.claim.therapy_accrual, visit.modifiers
    if accrual is None or accrual.year != visit.date_of_service.year:
        return None
    if (accrual.ot is None and "GO" in plans) or (accrual.pt_slp is None and ("GP" in plans or "GN" in plans)):
        return None
    reached = max(Decimal(accrual.pt_slp or 0), Decimal(accrual.ot or 0))
    for line in visit.claim.lines:
        charge = line.charge
        if charge is None or charge < 0:
            return None
        reached += charge
    return reached


def earlier_lines(visit: Visit, bucket: Bucket) -> tuple[Line, ...]:
    """The lines of the same claim, bucket and year on earlier days."""
    day = visit.date_of_service
    if all(line.service_date >= day for line in visit.claim.lines):
        return ()
    earlier = (each for each in lines_of(visit.claim) if each.service_date < day and each.service_date.year == day.year)
    return buckets(earlier).get(bucket, ())


def charges(lines: Iterable[Line]) -> Decimal:
    """What the lines charge: the only estimate of their allowed amounts that a claim holds, and seldom too low.

    Raises:
        MissingFact: a line has no charge.
    """
    total = Decimal(0)
    for line in lines:
        if line.charge is None:
            raise MissingFact("lines/charge", f"Line {line.line_number} has no charge to count.", line=line)
        total += line.charge
    return total
