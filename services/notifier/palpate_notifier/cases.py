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
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What is said of a case on `corrections`."""

    REQUESTED = "correction.requested"
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
    was_open = standing is not None and standing.status is Status.OPEN
    before = standing.rules if standing is not None and was_open else frozenset()
    if was_open and rules == before:
        # Judged again with the same result (sent twice, or a new rule book): the clinician knows already.
        return Change(Status.OPEN, step=None, tell=False, still=rules)
    return Change(Status.OPEN, Step.REQUESTED, tell=True, still=rules & before, new=rules - before)


def _closed(standing: Standing | None, status: Status, step: Step) -> Change | None:
    if standing is None or standing.status is not Status.OPEN:
        return None
    return Change(status, step, tell=False)


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that make a claim fail."""
    return tuple(f for f in findings if f.severity is Severity.ERROR and f.outcome is Outcome.VIOLATED)


def rules_of(findings: Iterable[Finding]) -> frozenset[str]:
    """The ids of the rules that some findings come from."""
    return frozenset(finding.rule for finding in findings)
