"""How judged claims are printed: text for people, JSON lines for programs, SARIF for code-scanning viewers."""

from collections.abc import Callable, Mapping
from typing import Protocol

from palpate_cli.reports.as_json import JsonLinesReport, JsonReport
from palpate_cli.reports.sarif import SarifReport
from palpate_cli.reports.text import TextReport
from palpate_intake.outcome import ReadClaim
from palpate_validator.engine import Judgement


class Report(Protocol):
    """Prints claim by claim, so that a large file needs no memory."""

    def claim(self, file: str, read: ReadClaim, judgement: Judgement) -> str:
        """What to print for one claim."""
        ...

    def end(self) -> str:
        """What to print when all are judged."""
        ...


REPORTS: Mapping[str, Callable[..., Report]] = {
    "text": TextReport,
    "json": JsonReport,
    "jsonl": JsonLinesReport,
    "sarif": SarifReport,
}
"""By the word after `--format`."""
