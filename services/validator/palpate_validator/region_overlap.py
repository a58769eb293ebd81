"""Whether two lists of body regions can be about the same treatment."""

from collections.abc import Collection
from functools import lru_cache

_UPPER = frozenset({"upper_limb", "shoulder", "elbow", "wrist", "hand"})
_LOWER = frozenset({"lower_limb", "hip", "knee", "ankle", "foot"})
_NEIGHBOURS = (
    *(frozenset({"upper_limb", joint}) for joint in _UPPER),
    *(frozenset({"lower_limb", joint}) for joint in _LOWER),
    frozenset({"head", "cervical"}),
    frozenset({"head", "tmj"}),
    frozenset({"tmj", "cervical"}),
    frozenset({"cervical", "thoracic"}),
    frozenset({"cervical", "shoulder"}),
    frozenset({"cervical", "upper_limb"}),
    frozenset({"thoracic", "rib"}),
    frozenset({"thoracic", "lumbar"}),
    frozenset({"thoracic", "shoulder"}),
    frozenset({"rib", "shoulder"}),
    frozenset({"rib", "abdomen"}),
    frozenset({"lumbar", "sacral"}),
    frozenset({"lumbar", "pelvic"}),
    frozenset({"lumbar", "abdomen"}),
    frozenset({"sacral", "pelvic"}),
    frozenset({"sacral", "hip"}),
    frozenset({"pelvic", "hip"}),
    frozenset({"pelvic", "abdomen"}),
    frozenset({"wrist", "hand"}),
    frozenset({"elbow", "wrist"}),
    frozenset({"ankle", "foot"}),
)
"""Regions whose border two people may name differently: a trapezius is cervical to one and shoulder to another."""


def regions_contradict(billed: Collection[str], noted: Collection[str]) -> bool:
    """True when both lists name regions and no pair of them can be the same place on the same side."""
    if not billed or not noted or not set(noted).isdisjoint(billed):
        return False
    return not any(_may_be_the_same(one, other) for one in billed for other in noted)


@lru_cache(maxsize=4096)
def _may_be_the_same(one: str, other: str) -> bool:
    (place, _, side), (other_place, _, other_side) = one.partition("."), other.partition(".")
    same_place = place == other_place or frozenset({place, other_place}) in _NEIGHBOURS
    return same_place and (side == other_side or {side, other_side} & {"", "both"} != set())
