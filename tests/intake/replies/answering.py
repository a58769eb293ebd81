"""Claims read and judged as the command does it, and the replies to them."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from palpate_intake.outcome import ReadClaim
from palpate_intake.reading import read_claims
from palpate_intake.replies.claim_acknowledgment import ClaimAcknowledgment
from palpate_intake.replies.implementation_acknowledgment import ImplementationAcknowledgment
from palpate_intake.replies.stamp import Stamp
from palpate_intake.replies.x12_replies import Form, Read, X12Replies
from palpate_schemas.finding import Finding
from palpate_schemas.values import Fixer, Outcome, Severity
from palpate_validator.book import shipped_rule_book
from palpate_validator.engine import judge
from tests.conftest import SHARED

SAMPLES = Path(__file__).parents[3] / "samples" / "837p"
FILES = sorted(SAMPLES.glob("*.837")) + sorted(
    each for each in (SHARED / "samples" / "837p").rglob("*") if each.is_file()
)

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
STAMP = Stamp(at=AT, control=7)
CLAIMS, SYNTAX = ClaimAcknowledgment(), ImplementationAcknowledgment()


def judged(text: str | bytes, name: str = "claims.837") -> Iterator[tuple[Read, tuple[Finding, ...]]]:
    """What is in a file, with what the shipped rule book says of it."""
    book = shipped_rule_book()
    raw = text if isinstance(text, bytes) else text.encode()
    for read in read_claims(io.BytesIO(raw), name):
        if isinstance(read, ReadClaim):
            yield read, judge(read.claim, read.claim.submitted_on, book).findings
        else:
            yield read, ()


def reply(form: Form, *texts: str | bytes) -> str:
    """The whole reply to some files."""
    replies = X12Replies(form, STAMP)
    parts = []
    for number, text in enumerate(texts):
        parts += [
            replies.add(f"{number}.837", read, findings) for read, findings in judged(text) if read.envelope is not None
        ]
    return "".join([*parts, replies.end()])


def by_delimiters(form: Form) -> list[str]:
    """The replies to every file, those of the same delimiters in one text: pyx12 looks at the first ISA alone."""
    contents = [path.read_bytes() for path in FILES]
    answerable = sorted((marks, text) for text in contents if (marks := _delimiters(reply(form, text))))
    alike = groupby(answerable, key=itemgetter(0))
    return [reply(form, *[text for _, text in same]) for _, same in alike]


def _delimiters(text: str) -> str:
    return text[3:4] + text[104:107]


def finding(rule: str, **more: object) -> Finding:
    """A finding of a rule, as far as a reply looks at it."""
    facts = {
        "rule": rule,
        "family": "units",
        "outcome": Outcome.VIOLATED,
        "severity": Severity.ERROR,
        "title": f"Title of {rule}",
        "message": f"Message of {rule}.",
        "fixer": Fixer.BILLER,
        "remedy": f"Remedy of {rule}.",
    }
    return Finding.model_validate(facts | more)
