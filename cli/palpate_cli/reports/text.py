"""For people: a claim a paragraph, a finding a block, what to do in every one."""

from palpate_intake.outcome import ReadClaim
from palpate_schemas.finding import Denial, Finding
from palpate_schemas.values import Fixer, Outcome, Severity, Verdict
from palpate_validator.book import RuleBook
from palpate_validator.engine import Judgement

WHO = {Fixer.CLINICIAN: "clinician", Fixer.BILLER: "billing", Fixer.FRONT_DESK: "front desk"}


class TextReport:
    """Colour-free text in fixed places, so that it reads the same in a terminal, a log and a mail."""

    def __init__(self, book: RuleBook, *, show_undetermined: bool) -> None:
        del book
        self._show_undetermined = show_undetermined
        self._passed = self._failed = self._not_applicable = self._findings = 0

    def claim(self, file: str, read: ReadClaim, judgement: Judgement) -> str:
        """The claim's paragraph; nothing for one that is clean."""
        self._count(judgement)
        violated = [finding for finding in judgement.findings if finding.outcome is Outcome.VIOLATED]
        faults = [finding for finding in violated if finding.severity is not Severity.INFO]
        if not (faults or read.structure or self._show_undetermined):
            return ""
        notices = [finding for finding in violated if finding.severity is Severity.INFO]
        open_questions = [finding for finding in judgement.findings if finding.outcome is Outcome.UNDETERMINED]
        shown = faults + (notices + open_questions if self._show_undetermined else [])
        notes = [f"  note: {note.position}: {note.message}\n" for note in read.structure]
        if not shown and not notes:
            return ""
        self._findings += len(faults)
        verdict = "FAILS" if judgement.verdict is Verdict.FAIL else "passes"
        head = f"{file}: {read.position}: claim {read.claim.claim_id} version {read.claim.version} {verdict}"
        unchecked = "" if self._show_undetermined or not open_questions else _unchecked(open_questions)
        blocks = "".join(_block(finding, read) for finding in shown)
        return f"{head} (payer profile {judgement.profile})\n{''.join(notes)}{blocks}{unchecked}\n"

    def end(self) -> str:
        """The totals."""
        total = self._passed + self._failed
        if total == 0:
            return "No claims.\n"
        parts = [
            f"{self._failed} of {_claims(total)} {'fails' if self._failed == 1 else 'fail'}"
            if self._failed
            else f"{_claims(total)}, all pass"
        ]
        if self._findings:
            parts.append(f"{self._findings} finding{'s' * (self._findings != 1)}")
        if self._not_applicable:
            parts.append(f"{self._not_applicable} without 97140, not judged")
        return "; ".join(parts) + ".\n"

    def _count(self, judgement: Judgement) -> None:
        self._not_applicable += not judgement.applicable
        if judgement.verdict is Verdict.FAIL:
            self._failed += 1
        else:
            self._passed += 1


def _claims(count: int) -> str:
    return f"{count} claim{'s' * (count != 1)}"


def _block(finding: Finding, read: ReadClaim) -> str:
    where = "claim" if finding.line_number is None else f"line {finding.line_number}"
    position = read.line_position(finding.pointer) if finding.pointer else None
    if position == read.position:
        # The claim's own place (a line of JSON lines) says no more than the paragraph's first row.
        position = None
    grade = "cannot tell" if finding.outcome is Outcome.UNDETERMINED else str(finding.severity)
    rows = [f"  {finding.rule}  {grade}  {where}{f' ({position})' if position else ''}", f"    {finding.message}"]
    rows.append(f"    Do: {finding.remedy} ({WHO[finding.fixer]})")
    if finding.denial is not None and finding.severity is not Severity.INFO:
        rows.append(f"    Denial: {denial_code(finding.denial)}")
    if finding.sources:
        rows.append(f"    Source: {'; '.join(finding.sources)}")
    return "\n".join(rows) + "\n"


def denial_code(denial: Denial) -> str:
    """As on a remittance: `CO-151 N362`."""
    return f"{denial.group}-{denial.carc}" + (f" {denial.rarc}" if denial.rarc else "")


def _unchecked(questions: list[Finding]) -> str:
    missing = sorted({finding.needs for finding in questions if finding.needs})
    count = len({finding.rule for finding in questions})
    return (
        f"  {count} check{'s' * (count != 1)} could not be made for want of: {', '.join(missing)} "
        "(--undetermined lists them)\n"
    )
