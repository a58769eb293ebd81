"""`palpate dlq` on a real server: a letter leaves the dead stream once, with what becomes of it and who did it."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from typer.testing import CliRunner

from palpate_cli.dlq import Filters, letters, settled, span
from palpate_cli.main import app
from palpate_schemas.events import DeadLetter
from tests.processes import event
from tests.validator.claims import claim_with

CANARY = "ZAPHODCANARY"


def bury(redis: "Redis", claim_id: str = "CLM-1", *, error: str = "ValueError at rule.py:1", age_h: float = 0) -> bytes:
    """A dead letter as the consumer writes it; returns the event's bytes."""
    claim = claim_with(claim={"claim_id": claim_id, "patient": {"id": "1", "name": CANARY}})
    original = event(claim, event_id=f"event of {claim_id}")
    letter = DeadLetter(
        stream="claims.created",
        entry_id="1-1",
        attempts=5,
        error=error,
        given_up_at=datetime.now(UTC) - timedelta(hours=age_h),
        original_base64=base64.b64encode(original).decode(),
    )
    redis.xadd("claims.created.dead", {"event": letter.model_dump_json()})
    return original


def palpate(redis_url: str, *words: str) -> Any:
    return CliRunner().invoke(app, ["dlq", *words, "--redis", redis_url])


def ids(redis: "Redis", **filters: Any) -> list[str]:
    return [letter.named["claim_id"] or "" for letter in letters(redis, Filters(**filters), (None,))]


def test_filters_leave_what_is_meant(redis: "Redis") -> None:
    bury(redis, "A")
    bury(redis, "B", error="KeyError at visit.py:9")
    bury(redis, "C", age_h=48)
    assert ids(redis) == ["A", "B", "C"]
    assert ids(redis, error="keyerror") == ["B"]
    assert ids(redis, claim="C") == ["C"]
    assert ids(redis, since=timedelta(hours=24)) == ["A", "B"]
    assert ids(redis, limit=2) == ["A", "B"]
    assert ids(redis, stream="claims.failed") == []


def test_a_listing_holds_no_phi_and_names_the_claim(redis: "Redis", redis_url: str) -> None:
    bury(redis, "A")
    shown = palpate(redis_url, "list", "--format", "json")
    assert shown.exit_code == 0
    assert CANARY not in shown.output
    row = json.loads(shown.output)
    assert (row["claim_id"], row["attempts"], row["error"]) == ("A", 5, "ValueError at rule.py:1")
    assert CANARY not in palpate(redis_url, "show", row["id"]).output
    assert CANARY in palpate(redis_url, "show", row["id"], "--phi").output


def test_a_replay_sends_the_very_bytes_once_and_leaves_a_line(redis: "Redis", redis_url: str) -> None:
    original = bury(redis, "A")
    assert palpate(redis_url, "replay", "--all", "--reason", "rule mended").exit_code == 0
    assert palpate(redis_url, "replay", "--all").exit_code == 1
    assert [fields[b"event"] for _, fields in redis.xrange("claims.created")] == [original]
    assert redis.xlen("claims.created.dead") == 0
    [(_, fields)] = redis.xrange("claims.created.dead.audit")
    line = json.loads(fields[b"event"])
    assert (line["action"], line["reason"], line["claim_id"]) == ("replay", "rule mended", "A")
    assert "@" in line["actor"]
    assert CANARY not in json.dumps(line)


def test_two_people_at_once_send_it_once(redis: "Redis") -> None:
    bury(redis, "A")
    [letter] = letters(redis, Filters(), (None,))
    assert settled(redis, letter, "replay")
    assert not settled(redis, letter, "replay")
    assert redis.xlen("claims.created") == 1


@pytest.mark.parametrize("key", ["claims.created", "claims.created.dead.audit"])
def test_a_letter_that_cannot_go_where_it_should_stays(redis: "Redis", redis_url: str, key: str) -> None:
    original = bury(redis, "A")
    redis.set(key, "not a stream")
    shown = palpate(redis_url, "replay", "--all")
    assert (shown.exit_code, "wrong_type" in shown.output) == (2, True)
    assert redis.xlen("claims.created.dead") == 1
    redis.delete(key)
    assert palpate(redis_url, "replay", "--all").exit_code == 0
    assert [fields[b"event"] for _, fields in redis.xrange("claims.created")] == [original]


def test_a_dry_run_changes_nothing(redis: "Redis", redis_url: str) -> None:
    bury(redis, "A")
    shown = palpate(redis_url, "replay", "--all", "--dry-run")
    assert "1 would be sent again" in shown.output
    assert (redis.xlen("claims.created"), redis.xlen("claims.created.dead")) == (0, 1)
    assert redis.exists("claims.created.dead.audit") == 0


def test_a_drop_wants_a_reason_and_keeps_a_line(redis: "Redis", redis_url: str) -> None:
    bury(redis, "A")
    assert palpate(redis_url, "drop", "--all").exit_code == 2
    assert palpate(redis_url, "drop", "--claim", "A", "--reason", "test data").exit_code == 0
    assert (redis.xlen("claims.created"), redis.xlen("claims.created.dead")) == (0, 0)
    [(_, fields)] = redis.xrange("claims.created.dead.audit")
    assert json.loads(fields[b"event"])["action"] == "drop"


def test_nothing_is_done_to_everything_by_accident(redis: "Redis", redis_url: str) -> None:
    bury(redis, "A")
    assert palpate(redis_url, "replay").exit_code == 2
    assert redis.xlen("claims.created.dead") == 1


def test_the_limit_holds(redis: "Redis", redis_url: str) -> None:
    for number in range(5):
        bury(redis, f"C{number}")
    palpate(redis_url, "replay", "--all", "--limit", "2")
    assert (redis.xlen("claims.created"), redis.xlen("claims.created.dead")) == (2, 3)


def test_an_unknown_stream_is_named(redis: "Redis", redis_url: str) -> None:
    shown = palpate(redis_url, "list", "--stream", "claims.nothing")
    assert shown.exit_code == 2
    assert "claims.nothing" in shown.output


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("12h", 43_200), ("7d", 604_800)])
def test_spans(text: str, seconds: int) -> None:
    assert span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "7", "d", "1w", "-1d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no span of time"):
        span(text)


def test_what_is_no_letter_is_not_taken_for_nothing(redis: "Redis", redis_url: str) -> None:
    entry_id = redis.xadd("claims.created.dead", {"event": f"{CANARY} {{"})
    shown = palpate(redis_url, "list")
    assert shown.exit_code == 0
    assert f"claims.created.dead/{entry_id.decode()}" in shown.output
    assert "every entry was handled" not in shown.output
    assert CANARY not in shown.output


def test_what_is_no_letter_stays_where_it_lies(redis: "Redis", redis_url: str) -> None:
    redis.xadd("claims.created.dead", {"other": "field"})
    assert palpate(redis_url, "drop", "--all", "--reason", "cleared").exit_code == 1
    assert redis.xlen("claims.created.dead") == 1


def test_a_limit_that_was_reached_is_said(redis: "Redis", redis_url: str) -> None:
    bury(redis, "A")
    bury(redis, "B")
    assert "there may be more" in palpate(redis_url, "replay", "--all", "--limit", "1").output
    assert "there may be more" not in palpate(redis_url, "replay", "--all").output


def test_a_form_of_printing_that_is_not_there_is_refused(redis_url: str) -> None:
    assert palpate(redis_url, "list", "--format", "yaml").exit_code == 2
