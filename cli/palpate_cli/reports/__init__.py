"""How judged claims are printed: for people, programs, code-scanning viewers, and in the sender's own language."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from palpate_cli.reports.as_json import JsonLinesReport, JsonReport
from palpate_cli.reports.replies import REPLIES
from palpate_cli.reports.sarif import SarifReport
from palpate_cli.reports.text import TextReport
from palpate_intake.outcome import ReadClaim, Unreadable
from palpate_validator.engine import Judgement


class Report(Protocol):
    """Prints claim by claim, so that a large file needs no memory."""

    def claim(self, file: str, read: ReadClaim, judgement: Judgement) -> str:
        """What to print for one claim."""
        ...

    def end(self) -> str:
        """What to print when all are judged."""
        ...


@runtime_checkable
class AnswersUnreadable(Protocol):
    """A report that has something to print for what could not be read, too."""

    def unreadable(self, file: str, read: Unreadable) -> str:
        """What to print for it."""
        ...


REPORTS: Mapping[str, Callable[..., Report]] = {
    "text": TextReport,
    "json": JsonReport,
    "jsonl": JsonLinesReport,
    "sarif": SarifReport,
    **REPLIES,
}
"""By the word after `--format`."""
