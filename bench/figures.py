"""Medians, spread and ratios of rounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """What several rounds measured of one thing."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.rounds)

    def __str__(self) -> str:
        """Median, and from where to where."""
        return f"{number(self.median)} ({number(min(self.rounds))} - {number(max(self.rounds))})"

    def to(self, other: "Figure") -> float:
        """How many times the other: the median of the rounds' own ratios, since what disturbs a round disturbs both."""
        return median(mine / its for mine, its in zip(self.rounds, other.rounds, strict=True))


def figures(rounds: Sequence[Mapping[str, float]]) -> dict[str, Figure]:
    """Rounds of several things as a figure of each; what is not in every round is left out."""
    names = [name for name in rounds[0] if all(name in each for each in rounds)]
    return {name: Figure(tuple(each[name] for each in rounds)) for name in names}


def number(value: float) -> str:
    """Three digits that mean something, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value that a share of them does not exceed."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left and figures to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
