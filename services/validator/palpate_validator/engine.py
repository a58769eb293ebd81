"""The judge: a claim in, a judgement out.  Pure; the same claim and rule book give the same judgement.

It never raises: a rule that breaks becomes an undetermined finding with its id, and the others still run.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from palpate_schemas.claim import Claim
from palpate_schemas.finding import Finding
from palpate_schemas.values import Outcome, Verdict
from palpate_schemas.verdict import Counts
from palpate_validator.book import RuleBook
from palpate_validator.profiles import Profile
from palpate_validator.rule import ERROR, WARNING, MissingFact, Result, cannot_tell
from palpate_validator.selection import Per, Selected, Selection, Step
from palpate_validator.visit import MANUAL_THERAPY, Line, Visit, lines_of

VOID = "8"


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule that raised: its id and the error, for the log.  The error's text may hold PHI."""

    rule: str
    error: Exception


class Judgement(NamedTuple):
    """What the rule book says of one claim."""

    verdict: Verdict
    applicable: bool
    profile: str
    findings: tuple[Finding, ...]
    counts: Counts
    failures: tuple[RuleFailure, ...] = ()
    errors: int = 0
    warnings: int = 0


def judge(
    claim: Claim,
    submitted_on: date | None,
    book: RuleBook,
    *,
    profile: Profile | None = None,
    withdrawn: bool = False,
) -> Judgement:
    """Judge one claim.

    Args:
        claim: The claim as sent.
        submitted_on: The day it goes to the payer, where known.
        book: The rule book.
        profile: Judge by this payer profile instead of the one that the claim leads to.
        withdrawn: The event that brought it withdraws it, whatever its frequency code: there is nothing to judge.

    Returns:
        The verdict with its findings, gravest first.  A claim that neither bills nor documents manual therapy is
        not applicable and passes.
    """
    profile = profile or book.profiles.for_payer(claim.payer)
    lines = lines_of(claim)
    by_day = days_judged(claim, lines)
    if withdrawn or claim.frequency_code == VOID or not by_day:
        return Judgement(Verdict.PASS, applicable=False, profile=profile.id, findings=(), counts=_NOTHING_JUDGED)
    bench = _Bench()
    for day, its_lines in by_day.items():
        selection = book.selection(profile, day)
        visit = Visit(claim, day, its_lines, submitted_on, profile, book, selection)
        bench.run(selection, visit, "both" if len(its_lines) == len(lines) else "visit")
    if len(visit.lines) < len(lines):
        first_day = min(by_day)
        selection = book.selection(profile, first_day)
        bench.run(selection, Visit(claim, first_day, lines, submitted_on, profile, book, selection), "claim")
    return bench.judgement(profile)


_PLACE = attrgetter("place")
_NOTHING_JUDGED = Counts(judged=0, violated=0, undetermined=0)


def days_judged(claim: Claim, lines: tuple[Line, ...]) -> dict[date, tuple[Line, ...]]:
    """The dates of service that concern manual therapy, each with its lines.

    A day concerns it when 97140 is billed, or when the shared note says that it was given: its minutes then belong
    to the pool that the other timed units are allocated from.
    """
    by_day = {lines[0].service_date: lines} if _of_one_day(lines) else _by_day(lines)
    return {
        day: its_lines
        for day, its_lines in by_day.items()
        if _bills_manual_therapy(its_lines) or _documents_manual_therapy(claim, day)
    }


def _of_one_day(lines: tuple[Line, ...]) -> bool:
    day = lines[0].service_date
    for line in lines:  # noqa: SIM110 - most claims are, and a generator would cost three times the loop
        if line.service_date != day:
            return False
    return True


def _by_day(lines: tuple[Line, ...]) -> dict[date, tuple[Line, ...]]:
    by_day: dict[date, list[Line]] = {}
    for line in lines:
        by_day.setdefault(line.service_date, []).append(line)
    return {day: tuple(by_day[day]) for day in sorted(by_day)}


def _bills_manual_therapy(lines: tuple[Line, ...]) -> bool:
    for line in lines:  # noqa: SIM110 - as above
        if line.code == MANUAL_THERAPY:
            return True
    return False


def _documents_manual_therapy(claim: Claim, day: date) -> bool:
    notes = claim.documentation or ()
    return any(note.service_date == day and MANUAL_THERAPY in (note.service_minutes or ()) for note in notes)


class _Bench:
    """Collects what the rules say."""

    __slots__ = ("failures", "findings", "missing", "selections")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.missing: list[_Unshared] = []
        self.failures: list[RuleFailure] = []
        self.selections: list[Selection] = []

    def run(self, selection: Selection, visit: Visit, per: Per) -> None:
        if selection not in self.selections:
            self.selections.append(selection)
        consulted = visit.consulted
        for step in selection.steps(visit, per):
            if consulted:
                consulted.clear()
            given = step.given
            try:
                if given is None or given(visit):
                    self._ask(step, visit)
            except Exception as error:  # noqa: BLE001 - as below
                self._unanswered(step.selected, error, visit)

    def _ask(self, step: Step, visit: Visit) -> None:
        consulted = visit.consulted
        for selected in step.selected:
            if consulted:
                consulted.clear()
            try:
                for result in selected.judge(visit):
                    kept = result.kept and not consulted
                    self.findings.append(_kept(selected, result) if kept else _finding(selected, result, visit))
            except Exception as error:  # noqa: BLE001 - one broken rule must not stop the others; the caller logs it
                self._unanswered((selected,), error, visit)

    def _unanswered(self, together: tuple[Selected, ...], error: Exception, visit: Visit) -> None:
        """Rules that cannot tell: a fact is missing, or what they asked is broken."""
        if not isinstance(error, MissingFact):
            for each in together:
                self._break(each, error, visit)
        elif error.line is None and not visit.consulted:
            self.missing.append(_missing(together, error.needs, error.message))
        else:
            result = cannot_tell(error.needs, error.message, line=error.line)
            self.findings += [_finding(each, result, visit) for each in together]

    def _break(self, selected: Selected, error: Exception, visit: Visit) -> None:
        self.failures.append(RuleFailure(selected.rule.id, error))
        needs = f"rule: {selected.rule.id}"
        result = cannot_tell(needs, "This check could not be made; the fault is ours.")
        self.findings.append(_finding(selected, result, visit))

    def judgement(self, profile: Profile) -> Judgement:
        unshared = _together(tuple(self.missing)) if self.missing else _ALL_SHARED
        errors: list[Finding] = []
        warnings: list[Finding] = []
        notices: list[Finding] = []
        undetermined: set[str] = set()
        violated: set[str] = set()
        for finding in self.findings:
            severity = finding.severity
            (errors if severity is ERROR else warnings if severity is WARNING else notices).append(finding)
            if finding.outcome is _UNDETERMINED:
                undetermined.add(finding.rule)
            else:
                violated.add(finding.rule)
        if len(errors) > 1:
            errors.sort(key=_PLACE)
        if len(warnings) > 1:
            warnings.sort(key=_PLACE)
        # Counted so that the many rules of what is not shared are not copied for a few others.
        open_rules = len(unshared.rules) - len(unshared.rules & violated)
        open_rules += len(undetermined - unshared.rules - violated)
        return Judgement(
            _FAIL if errors else _PASS,
            True,  # noqa: FBT003 - applicable; names cost a call of a tuple 0.2 microseconds
            profile.id,
            (*errors, *warnings, *(unshared.with_others(notices) if notices else unshared.findings)),
            _counts(self._rules_judged() - open_rules, len(violated), open_rules),
            tuple(self.failures),
            len(errors),
            len(warnings),
        )

    def _rules_judged(self) -> int:
        if len(self.selections) == 1:
            return len(self.selections[0].ids)
        return len(frozenset().union(*(selection.ids for selection in self.selections)))


# Python 3.11 finds a member in its enum in 80 nanoseconds, and a name in 10.
_PASS, _FAIL = Verdict.PASS, Verdict.FAIL
_VIOLATED, _UNDETERMINED = Outcome.VIOLATED, Outcome.UNDETERMINED


@lru_cache(maxsize=4096)
def _counts(judged: int, violated: int, undetermined: int) -> Counts:
    """Kept, since each also keeps its JSON."""
    return Counts(judged=judged, violated=violated, undetermined=undetermined)


@dataclass(frozen=True, slots=True, eq=False)
class _Unshared:
    """Findings that only say that a fact is not shared: notices, all of them undetermined."""

    findings: tuple[Finding, ...]
    """In their order."""
    places: tuple[tuple[int, str, str], ...]
    """Of each, what the order goes by."""
    rules: frozenset[str]

    def with_others(self, notices: list[Finding]) -> list[Finding]:
        """These and some other notices, in their order."""
        findings, places = [*self.findings], [*self.places]
        for notice in notices:
            at = bisect_right(places, notice.place)
            findings.insert(at, notice)
            places.insert(at, notice.place)
        return findings


_ALL_SHARED = _Unshared((), (), frozenset())


def _unshared(findings: Iterable[Finding]) -> _Unshared:
    in_order = sorted(findings, key=_PLACE)
    return _Unshared(
        tuple(in_order),
        tuple([finding.place for finding in in_order]),
        frozenset([finding.rule for finding in in_order]),
    )


@lru_cache(maxsize=4096)
def _together(parts: tuple[_Unshared, ...]) -> _Unshared:
    """What is not shared is what a practice's software does not send, so claims have it in common."""
    return _unshared(finding for part in parts for finding in part.findings)


def _finding(selected: Selected, result: Result, visit: Visit) -> Finding:
    evidence = dict(result.evidence)
    sources = selected.rule.header.sources
    for name, dated in visit.consulted.items():
        evidence |= dated.evidence(name)
        if dated.source not in sources:
            sources = (*sources, dated.source)
    return _built(selected, result, sources, evidence)


@lru_cache(maxsize=1024)
def _kept(selected: Selected, result: Result) -> Finding:
    return _built(selected, result, selected.rule.header.sources, result.evidence)


_PLAIN = frozenset({str, int, bool})
"""Evidence that is JSON as it is."""


@lru_cache(maxsize=2048)
def _missing(together: tuple[Selected, ...], needs: str, message: str) -> _Unshared:
    """A claim without its note leaves thirty rules open, and so does the next one: the same findings serve both."""
    return _unshared(_one_missing(selected, needs, message) for selected in together)


@lru_cache(maxsize=8192)
def _one_missing(selected: Selected, needs: str, message: str) -> Finding:
    # Rules meet in thousands of combinations, and each says the same in all of them.
    return _built(selected, cannot_tell(needs, message), selected.rule.header.sources, {})


def _built(selected: Selected, result: Result, sources: tuple[str, ...], evidence: Mapping[str, Any]) -> Finding:
    rule, header = selected.rule, selected.rule.header
    violated = result.outcome is _VIOLATED
    return Finding(
        rule=rule.id,
        family=rule.family,
        outcome=result.outcome,
        severity=result.severity or selected.severity,
        title=rule.title,
        message=result.message,
        line_number=None if result.line is None else result.line.line_number,
        pointer=result.full_pointer,
        fixer=result.fixer or header.fixer,
        remedy=result.remedy or (header.remedy if violated else _how_to_say(result.needs)),
        needs=result.needs,
        patch=result.patch,
        applicability=result.applicability or ("confirm" if result.patch else None),
        denial=(result.denial or header.denial) if violated else None,
        sources=sources,
        evidence={key: value if type(value) in _PLAIN else _shown(value) for key, value in evidence.items()},
    )


@lru_cache(maxsize=256)
def _how_to_say(needs: str | None) -> str:
    """What to do about a missing fact: most belong into the claim event, some into the rule book."""
    kind, _, name = (needs or "").partition(": ")
    if kind == "payer profile":
        return f"Add {name} to the payer's profile."
    if kind == "parameter":
        return f"Update the rule book: it has no {name} for this date of service."
    if kind == "table":
        return f"Import the {name} into the rule book's tables."
    if kind == "rule":
        return f"Report that the rule {name} is broken."
    return f"Send {needs} with the claim event."


def _shown(value: Any) -> Any:  # noqa: ANN401 - evidence is whatever decided
    """A value as JSON shows it: decimals and dates as text, sets in order."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(_shown(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _shown(item) for key, item in value.items()}
    return value
