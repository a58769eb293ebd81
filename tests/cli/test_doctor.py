"""`palpate doctor`: what will hurt one day is said, with what to do."""

import json
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from typer.testing import CliRunner

from palpate_cli.main import app
from palpate_runtime.embedded import EmbeddedRedis


@pytest.fixture
def server(tmp_path: Path) -> Any:
    with EmbeddedRedis(tmp_path / "redis") as running:
        yield running


def examined(server: EmbeddedRedis, *words: str) -> tuple[int, dict[str, dict[str, str]]]:
    shown = CliRunner().invoke(app, ["doctor", "--redis", server.url, "--format", "json", *words])
    return shown.exit_code, {check["what"]: check for check in json.loads(shown.output)}


def test_the_embedded_default_has_no_errors(server: EmbeddedRedis) -> None:
    code, found = examined(server)
    assert code == 0
    assert found["maxmemory-policy"]["level"] == "ok"
    assert found["append-only file"]["found"] == "appendfsync everysec"
    assert found["clock"]["level"] == "ok"
    assert found["user"]["level"] == "warning"
    assert found["claims.created, group validator"]["level"] == "warning"


@pytest.mark.parametrize(
    ("setting", "value", "what", "level"),
    [
        ("maxmemory-policy", "allkeys-lru", "maxmemory-policy", "error"),
        ("maxmemory", "1", "memory", "error"),
        ("maxmemory", "10gb", "memory", "ok"),
        ("appendonly", "no", "append-only file", "error"),
        ("appendfsync", "no", "append-only file", "warning"),
        ("appendfsync", "always", "append-only file", "ok"),
    ],
)
def test_a_setting_that_will_hurt_is_said(
    server: EmbeddedRedis, setting: str, value: str, what: str, level: str
) -> None:
    with Redis(port=server.port) as redis:
        redis.config_set(setting, value)
        code, found = examined(server)
    assert found[what]["level"] == level
    assert code == (1 if level == "error" else 0)
    if level != "ok":
        assert found[what]["advice"]


def test_what_vanished_and_what_was_given_up_is_said(server: EmbeddedRedis) -> None:
    with Redis(port=server.port) as redis:
        redis.xgroup_create("claims.created", "validator", id="0", mkstream=True)
        redis.hset("palpate:ledger:claims.created:validator", mapping={"finished": 0, "vanished": 0})
        redis.xadd("claims.created", {"event": "1"})
        redis.xtrim("claims.created", maxlen=0, approximate=False)
        redis.xadd("claims.failed.dead", {"event": "1"})
    code, found = examined(server)
    assert code == 1
    assert found["claims.created, group validator"]["found"] == "1 entries vanished unread"
    assert found["claims.failed.dead"]["advice"] == "palpate dlq list"


@pytest.mark.parametrize("stream", ["claims.created", "claims.rejected", "corrections", "webhooks"])
def test_a_group_that_nobody_reads_with_any_more_is_said(server: EmbeddedRedis, stream: str) -> None:
    with Redis(port=server.port) as redis:
        redis.xgroup_create(stream, "intake", id="0", mkstream=True)
        assert f"{stream}, group intake" not in examined(server)[1]
        redis.xadd(stream, {"event": "1"})
        _, found = examined(server)
        assert found[f"{stream}, group intake"]["found"] == "no consumer"
        assert f"XGROUP DESTROY {stream} intake" in found[f"{stream}, group intake"]["advice"]
        redis.xgroup_createconsumer(stream, "intake", "here")
        assert f"{stream}, group intake" not in examined(server)[1]


def test_a_limited_user_is_fine_and_what_it_may_not_see_is_said(server: EmbeddedRedis) -> None:
    with Redis(port=server.port) as redis:
        redis.acl_setuser(
            "ops",
            enabled=True,
            passwords=["+secret"],
            commands=["+info", "+time", "+xinfo", "+xlen", "+eval", "+xpending", "+exists", "+hgetall", "+ping"],
            keys=["*"],
        )
    url = server.url.replace("127.0.0.1", "ops:secret@127.0.0.1")
    shown = CliRunner().invoke(app, ["doctor", "--redis", url, "--format", "json"])
    found = {check["what"]: check for check in json.loads(shown.output)}
    assert found["settings"]["found"] == "this user may not read them"
    assert found["user"]["level"] == "ok"


def test_a_database_that_is_not_there_is_said(server: EmbeddedRedis, tmp_path: Path) -> None:
    code, found = examined(server, "--database", f"sqlite+aiosqlite:///{tmp_path / 'none.db'}")
    assert code == 1
    assert found["case database"]["level"] == "error"


def test_a_database_that_is_away_is_said(server: EmbeddedRedis, closed_port: int) -> None:
    code, found = examined(server, "--database", f"postgresql+asyncpg://palpate@127.0.0.1:{closed_port}/palpate")
    assert code == 1
    assert (found["case database"]["level"], found["case database"]["found"]) == ("error", "ConnectionRefusedError")


def test_a_redis_that_is_away_is_said(closed_port: int) -> None:
    assert CliRunner().invoke(app, ["doctor", "--redis", f"redis://127.0.0.1:{closed_port}"]).exit_code == 2
