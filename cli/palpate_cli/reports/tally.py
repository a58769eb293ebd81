"""What `--report` counts while claims go by: sums by clinician, rule, payer and day, and the first failed claims.

A hundred thousand claims are counted and not kept.  Nothing of it is a name, a birth date, a member number or a note.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from palpate_intake.outcome import ReadClaim, StructureFinding, Unreadable
from palpate_schemas.finding import Denial, Finding
from palpate_schemas.values import Fixer, Outcome, Severity, Verdict
from palpate_validator.engine import Judgement

MOST_CLAIMS = 200
"""Failed claims that a page lists; a page of more is no longer read."""
MOST_UNREAD = 100
MOST_GROUPS = 20_000
"""Clinicians, payers, days and missing facts that are told apart; what comes after is counted together."""
OTHERS = "others"

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(slots=True)
class Count:
    """Claims of one clinician, payer or day."""

    claims: int = 0
    failed: int = 0
    held: Decimal = Decimal(0)
    """What the failed ones bill."""
    rules: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class RuleCount:
    """Claims that one rule speaks of."""

    rule: str
    title: str
    severity: Severity
    fixer: Fixer
    denial: Denial | None
    claims: int = 0
    held: Decimal = Decimal(0)


@dataclass(slots=True)
class Open:
    """Checks that could not be made for want of one fact."""

    claims: int = 0
    rules: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Oddity:
    """Something odd in how files are put together."""

    message: str
    first: str
    times: int = 0


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding, and where in the file it stands."""

    finding: Finding
    place: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed claim as the page lists it."""

    claim_id: str
    version: int
    file: str
    position: str
    clinician: str
    payer: str
    profile: str
    first_day: date
    last_day: date
    charge: Decimal
    findings: tuple[Placed, ...]


@dataclass(slots=True)
class Tally:
    """Everything that the page says."""

    claims: int = 0
    failed: int = 0
    not_judged: int = 0
    """Without manual therapy, or withdrawn."""
    errors: int = 0
    held: Decimal = Decimal(0)
    by_clinician: dict[str, Count] = field(default_factory=dict)
    by_payer: dict[tuple[str, str], Count] = field(default_factory=dict)
    """By payer id and payer profile."""
    by_day: dict[date | str, Count] = field(default_factory=dict)
    by_rule: dict[tuple[str, Severity], RuleCount] = field(default_factory=dict)
    """By rule and severity: a rule may warn of one claim and fail another."""
    by_fixer: Counter[Fixer] = field(default_factory=Counter)
    open: dict[str, Open] = field(default_factory=dict)
    oddities: dict[str, Oddity] = field(default_factory=dict)
    listed: list[Failed] = field(default_factory=list)
    unread: list[Unreadable] = field(default_factory=list)
    unread_count: int = 0
    complaints: list[str] = field(default_factory=list)
    files: int = 0
    _last_file: str | None = None

    def claim(self, file: str, read: ReadClaim, judgement: Judgement) -> None:
        """Count a judged claim."""
        self._file(file)
        failed = judgement.verdict is Verdict.FAIL
        charge = sum((line.charge or Decimal(0) for line in read.claim.lines), Decimal(0)) if failed else Decimal(0)
        self.claims += 1
        self.not_judged += not judgement.applicable
        self.failed += failed
        self.held += charge
        self._findings(judgement, charge)
        self._groups(read, judgement, charge, failed=failed)
        self._odd(file, read.structure)
        if failed and len(self.listed) < MOST_CLAIMS:
            self.listed.append(_listed(file, read, judgement, charge))

    def unreadable(self, file: str, read: Unreadable) -> None:
        """Count what could not be read."""
        self._file(file)
        self.unread_count += 1
        self._odd(file, read.structure)
        if len(self.unread) < MOST_UNREAD:
            self.unread.append(read)

    def complaint(self, text: str) -> None:
        """Keep what was wrong beside the claims: a file that is not there."""
        self.unread_count += 1
        if len(self.complaints) < MOST_UNREAD:
            self.complaints.append(text)

    def _file(self, file: str) -> None:
        if file != self._last_file:
            self._last_file = file
            self.files += 1

    def _findings(self, judgement: Judgement, charge: Decimal) -> None:
        rules: set[tuple[str, Severity]] = set()
        needs: set[str] = set()
        fixers: set[Fixer] = set()
        for finding in judgement.findings:
            if finding.outcome is Outcome.UNDETERMINED:
                self._open(finding, needs)
                continue
            if finding.severity is Severity.INFO:
                continue
            if finding.severity is Severity.ERROR:
                self.errors += 1
                fixers.add(finding.fixer)
            if (finding.rule, finding.severity) not in rules:
                rules.add((finding.rule, finding.severity))
                self._rule(finding, charge)
        self.by_fixer.update(fixers)

    def _open(self, finding: Finding, counted: set[str]) -> None:
        fact = finding.needs or "a fact"
        needed = _of(self.open, fact, OTHERS, Open)
        needed.rules.add(finding.rule)
        if fact not in counted:
            counted.add(fact)
            needed.claims += 1

    def _rule(self, finding: Finding, charge: Decimal) -> None:
        key = finding.rule, finding.severity
        count = self.by_rule.get(key)
        if count is None:
            count = RuleCount(finding.rule, finding.title, finding.severity, finding.fixer, finding.denial)
            self.by_rule[key] = count
        count.denial = count.denial or finding.denial
        count.claims += 1
        count.held += charge

    def _groups(self, read: ReadClaim, judgement: Judgement, charge: Decimal, *, failed: bool) -> None:
        claim = read.claim
        day = min(line.service_date for line in claim.lines)
        rules = {each.rule for each in judgement.findings if _is_error(each)} if failed else set()
        for count in (
            _of(self.by_clinician, claim.rendering_provider.npi, OTHERS, Count),
            _of(self.by_payer, (claim.payer.id, judgement.profile), (OTHERS, ""), Count),
            _of(self.by_day, day, OTHERS, Count),
        ):
            count.claims += 1
            if failed:
                count.failed += 1
                count.held += charge
                count.rules.update(rules)

    def _odd(self, file: str, structure: tuple[StructureFinding, ...]) -> None:
        for each in structure:
            odd = self.oddities.setdefault(each.code, Oddity(each.message, f"{file}: {each.position}"))
            odd.times += 1


def _of(groups: dict[Key, Value], key: Key, others: Key, new: type[Value]) -> Value:
    found = groups.get(key)
    if found is None:
        found = groups.setdefault(key if len(groups) < MOST_GROUPS else others, new())
    return found


def _is_error(finding: Finding) -> bool:
    return finding.outcome is Outcome.VIOLATED and finding.severity is Severity.ERROR


def _listed(file: str, read: ReadClaim, judgement: Judgement, charge: Decimal) -> Failed:
    claim = read.claim
    days = [each for line in claim.lines for each in (line.service_date, line.service_date_through) if each]
    shown = [
        Placed(each, read.line_position(each.pointer or ""))
        for each in judgement.findings
        if each.outcome is Outcome.VIOLATED and each.severity is not Severity.INFO
    ]
    return Failed(
        claim_id=claim.claim_id,
        version=claim.version,
        file=file,
        position=read.position,
        clinician=claim.rendering_provider.npi,
        payer=claim.payer.id,
        profile=judgement.profile,
        first_day=min(days),
        last_day=max(days),
        charge=charge,
        findings=tuple(shown),
    )
