"""What was asked for on the command line, and what a part answers."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """How much to measure."""

    rounds: int = 3
    claims: int = 6_000
    """A backlog for Palpate's validator; the slower ones get a share of it."""
    seconds: float = 10.0
    """How long each rate of the latency part runs."""
    backlog: int = 1_000_000

    def share(self, divisor: int) -> int:
        """A smaller backlog, enough for a pace still."""
        return max(100, self.claims // divisor)


@dataclass(slots=True)
class Section:
    """One part's results."""

    title: str
    text: list[str] = field(default_factory=list)
    """Paragraphs and tables in Markdown."""
    plots: dict[str, str] = field(default_factory=dict)
    """SVG by file name."""
    bars: list[tuple[str, float, float, bool]] = field(default_factory=list)
    """Bars of the issue: what, reached, wanted, whether more is better."""
    failed: bool = False
    """It could not be measured; the text says why."""
