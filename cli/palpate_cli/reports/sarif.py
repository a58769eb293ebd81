"""SARIF 2.1.0, for viewers of static-analysis results."""

import json
import re
from typing import Any

from palpate_cli.reports.text import denial_code
from palpate_intake.outcome import ReadClaim
from palpate_schemas.finding import Finding
from palpate_schemas.values import Outcome, Severity
from palpate_validator.book import RuleBook
from palpate_validator.engine import Judgement

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


class SarifReport:
    """One run; undetermined findings are notes of kind `review`."""

    def __init__(self, book: RuleBook, *, show_undetermined: bool) -> None:
        self._book, self._show_undetermined = book, show_undetermined
        self._results: list[dict[str, Any]] = []
        self._rules = {rule.id: rule for rule in book.rules}

    def claim(self, file: str, read: ReadClaim, judgement: Judgement) -> str:
        for finding in judgement.findings:
            if finding.outcome is Outcome.VIOLATED or self._show_undetermined:
                self._results.append(_result(file, read, finding))
        return ""

    def end(self) -> str:
        used = sorted({result["ruleId"] for result in self._results})
        for result in self._results:
            result["ruleIndex"] = used.index(result["ruleId"])
        run = {
            "tool": {
                "driver": {
                    "name": "palpate",
                    "version": self._book.ruleset.version,
                    "rules": [self._rule(rule_id) for rule_id in used],
                }
            },
            "results": self._results,
        }
        return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"

    def _rule(self, rule_id: str) -> dict[str, Any]:
        rule = self._rules[rule_id]
        return {
            "id": rule_id,
            "shortDescription": {"text": rule.title},
            "help": {"text": rule.page, "markdown": rule.page},
            "properties": {"tags": [rule.family]},
        }


def _result(file: str, read: ReadClaim, finding: Finding) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": file.replace("\\", "/")}}
    position = (read.line_position(finding.pointer) if finding.pointer else None) or read.position
    if (line := re.fullmatch(r"line (\d+)", position or "")) is not None:
        physical["region"] = {"startLine": int(line[1])}
    properties: dict[str, Any] = {"fixer": str(finding.fixer), "remedy": finding.remedy, "evidence": finding.evidence}
    if finding.denial is not None:
        properties["denial"] = denial_code(finding.denial)
    return {
        "ruleId": finding.rule,
        # The specification wants `none` where nothing failed.
        "level": _LEVELS[finding.severity] if finding.outcome is Outcome.VIOLATED else "none",
        "kind": "fail" if finding.outcome is Outcome.VIOLATED else "review",
        "message": {"text": f"{finding.message} {finding.remedy}"},
        "locations": [
            {
                "physicalLocation": physical,
                "logicalLocations": [
                    {"fullyQualifiedName": f"claim {read.claim.claim_id}{finding.pointer or ''}", "kind": "object"}
                ],
            }
        ],
        "partialFingerprints": {"claimRule/v1": f"{read.claim.claim_id}:{finding.rule}:{finding.pointer or ''}"},
        "properties": properties,
    }
