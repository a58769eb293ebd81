"""The engine as every other framework's job uses it: the bytes of an event in, its verdict and where it goes out."""

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from palpate_schemas.lean import to_json
from palpate_validator.book import RuleBook, shipped_rule_book
from palpate_validator.verdicts import answer

URL = os.environ.get("PALPATE_REDIS_URL", "redis://127.0.0.1:6379/0")


@cache
def book() -> RuleBook:
    """The shipped rule book, loaded once a process."""
    return shipped_rule_book()


def judged(raw: str) -> tuple[str, bytes]:
    """The stream and the event that answer a claim event, by the same code as in Palpate's validator."""
    found = answer(raw.encode(), "-", book(), datetime.now(UTC))
    return found.stream, to_json(found.event)


def events(file: str) -> list[str]:
    """The claim events of a file, one a line."""
    return Path(file).read_text("utf-8").splitlines()
