"""Claims that break the validator, rules that raise, and the way back out of the dead stream."""

import json

import pytest
from redis.exceptions import ResponseError
from typer.testing import CliRunner

from palpate_cli.main import app
from tests.faults.rig import Rig, claim, size
from tests.processes import event, eventually

BROKEN_RULE = "payer-visit-limit"
"""One that is asked of every claim."""


def _poison(rig: Rig) -> None:
    rig.redis.xadd("claims.created", {"event": event(claim(1) | {"claim_id": "POISON"}, event_id="poison")})


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_claim_that_kills_is_buried_alone_and_judged_once_the_fault_is_mended(rig: Rig) -> None:
    rig.publish(range(size(60, 400)))
    _poison(rig)
    rig.publish(range(1_000, 1_000 + size(60, 400)))
    sabotage = {"SABOTAGE": "poison_kills", "SABOTAGE_DONE": str(rig.folder / "done")}
    deaths = 0
    worker = rig.start("validator", wait=False, module="tests.faults.sabotage", extra=sabotage, reclaim_idle_ms="300")
    assert worker.process is not None
    while not rig.redis.xlen("claims.created.dead"):
        if worker.process.poll() is not None:
            deaths += 1
            assert deaths <= 6, "it kills and kills"
            worker.start(wait=False)
        eventually(
            lambda: worker.process.poll() is not None or rig.redis.xlen("claims.created.dead"),  # type: ignore[union-attr]
            within=30,
            what="a death or a burial",
        )
    rig.settle(notifier=False)
    rig.says |= {"deaths": deaths}
    rig.check(notifier=False, buried=1)
    worker.kill()
    # Mended: the letter is sent again, byte for byte, and judged.
    rig.start("validator")
    shown = CliRunner().invoke(app, ["dlq", "replay", "--all", "--redis", rig.url, "--reason", "mended"])
    assert shown.exit_code == 0
    eventually(lambda: any(e["subject"] == "POISON" for e in rig.events("claims.passed")), within=20, what="judged")


def test_a_claim_that_breaks_the_validator_is_buried_and_holds_up_nobody(rig: Rig) -> None:
    rig.publish(range(30))
    _poison(rig)
    rig.publish(range(100, 130))
    rig.start("validator", module="tests.faults.sabotage", extra={"SABOTAGE": "poison_raises"}, reclaim_idle_ms="300")
    eventually(lambda: rig.redis.xlen("claims.created.dead") == 1, within=30, what="buried")
    rig.settle(notifier=False)
    letter = json.loads(rig.redis.xrange("claims.created.dead")[0][1][b"event"])  # type: ignore[index]
    assert letter["error"].startswith("RuntimeError at ")
    assert letter["attempts"] == 5
    rig.check(notifier=False, buried=1)


def test_a_rule_that_raises_is_said_and_the_others_judge(rig: Rig) -> None:
    rig.publish(range(30))
    rig.start(
        "validator",
        module="tests.faults.sabotage",
        extra={"SABOTAGE": "rule_raises", "SABOTAGE_RULE": BROKEN_RULE},
    )
    rig.settle(notifier=False)
    found = [f for e in rig.events("claims.passed") for f in e["data"]["findings"] if f["rule"] == BROKEN_RULE]
    assert {f["outcome"] for f in found} == {"undetermined"}
    assert len(rig.logged("rule_failed")) == 30
    rig.check(notifier=False)


@pytest.mark.slow
def test_an_outcome_stream_of_the_wrong_type_waits_and_heals(rig: Rig) -> None:
    rig.redis.set("claims.failed", "not a stream")
    worker = rig.start("validator")
    rig.publish(range(60))
    rig.not_ready(worker)
    with pytest.raises(ResponseError):
        rig.redis.xlen("claims.failed")
    assert rig.logged("waiting_to_commit")[0]["reason"] == "wrong_type"
    rig.redis.delete("claims.failed")
    rig.ready(worker)
    rig.settle(notifier=False)
    rig.check(notifier=False)
