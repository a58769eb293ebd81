"""How minutes of treatment become 15-minute units: Medicare's pooled count, the CPT midpoint and full quarters.

Pure arithmetic on minutes by service, of one patient, one day and one discipline.  Source of the pooled count:
Medicare Claims Processing Manual (Pub. 100-04) ch. 5 §20.2.C.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb

COGNITIVE_PAIR = "97129/97130"
"""The first quarter of an hour and its add-on: one service in two codes."""

SHOWN = 4
"""Acceptable allocations written out in a message; the rest are counted."""


def service_of(code: str) -> str:
    """The service that a code's minutes belong to: the code itself, or the pair that is billed as one service."""
    return COGNITIVE_PAIR if code in {"97129", "97130"} else code


def units_past_midpoint(minutes: int) -> int:
    """Units of some minutes where the last one counts from its eighth minute on: 0-7 give 0, 8-22 give 1, ..."""
    return (minutes + 7) // 15


def full_units(minutes: int) -> int:
    """Units of some minutes where only a full quarter of an hour counts."""
    return minutes // 15


def in_units(number: int | None) -> str:
    """A number of units in words: `1 unit`, `3 units`."""
    return f"{number} unit" if number == 1 else f"{number} units"


def in_minutes(number: int) -> str:
    """A number of minutes in words: `1 minute`, `15 minutes`."""
    return f"{number} minute" if number == 1 else f"{number} minutes"


@dataclass(frozen=True, slots=True)
class Allocation:
    """Every way in which Medicare accepts the day's units on its services.

    A service gets a unit for each full 15 minutes.  The units that the total still allows go to the services with the
    most minutes left over, one each.  Where services tie for the last of them, any choice is right ("choose either
    code"), so the acceptable ways are held as a rule and not as a list: twenty tied services are as cheap as two.
    """

    units: int
    """What the total allows."""
    base: Mapping[str, int]
    """Full quarters of an hour, by service."""
    sure: frozenset[str]
    """Services that get one unit more in every acceptable way."""
    tied: frozenset[str]
    """Services of which `choices` get one unit more."""
    choices: int

    def least(self, service: str) -> int:
        """The fewest units that an acceptable way gives to a service."""
        forced = service in self.sure or (service in self.tied and self.choices == len(self.tied))
        return self.base.get(service, 0) + forced

    def most(self, service: str) -> int:
        """The most units that an acceptable way gives to a service."""
        return self.base.get(service, 0) + (service in self.sure or service in self.tied)

    def accepts(self, billed: Mapping[str, int]) -> bool:
        """Whether some units are one of the acceptable ways."""
        return sum(billed.values()) == self.units and self.covers(billed)

    def covers(self, billed: Mapping[str, int]) -> bool:
        """Whether an acceptable way gives every service at least what is billed: right, or right but too few."""
        chosen = sum(billed.get(service, 0) > self.base[service] for service in self.tied)
        return chosen <= self.choices and all(units <= self.most(service) for service, units in billed.items())

    def lies_within(self, billed: Mapping[str, int]) -> bool:
        """Whether what is billed holds an acceptable way and perhaps more: right but for units too many."""
        chosen = sum(billed.get(service, 0) > self.base[service] for service in self.tied)
        return chosen >= self.choices and all(billed.get(service, 0) >= self.least(service) for service in self.base)

    @property
    def ways(self) -> int:
        """How many acceptable ways there are."""
        return comb(len(self.tied), self.choices)

    def each(self) -> Iterator[dict[str, int]]:
        """The acceptable ways one by one, services in order, without those that get nothing."""
        for chosen in combinations(sorted(self.tied), self.choices):
            way = {s: units + (s in self.sure or s in chosen) for s, units in sorted(self.base.items())}
            yield {service: units for service, units in way.items() if units}

    @property
    def only(self) -> dict[str, int] | None:
        """The acceptable way, where there is no choice."""
        return next(self.each()) if self.ways == 1 else None

    def in_words(self) -> str:
        """The acceptable ways as a biller reads them: `97112 x2 + 97140 x1 or 97112 x1 + 97140 x2`."""
        ways = [" + ".join(f"{s} x{units}" for s, units in way.items()) for way in islice(self.each(), SHOWN)]
        more = [f"{self.ways - SHOWN} more ways like these"] if self.ways > SHOWN else []
        return " or ".join([*ways, *more]) or "no units"


def allocate(minutes: Mapping[str, int]) -> Allocation:
    """Medicare's acceptable ways of putting a day's units on its services (§20.2.C).

    Args:
        minutes: Countable one-on-one minutes by service, those that are not billed included.
    """
    units = units_past_midpoint(sum(minutes.values()))
    base = {service: full_units(spent) for service, spent in minutes.items()}
    left = {service: spent % 15 for service, spent in minutes.items() if spent % 15}
    # At most one more unit each: what is left over is under 15 minutes a service, so it never makes more units than
    # there are services with something left over.
    more = units - sum(base.values())
    if more == 0:
        return Allocation(units, base, frozenset(), frozenset(), 0)
    last_in = sorted(left.values(), reverse=True)[more - 1]
    sure = frozenset(service for service, rest in left.items() if rest > last_in)
    tied = frozenset(service for service, rest in left.items() if rest == last_in)
    return Allocation(units, base, sure, tied, more - len(sure))
