"""What is said of a person in a claim, followed through everything that comes out of Palpate."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from palpate_cli.main import app
from tests.faults.rig import CANARIES, Rig, claim
from tests.processes import event, eventually

NAME = CANARIES[0]

WRONG_FIELDS: dict[str, Any] = {
    "claim_id": {NAME: NAME},
    "version": NAME,
    "submitted_on": f"2025-01-01 {NAME}",
    "payer": {"id": "P", "program": NAME, "profile": [NAME]},
    "patient": {"id": {"name": NAME}, "name": [NAME], "birth_date": f"{CANARIES[1]}T{NAME}", "sex": NAME},
    "rendering_provider": {"npi": "1", "profession": NAME},
    "place_of_service": NAME,
    "diagnoses": [NAME, {NAME: NAME}],
    "lines": [{"line_number": NAME, "procedure_code": NAME, "charge": NAME, "modifiers": [NAME], NAME: {NAME: NAME}}],
    "documentation": [{"text": {NAME: NAME}, "service_minutes": {NAME: NAME}, "signed_by": NAME, "start": NAME}],
    "therapy_accrual": {"year": NAME, NAME: NAME},
    "coverage": {"visit_limit": NAME},
}


def unreadable() -> Iterator[bytes]:
    """Events that cannot be read as claims, each with somebody's name where it does not belong."""
    for field, value in WRONG_FIELDS.items():
        yield event(claim(1) | {field: value}, event_id=f"wrong {field}")
    good = json.loads(event(claim(1), event_id="envelope"))
    for field in ("specversion", "type", "time", "datacontenttype", "dataschema", "traceparent"):
        yield json.dumps(good | {"id": f"envelope {field}", field: f"{NAME} {CANARIES[3]}"}).encode()
    yield json.dumps(good | {"id": "no object", "data": [NAME]}).encode()
    yield json.dumps([NAME]).encode()
    yield f"{NAME} {{".encode()
    yield NAME.encode("utf-16")
    yield event(claim(1), event_id="cut")[:-40]
    yield event(claim(1), event_id="not a number").replace(b'"version": 1', f'"version": "{NAME}"'.encode())


def test_nothing_that_is_said_of_a_person_comes_out_anywhere(rig: Rig) -> None:
    """Good, wrong, unreadable, poisonous: verdicts, rejections, dead letters, their audit, mails, logs and metrics."""
    sabotage = {"SABOTAGE": "poison_raises"}
    rig.start("validator", wait=False, module="tests.faults.sabotage", extra=sabotage, reclaim_idle_ms="300")
    rig.start("notifier", wait=False, reclaim_idle_ms="300")
    rig.publish(range(30))
    for raw in unreadable():
        rig.redis.xadd("claims.created", {"event": raw})
    for number in range(2):
        poison = claim(1) | {"claim_id": f"POISON-{number}"}
        rig.redis.xadd("claims.created", {"event": event(poison, event_id=f"poison {number}")})
    strange = json.dumps({"type": "claim.failed", "data": {"findings": NAME}})
    not_ours: Any = rig.redis.xadd("claims.failed", {"event": strange})
    eventually(lambda: rig.redis.xlen("claims.created.dead") == 2, within=30, what="claims given up")
    eventually(lambda: rig.redis.xlen("claims.failed.dead") == 1, within=30, what="a verdict given up")
    eventually(lambda: rig.count_answers() >= 30 + len(list(unreadable())), within=30, what="answers")
    eventually(lambda: len(rig.mails.raw) >= 10, within=30, what="mails")
    assert rig.redis.xlen("claims.rejected") > len(WRONG_FIELDS)
    # What somebody else wrote there is no output of ours; what became of it is.
    rig.remember_what_was_sent()
    rig.redis.xdel("claims.failed", not_ours)
    printed = "".join(_printed(rig))
    outputs = dict(rig.outputs())
    assert _expected() <= outputs.keys()
    assert all(outputs[name] for name in _expected())
    rig._check_phi()
    assert not [word for word in CANARIES if word in printed], printed
    rig.says |= {"outputs looked at": len(outputs)}


def _printed(rig: Rig) -> Iterator[str]:
    """What the commands say of it, dead letters dealt with on the way."""
    where = ["--redis", rig.url]
    [first, second] = [entry_id.decode() for entry_id, _ in rig._all_entries("claims.created.dead")]
    for words in (
        ["dlq", "list"],
        ["dlq", "show", first],
        ["dlq", "replay", first, "--reason", "mended"],
        ["dlq", "drop", second, "--reason", "a test"],
        ["status", "--database", rig.database_url],
        ["doctor", "--database", rig.database_url],
        ["reconcile", "--database", rig.database_url, "--format", "json"],
    ):
        shown = CliRunner().invoke(app, [*words, *where])
        assert shown.exit_code in {0, 1}, shown.output
        assert not shown.exception or isinstance(shown.exception, SystemExit), shown.exception
        yield shown.output


def _expected() -> set[str]:
    streams = {"claims.passed", "claims.failed", "claims.rejected", "corrections"}
    dead = {"claims.created.dead.audit", "claims.failed.dead"}
    names = ("validator-0", "notifier-1")
    services = {f"/{path} of {name}" for path in ("metrics", "readyz", "livez") for name in names}
    files = {"validator-0.log", "notifier-1.log", "cases.db", "mail 0"}
    return streams | dead | services | files | {"the names of Redis's keys"}


@pytest.mark.parametrize("place", ["claims.rejected", "claims.created.dead"])
def test_the_rig_finds_a_canary_beside_the_original_bytes(rig: Rig, place: str) -> None:
    """The check itself is checked: what is next to the one exception is an output like any other."""
    sent = event(claim(1), event_id="1")
    rig.redis.xadd("claims.created", {"event": sent})
    letter: dict[str, Any] = {"original_base64": base64.b64encode(sent).decode()}
    body = {"data": letter} if place == "claims.rejected" else letter
    rig.redis.xadd(place, {"event": json.dumps(body)})
    rig._check_phi()
    letter["reason"] = NAME
    rig.redis.xadd(place, {"event": json.dumps(body)})
    with pytest.raises(AssertionError, match=place):
        rig._check_phi()
