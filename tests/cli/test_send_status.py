"""`palpate send` and `palpate status` against a real Redis and real services."""

import json
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from typer.testing import CliRunner, Result

from palpate_cli.main import app
from tests.conftest import MailSink
from tests.processes import events_on, eventually, services

SAMPLES = Path(__file__).parents[2] / "samples/json"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_a_sent_claim_is_judged_once_and_status_shows_its_case(
    redis_url: str, redis: "Redis", mail_sink: MailSink, tmp_path: Path
) -> None:
    with services(redis_url, tmp_path, mail_sink.port):
        first = run("send", SAMPLES / "three-faults.json", "--redis", redis_url, "--wait", "15")
        assert first.exit_code == 1
        assert first.stdout.splitlines() == [
            "sent claim.created SYN-1003 version 1",
            "fails SYN-1003 version 1: mod-therapy-missing, ncci-hard, units-total-over",
        ]
        again = run("send", SAMPLES / "three-faults.json", "--redis", redis_url, "--wait", "1")
        assert again.exit_code == 0
        assert "no verdict yet for 1 (SYN-1003): sent before and judged then" in again.stdout
        assert redis.xlen("claims.created") == 2
        passes = run("send", SAMPLES / "two-claims.jsonl", "--redis", redis_url, "--wait", "15")
        assert passes.exit_code == 0
        assert passes.stdout.count("passes SYN-") == 2
        mail_sink.wait_for(1)
        eventually(lambda: events_on(redis, "corrections"), within=10, what="a correction was asked for")
        url = f"sqlite+aiosqlite:///{tmp_path / 'cases.db'}"
        state = run("status", "--redis", redis_url, "--database", url, "--format", "json")
        shown: dict[str, Any] = json.loads(state.stdout)
        text = run("status", "--redis", redis_url, "--database", url)
    assert (state.exit_code, text.exit_code) == (0, 0)
    by_stream = {stream["stream"]: stream for stream in shown["streams"]}
    assert [each["data"]["claim_id"] for each in events_on(redis, "claims.failed")] == ["SYN-1003"]
    assert by_stream["claims.failed"]["length"] == 1
    [group] = by_stream["claims.created"]["groups"]
    assert (group["group"], group["pending"], group["lag"], group["exists"]) == ("validator", 0, 0, True)
    assert sum(shown["cases"]["by_status"].values()) == 1
    assert "Cases: 1 to correct" in text.stdout


def test_bare_data_sent_twice_has_the_same_id(redis_url: str, redis: "Redis", tmp_path: Path) -> None:
    data = json.loads((SAMPLES / "clean-pt-medicare.json").read_text())["data"]
    file = tmp_path / "claim.json"
    file.write_text(json.dumps(data))
    for _ in range(2):
        assert run("send", file, "--redis", redis_url, "--wait", "0").exit_code == 0
    first, second = events_on(redis, "claims.created")
    assert (first["source"], first["id"]) == (second["source"], second["id"])
    assert first["source"] == "urn:palpate:cli"


def test_what_cannot_be_read_is_said_and_the_rest_is_sent(redis_url: str, redis: "Redis") -> None:
    result = run(
        "send", SAMPLES / "unreadable.json", SAMPLES / "clean-pt-medicare.json", "--redis", redis_url, "--wait", "0"
    )
    assert result.exit_code == 2
    assert "unreadable.json, line 55, column 9" in result.stderr
    assert len(events_on(redis, "claims.created")) == 1


def test_an_unknown_type_of_event_is_refused(redis_url: str) -> None:
    result = run("send", SAMPLES / "clean-pt-medicare.json", "--type", "claim.eaten", "--redis", redis_url)
    assert (result.exit_code, result.stderr) == (
        2, "palpate: --type is one of claim.created, claim.corrected, claim.voided\n",
    )  # fmt: skip


@pytest.mark.parametrize("command", [["send", str(SAMPLES / "clean-pt-medicare.json")], ["status"]])
def test_without_redis_the_error_says_what_to_do_and_no_password(command: list[str], closed_port: int) -> None:
    result = run(*command, "--redis", f"redis://:hush@127.0.0.1:{closed_port}/0")
    assert result.exit_code == 2
    assert result.stderr.startswith("palpate: cannot reach Redis")
    assert "is `palpate up` running here?" in " ".join(result.stderr.split())
    assert "hush" not in result.output
