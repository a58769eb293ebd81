"""How judged claims are printed: for people, programs, code-scanning viewers, and in the sender's own language."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, runtime_checkable

from palpate_cli.reports.as_json import JsonLinesReport, JsonReport
from palpate_cli.reports.sarif import SarifReport
from palpate_cli.reports.text import TextReport
from palpate_intake.outcome import ReadClaim, Unreadable
from palpate_validator.book import RuleBook
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


def _reply(form: str, book: RuleBook, *, show_undetermined: bool) -> Report:
    """One of the replies; whoever asks for none does not wait for their tables."""
    from palpate_cli.reports.replies import REPLIES

    return REPLIES[form](book, show_undetermined=show_undetermined)


REPORTS: Mapping[str, Callable[..., Report]] = {
    "text": TextReport,
    "json": JsonReport,
    "jsonl": JsonLinesReport,
    "sarif": SarifReport,
    **{form: partial(_reply, form) for form in ("277ca", "999", "operationoutcome", "task")},
}
"""By the word after `--format`."""
