"""Logs: PHI cannot appear, because only fields on the list can."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from palpate_runtime.logs import ALLOWED_FIELDS, configure, only_allowed_fields, place_of
from palpate_schemas.claim import Patient

CANARY = "ZAPHOD BEEBLEBROX 1942-11-11"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What a configured process writes to stderr, parsed."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    configure("validator", log_format="json")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_line_is_an_event_with_its_service_and_time(lines: Any) -> None:
    structlog.stdlib.get_logger().info("claim_judged", claim_id="CLM-1", verdict="fail", errors=3)
    [line] = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "claim_judged",
        "service": "validator",
        "level": "info",
        "claim_id": "CLM-1",
        "verdict": "fail",
        "errors": 3,
    }


@pytest.mark.parametrize("name", ["M\u00fcller\u2028 1", "no\nline", "\udc80.json", "\x1b[31m", "", "\U0001f9b4"])
def test_whatever_a_name_holds_a_line_is_one_line_of_ascii(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    try:
        configure("validator", log_format="json")
        structlog.stdlib.get_logger().info("file_read", path=name, pointers=[name], count=2**70)
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
    assert stream.getvalue().isascii()
    [line] = stream.getvalue().splitlines()
    assert (json.loads(line)["path"], json.loads(line)["count"]) == (name, 2**70)


def test_a_field_that_nobody_thought_of_is_dropped(lines: Any) -> None:
    structlog.stdlib.get_logger().info("claim_judged", patient_name=CANARY, note=CANARY, claim=Patient(id=CANARY))
    assert CANARY not in json.dumps(lines())


def test_an_object_does_not_get_through_under_an_allowed_name(lines: Any) -> None:
    structlog.stdlib.get_logger().info("claim_judged", claim_id=Patient(id=CANARY), pointers=[{"name": CANARY}])
    assert CANARY not in json.dumps(lines())


def test_an_error_is_its_type_and_place_never_its_text(lines: Any) -> None:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as cause:
            raise ValueError(f"wrong name {CANARY}") from cause
    except ValueError:
        structlog.stdlib.get_logger().exception("rule_failed", rule="units-total-over")
    [line] = lines()
    assert (line["error"], line["error_chain"], line["rule"]) == ("ValueError", ["KeyError"], "units-total-over")
    assert line["where"].startswith("test_logs.py:")
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize("name", ["faststream", "redis", "sqlalchemy.engine", "uvicorn.error", "anything"])
def test_a_librarys_own_lines_carry_no_values(lines: Any, name: str) -> None:
    logger = logging.getLogger(name)
    logger.warning("could not handle %s", CANARY)
    logger.warning(f"could not handle {CANARY}" if not name.startswith("uvicorn") else "plain")
    try:
        raise RuntimeError(CANARY)
    except RuntimeError:
        logger.exception("failed on %r", {"name": CANARY})
    assert len(lines()) == 3
    assert CANARY not in json.dumps(lines())


@given(st.dictionaries(st.sampled_from(sorted(ALLOWED_FIELDS)) | st.text(max_size=12), st.just(CANARY) | st.integers()))
def test_whatever_is_logged_only_listed_fields_remain(fields: dict[str, Any]) -> None:
    kept = only_allowed_fields(None, "info", dict(fields))
    assert kept.keys() == fields.keys() & (ALLOWED_FIELDS | {"_record", "_from_structlog"})


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place_of(ValueError(CANARY)) == ""


class _FullDisk(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_line_that_cannot_be_written_breaks_nobody(monkeypatch: pytest.MonkeyPatch, lines: Any) -> None:
    monkeypatch.setattr(sys, "stderr", _FullDisk())
    configure("validator", log_format="json")
    structlog.stdlib.get_logger().info("claim_judged", claim_id="CLM-1")
    assert lines() == []


@pytest.mark.usefixtures("lines")
def test_a_level_that_was_not_asked_for_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure("validator", log_format="json", level="warning")
    structlog.stdlib.get_logger().info("claim_judged")
    structlog.stdlib.get_logger().warning("trouble")
    assert [json.loads(line)["event"] for line in written.getvalue().splitlines()] == ["trouble"]
