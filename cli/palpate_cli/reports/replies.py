"""Replies in the sender's own language: X12 277CA and 999; FHIR resources, one a line (`application/fhir+ndjson`)."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from palpate_intake.outcome import ReadClaim, Unreadable
from palpate_intake.replies.claim_acknowledgment import ClaimAcknowledgment
from palpate_intake.replies.correction_task import correction_task
from palpate_intake.replies.fhir_words import Resource
from palpate_intake.replies.implementation_acknowledgment import ImplementationAcknowledgment
from palpate_intake.replies.operation_outcome import operation_outcome
from palpate_intake.replies.stamp import CannotAnswer, Stamp
from palpate_intake.replies.x12_replies import Form, Read, X12Replies
from palpate_schemas.finding import Finding
from palpate_schemas.values import Outcome
from palpate_validator.book import RuleBook
from palpate_validator.engine import Judgement


def _now() -> datetime:
    return datetime.now().astimezone()


class X12ReplyReport:
    """One interchange for each that is answered."""

    def __init__(self, form: Form, book: RuleBook, *, show_undetermined: bool) -> None:
        del book, show_undetermined  # a 277CA knows accepted and rejected, and nothing between
        now = _now()
        # Nine digits that rise: a partner takes a number that it has seen for a repeated interchange.
        self._replies = X12Replies(form, Stamp(at=now, control=int(now.timestamp() * 10) % 10**9))
        self._refused: set[str] = set()

    def claim(self, file: str, read: ReadClaim, judgement: Judgement) -> str:
        """What is finished by this claim.

        Raises:
            CannotAnswer: for the first claim of a file that came in no interchange.
        """
        return self._add(file, read, judgement.findings)

    def unreadable(self, file: str, read: Unreadable) -> str:
        """What cannot be read is rejected, where an interchange holds it; else stderr alone tells of it."""
        return self._add(file, read, ()) if read.envelope is not None else ""

    def end(self) -> str:
        """The closing envelopes."""
        return self._replies.end()

    def _add(self, file: str, read: Read, findings: Sequence[Finding]) -> str:
        try:
            return self._replies.add(file, read, findings)
        except CannotAnswer:
            if file in self._refused:
                return ""
            self._refused.add(file)
            raise


class OutcomeReport:
    """An `OperationOutcome` for each claim, and for what is none."""

    def __init__(self, book: RuleBook, *, show_undetermined: bool) -> None:
        del book
        self._show_undetermined = show_undetermined

    def claim(self, file: str, read: ReadClaim, judgement: Judgement) -> str:
        """What is wrong; open questions where they are asked for."""
        del file
        shown = [
            each for each in judgement.findings if self._show_undetermined or each.outcome is not Outcome.UNDETERMINED
        ]
        return _line(operation_outcome(read, shown))

    def unreadable(self, file: str, read: Unreadable) -> str:
        """Why it could not be read."""
        del file
        return _line(operation_outcome(read))

    def end(self) -> str:
        """Nothing: every line is a whole."""
        return ""


class TaskReport:
    """A `Task` for each claim that fails; a claim that passes asks nobody for anything."""

    def __init__(self, book: RuleBook, *, show_undetermined: bool) -> None:
        del book, show_undetermined
        self._authored = _now()

    def claim(self, file: str, read: ReadClaim, judgement: Judgement) -> str:
        """The request to correct it."""
        del file
        task = correction_task(read, judgement.findings, self._authored)
        return "" if task is None else _line(task)

    def end(self) -> str:
        """Nothing: every line is a whole."""
        return ""


def _line(resource: Resource) -> str:
    return json.dumps(resource, ensure_ascii=False) + "\n"


REPLIES: dict[str, Callable[..., X12ReplyReport | OutcomeReport | TaskReport]] = {
    "277ca": partial(X12ReplyReport, ClaimAcknowledgment()),
    "999": partial(X12ReplyReport, ImplementationAcknowledgment()),
    "operationoutcome": OutcomeReport,
    "task": TaskReport,
}
"""By the word after `--format`."""
