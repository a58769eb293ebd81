"""What a rule is: a pure function of a visit, with a header of data and a docstring that is its public page.

A rule's module carries its id (`rules/modifiers/mod_kx_missing.py` is `mod-kx-missing`) and its family (the folder).
The module docstring's first line is the finding's title.  The function yields `fails`, `warns`, `informs` or
`cannot_tell`; yielding nothing means that the claim is right.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol

from palpate_schemas.finding import Denial, PatchOperation
from palpate_schemas.values import Fixer, Outcome, Program, Severity
from palpate_validator.dated import BEGINNING
from palpate_validator.unusual import Unusual

if TYPE_CHECKING:
    from palpate_validator.visit import Visit

Confidence = Literal["sourced", "practice", "uncertain"]
"""`sourced`: an authority was read.  `practice`: professional knowledge.  `uncertain`: varies; a warning by default."""

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
CLINICIAN, BILLER, FRONT_DESK = Fixer.CLINICIAN, Fixer.BILLER, Fixer.FRONT_DESK


class HasLine(Protocol):
    """What a result needs of a service line: its place in the claim."""

    @property
    def index(self) -> int: ...
    @property
    def line_number(self) -> int: ...


@dataclass(slots=True, eq=False)
class Result:
    """One thing that a rule has to say.  What it leaves out comes from the rule's header.

    Nobody writes to it; that a frozen dataclass would see to it makes a result three times as dear.
    """

    outcome: Outcome
    message: str
    severity: Severity | None = None
    line: HasLine | None = None
    pointer: str | None = None
    remedy: str | None = None
    fixer: Fixer | None = None
    denial: Denial | None = None
    needs: str | None = None
    patch: tuple[PatchOperation, ...] | None = None
    applicability: Literal["safe", "confirm"] | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    kept: bool = False
    """Whether the rule keeps this very result and gives it for other visits too: its finding is then built once."""

    @property
    def full_pointer(self) -> str | None:
        """RFC 6901 pointer into the claim: `pointer` under the line where there is one."""
        if self.line is None:
            return self.pointer
        return f"/lines/{self.line.index}{self.pointer or ''}"


def fails(message: str, *, line: HasLine | None = None, pointer: str | None = None, **facts: Any) -> Result:  # noqa: ANN401
    """A fault, of the severity in the rule's header.

    Args:
        message: What is wrong, with the claim's numbers filled in.
        line: The service line it lies on.
        pointer: RFC 6901, below the line where one is given, else into the claim.
        facts: `remedy`, `fixer`, `denial`, `severity`, `patch`, `applicability` override the header;
            everything else is evidence.
    """
    return _violated(message, line, pointer, facts, None)


def warns(message: str, *, line: HasLine | None = None, pointer: str | None = None, **facts: Any) -> Result:  # noqa: ANN401
    """A fault that never makes the claim fail, whatever the header says."""
    return _violated(message, line, pointer, facts, WARNING)


def informs(message: str, *, line: HasLine | None = None, pointer: str | None = None, **facts: Any) -> Result:  # noqa: ANN401
    """Something to know; not a fault."""
    return _violated(message, line, pointer, facts, INFO)


def cannot_tell(needs: str, message: str, *, line: HasLine | None = None, pointer: str | None = None) -> Result:
    """A fact that the rule needs is not in the event: `needs` names it, in words a PMS integrator can act on."""
    return Result(_UNDETERMINED, message, INFO, line, pointer, needs=needs)


def _violated(
    message: str, line: HasLine | None, pointer: str | None, facts: dict[str, Any], severity: Severity | None
) -> Result:
    """A fault; `facts` override the header or are evidence, and a `severity` given goes before one of theirs."""
    if facts.keys().isdisjoint(_OVERRIDES):
        return Result(_VIOLATED, message, severity, line, pointer, evidence=facts)
    overrides = {key: facts.pop(key) for key in _OVERRIDES if key in facts}
    if severity is not None:
        overrides["severity"] = severity
    return Result(_VIOLATED, message, line=line, pointer=pointer, evidence=facts, **overrides)


_OVERRIDES = ("remedy", "fixer", "denial", "severity", "patch", "applicability")
_VIOLATED, _UNDETERMINED = Outcome.VIOLATED, Outcome.UNDETERMINED


class _AnyValue:
    """Equal to every value."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


SAID = _AnyValue()
"""In a header's `profile`: the rule needs this key and takes whatever value it has (`{"timely_filing_days": SAID}`).
Where the profile does not say, the rule is not judged and `payer-profile-incomplete` names the key."""


class MissingFact(Exception):
    """Raised by a visit's look-ups when a fact is not there; the engine turns it into `cannot_tell`."""

    __slots__ = ("line", "message", "needs")

    def __init__(self, needs: str, message: str | None = None, line: HasLine | None = None) -> None:
        # Not told to `Exception`, which keeps what it is made of by itself: that was a fifth of making and raising one.
        self.needs = needs
        self.message = message or f"The claim does not say: {needs}."
        self.line = line


Judge = Callable[["Visit"], Iterable[Result]]
Question = Callable[["Visit"], bool]
"""What several rules ask first.  It may raise `MissingFact`: then none of them can tell."""


@dataclass(frozen=True, slots=True)
class Header:
    """Everything about a rule that is data."""

    remedy: str
    severity: Severity
    severity_by_program: Mapping[Program, Severity]
    fixer: Fixer
    denial: Denial | None
    sources: tuple[str, ...]
    confidence: Confidence
    programs: frozenset[Program] | None
    profile: Mapping[str, Any]
    parameters: tuple[str, ...]
    codes: frozenset[str] | None
    modifiers: frozenset[str] | None
    unusual: frozenset[Unusual] | None
    settings: frozenset[str] | None
    given: Question | None
    per: Literal["visit", "claim"]
    start: date
    end: date | None
    id: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decorated function: what a rule does on the days that its header names."""

    header: Header
    judge: Judge


def rule(
    *,
    remedy: str,
    fixer: Fixer,
    sources: tuple[str, ...],
    confidence: Confidence,
    severity: Severity = ERROR,
    severity_by_program: Mapping[Program, Severity] | None = None,
    denial: Denial | None = None,
    programs: Iterable[Program] | None = None,
    profile: Mapping[str, Any] | None = None,
    parameters: tuple[str, ...] = (),
    codes: Iterable[str] | None = None,
    modifiers: Iterable[str] | None = None,
    unusual: Iterable[Unusual] | None = None,
    settings: Iterable[str] | None = None,
    given: Question | None = None,
    per: Literal["visit", "claim"] = "visit",
    start: date = BEGINNING,
    end: date | None = None,
    id: str | None = None,  # noqa: A002 - the word the contract uses
) -> Callable[[Judge], Decision]:
    """Make a function a rule.

    Args:
        remedy: What to do, in the imperative; a result may say it more exactly.
        fixer: Who can mend it.
        sources: Citations, most binding first.
        confidence: How sure the rule book is.  An `uncertain` rule is a warning at most by default.
        severity: Of a violation, unless `severity_by_program` or the payer profile says otherwise.
        severity_by_program: Where the severity differs for a kind of payer.
        denial: What the payer would answer.
        programs: Only for these kinds of payer; all by default.
        profile: Only where the payer profile has these values, e.g. `{"timing_rule": "cms"}`.  A profile that
            lacks the key is reported once as `payer-profile-incomplete`.
        parameters: Names of the dated parameters that the rule looks up.
        codes: Judged only when the visit bills one of these (saves the call; not a change of meaning).
        modifiers: Judged only when a line of the visit carries one of these.
        unusual: Judged only when the visit has one of these traits (saves the call; not a change of meaning).
        settings: Judged only where the payer profile says one of these keys; saying none is a way of its own, so no
            key is missed (saves the call; not a change of meaning).
        given: A question about the visit that rules share.  It is asked once for all of them; where the answer is no,
            none of them has anything to say (saves the calls; not a change of meaning).
        per: `visit` (one date of service at a time) or `claim` (once, with all lines).
        start: First date of service it is in force.
        end: Last date of service it is in force.
        id: Only where the module's name cannot spell it.
    """
    header = Header(
        remedy=remedy,
        severity=severity,
        severity_by_program=dict(severity_by_program or {}),
        fixer=fixer,
        denial=denial,
        sources=sources,
        confidence=confidence,
        programs=None if programs is None else frozenset(programs),
        profile=dict(profile or {}),
        parameters=parameters,
        codes=None if codes is None else frozenset(codes),
        modifiers=None if modifiers is None else frozenset(modifiers),
        unusual=None if unusual is None else frozenset(unusual),
        settings=None if settings is None else frozenset(settings),
        given=given,
        per=per,
        start=start,
        end=end,
        id=id,
    )
    return lambda judge: Decision(header, judge)


@dataclass(frozen=True, slots=True)
class Rule:
    """A decision in its place in the catalogue.  A rule whose logic changed on a day has several, with one id."""

    id: str
    family: str
    title: str
    page: str
    header: Header
    judge: Judge

    def in_force(self, day: date) -> bool:
        """Whether a date of service falls into the rule's life."""
        header = self.header
        return header.start <= day and (header.end is None or day <= header.end)

    def severity_for(self, program: Program | None) -> Severity:
        """The severity of a violation for this kind of payer; an uncertain rule warns at most."""
        severity = self.header.severity
        if program is not None:
            severity = self.header.severity_by_program.get(program, severity)
        if self.header.confidence == "uncertain" and severity is ERROR:
            return WARNING
        return severity
