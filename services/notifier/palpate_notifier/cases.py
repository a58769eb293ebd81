"""What a verdict does to a claim's correction case.  Pure: a case and a verdict in, what changes out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from palpate_schemas.finding import Finding
from palpate_schemas.values import Outcome, Severity, Verdict
from palpate_schemas.verdict import ClaimVerdict


class Status(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Somebody has it in hand, or says that it is fixed in their own system."""
    DISPUTED = "disputed"
    """Somebody says that the rule is wrong here; the manager has it."""
    ESCALATED = "escalated"
    """Nobody mended it in time, or nobody could: whoever covers, then the manager, has it."""
    RESOLVED = "resolved"
    CANCELLED = "cancelled"

    @property
    def is_closed(self) -> bool:
        """Whether there is nothing left to do."""
        return self in {Status.RESOLVED, Status.CANCELLED}


LIVE = tuple(status for status in Status if not status.is_closed)
"""What a case that still needs somebody may be."""


class Step(StrEnum):
    """What is said of a case on `corrections`."""

    REQUESTED = "correction.requested"
    ACKNOWLEDGED = "correction.acknowledged"
    DISPUTED = "correction.disputed"
    ESCALATED = "correction.escalated"
    RESOLVED = "correction.resolved"
    CANCELLED = "correction.cancelled"


@dataclass(frozen=True, slots=True)
class Head:
    """The last verdict that counted for a claim."""

    version: int
    judged_at: datetime

    def is_older_than(self, verdict: ClaimVerdict) -> bool:
        """Whether a verdict says something newer.  The same verdict again, or a late older one, does not."""
        return (self.version, self.judged_at) < (verdict.version, verdict.judged_at)


@dataclass(frozen=True, slots=True)
class Standing:
    """A case as far as the decision needs it."""

    status: Status
    rules: frozenset[str]
    """Rules whose errors the clinician has been told of."""
    version: int = 1
    """The claim version that they were told of."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a verdict changes."""

    status: Status
    step: Step | None
    tell: bool
    """Whether the clinician is to be told."""
    still: frozenset[str] = frozenset()
    """Rules that were open before and still are."""
    new: frozenset[str] = frozenset()
    """Rules that are newly open."""


def change(standing: Standing | None, verdict: ClaimVerdict) -> Change | None:
    """What this verdict, newer than everything before it, changes; None for nothing."""
    if verdict.voided:
        return _closed(standing, Status.CANCELLED, Step.CANCELLED)
    if verdict.verdict is Verdict.PASS:
        return _closed(standing, Status.RESOLVED, Step.RESOLVED)
    rules = rules_of(errors(verdict.findings))
    if standing is None or standing.status.is_closed:
        return Change(Status.OPEN, Step.REQUESTED, tell=True, new=rules)
    if rules == standing.rules and verdict.version == standing.version:
        # Judged again with the same result (sent twice, or a new rule book): the clinician knows already.
        return Change(standing.status, step=None, tell=False, still=rules)
    # A newer version with the same faults is told as well: whoever sent it believes that they are mended.
    return Change(Status.OPEN, Step.REQUESTED, tell=True, still=rules & standing.rules, new=rules - standing.rules)


def _closed(standing: Standing | None, status: Status, step: Step) -> Change | None:
    if standing is None or standing.status.is_closed:
        return None
    return Change(status, step, tell=False)


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that make a claim fail."""
    return tuple(f for f in findings if f.severity is Severity.ERROR and f.outcome is Outcome.VIOLATED)


def rules_of(findings: Iterable[Finding]) -> frozenset[str]:
    """The ids of the rules that some findings come from."""
    return frozenset(finding.rule for finding in findings)
