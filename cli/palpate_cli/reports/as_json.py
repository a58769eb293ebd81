"""The contract's JSON: one object a claim."""

import json
from typing import Any

from pydantic_core import to_json

from palpate_intake.outcome import ReadClaim
from palpate_validator.book import RuleBook
from palpate_validator.engine import Judgement


def as_object(read: ReadClaim, judgement: Judgement) -> dict[str, Any]:
    """`{"claim_id", "version", "verdict", "findings": [...]}`."""
    findings = [finding.model_dump(mode="json", by_alias=True, exclude_none=True) for finding in judgement.findings]
    return {**_head(read, judgement), "findings": findings}


def _head(read: ReadClaim, judgement: Judgement) -> dict[str, Any]:
    counts = judgement.counts
    return {
        "claim_id": read.claim.claim_id,
        "version": read.claim.version,
        "verdict": str(judgement.verdict),
        "applicable": judgement.applicable,
        "profile": judgement.profile,
        "counts": {"judged": counts.judged, "violated": counts.violated, "undetermined": counts.undetermined},
    }


def json_line(read: ReadClaim, judgement: Judgement) -> str:
    """`as_object` as JSON text, from findings that are written already."""
    findings = ",".join([finding.json_text for finding in judgement.findings])
    head = to_json(_head(read, judgement)).decode()
    return f'{head[:-1]},"findings":[{findings}]}}'


class JsonLinesReport:
    """One line a claim."""

    def __init__(self, book: RuleBook, *, show_undetermined: bool) -> None:
        del book, show_undetermined  # a program gets everything, always

    def claim(self, file: str, read: ReadClaim, judgement: Judgement) -> str:
        del file
        return json_line(read, judgement) + "\n"

    def end(self) -> str:
        return ""


class JsonReport:
    """One document: the rule book that judged, and the claims."""

    def __init__(self, book: RuleBook, *, show_undetermined: bool) -> None:
        del show_undetermined
        self._ruleset = book.ruleset
        self._started = False

    def claim(self, file: str, read: ReadClaim, judgement: Judgement) -> str:
        entry = {"file": file, "position": read.position, **as_object(read, judgement)}
        return self._opening() + json.dumps(entry, ensure_ascii=False)

    def end(self) -> str:
        return (self._opening() if not self._started else "") + "\n]}\n"

    def _opening(self) -> str:
        if self._started:
            return ",\n"
        self._started = True
        return '{"ruleset": ' + self._ruleset.model_dump_json() + ', "claims": [\n'
