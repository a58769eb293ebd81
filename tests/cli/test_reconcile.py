"""`palpate reconcile` on a real server and database: every gap is named, and what can be asked for again is."""

import asyncio
import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from typer.testing import CliRunner

from palpate_cli.dlq import Filters, letters, settled
from palpate_cli.main import app
from palpate_cli.reconcile import Account, _ask_again, _created, _standings
from palpate_notifier.database import migrate, open_database
from palpate_notifier.directory import load_directory
from palpate_notifier.recorder import Recorder
from palpate_notifier.routing import load_routes
from palpate_runtime.commit import Commit, ledger_key
from palpate_runtime.consumer import entry_of
from palpate_runtime.retention import Retention
from palpate_schemas.events import DeadLetter
from palpate_validator.app import outcome_of
from palpate_validator.book import shipped_rule_book
from palpate_validator.verdicts import answer
from tests.notifier.verdicts import FIRST
from tests.processes import event
from tests.validator.claims import claim_with


def compared(redis_url: str, *words: str) -> tuple[int, dict[str, Any]]:
    shown = CliRunner().invoke(app, ["reconcile", "--redis", redis_url, "--format", "json", *words])
    return shown.exit_code, json.loads(shown.output)


def kinds(found: dict[str, Any]) -> list[str]:
    return [gap["kind"] for gap in found["gaps"]]


def published(redis: "Redis", *numbers: int, version: int = 1) -> None:
    for number in numbers:
        claim = claim_with(
            claim={"claim_id": f"C{number}", "version": version}, lines=[{"modifiers": [] if number % 2 else ["GP"]}]
        )
        redis.xadd("claims.created", {"event": event(claim, event_id=f"{number}.{version}")})


async def judged(redis: Any, count: int) -> None:
    """What the validator does, in its own words."""
    commit = Commit(redis, "claims.created", "validator", dedupe_ttl_s=60, version_ttl_s=60)
    [(_, entries)] = await redis.xreadgroup("validator", "a", {"claims.created": ">"}, count=count)
    outcomes = []
    for entry_id, fields in entries:
        entry = entry_of("claims.created", entry_id, fields)
        outcomes.append(outcome_of(entry, answer(entry.event, f"x/{entry.id}", shipped_rule_book(), FIRST)))
    await commit(outcomes)


@pytest.fixture
async def groups(async_redis: Any) -> None:
    await Retention(async_redis, "claims.created", "validator").create_group()


@pytest.mark.usefixtures("groups")
async def test_all_is_well(redis: "Redis", async_redis: Any, redis_url: str) -> None:
    published(redis, 1, 2, 3)
    await judged(async_redis, 2)
    code, found = compared(redis_url)
    assert (code, found["gaps"]) == (0, [])
    assert found["counts"]["answered"] == 2
    assert found["counts"]["waiting or in hand"] == 1


@pytest.mark.usefixtures("groups")
async def test_a_claim_that_was_acknowledged_without_a_verdict_is_named_and_asked_for_again(
    redis: "Redis", async_redis: Any, redis_url: str
) -> None:
    published(redis, 1, 2)
    await judged(async_redis, 2)
    redis.xtrim("claims.passed", maxlen=0, approximate=False)
    code, found = compared(redis_url)
    assert code == 1
    assert kinds(found) == ["finished without a verdict"]
    assert "C2 version 1" in found["gaps"][0]["what"]
    code, found = compared(redis_url, "--request")
    assert found["requested"] == 1
    await judged(async_redis, 10)
    assert redis.xlen("claims.passed") == 1
    assert compared(redis_url)[0] == 0


@pytest.mark.usefixtures("groups")
async def test_two_who_find_the_same_gap_have_it_judged_once(redis: "Redis", async_redis: Any) -> None:
    published(redis, 2)
    await judged(async_redis, 1)
    redis.delete("claims.passed")
    found = Account()
    _created(redis, None, _standings(redis, [None]), found)
    assert _ask_again(redis, found.gaps) == 1
    await judged(async_redis, 10)
    assert _ask_again(redis, found.gaps) == 0
    assert redis.xlen("claims.created") == 2
    assert redis.xlen("claims.passed") == 1


@pytest.mark.usefixtures("groups")
async def test_what_has_been_asked_for_again_and_waits_is_no_gap(
    redis: "Redis", async_redis: Any, redis_url: str
) -> None:
    published(redis, 2)
    await judged(async_redis, 1)
    redis.delete("claims.passed")
    assert compared(redis_url, "--request")[1]["requested"] == 1
    code, found = compared(redis_url, "--request")
    assert (code, found["requested"]) == (0, 0)
    assert found["counts"]["sent or asked for again, and waiting"] == 1


@pytest.mark.usefixtures("groups")
async def test_claims_that_are_judged_meanwhile_are_no_gaps(redis: "Redis", async_redis: Any, redis_url: str) -> None:
    published(redis, *range(400))
    done = asyncio.Event()

    async def judge_all() -> None:
        for _ in range(100):
            await judged(async_redis, 4)
        done.set()

    judging = asyncio.create_task(judge_all())
    looks = 0
    while not done.is_set():
        code, found = await asyncio.to_thread(compared, redis_url)
        assert (code, found["gaps"]) == (0, [])
        looks += 1
    await judging
    assert looks > 1


@pytest.mark.usefixtures("groups")
async def test_letters_that_somebody_has_dealt_with_are_no_gaps(
    redis: "Redis", async_redis: Any, redis_url: str
) -> None:
    published(redis, 1, 2, 3)
    [(_, entries)] = await async_redis.xreadgroup("validator", "a", {"claims.created": ">"}, count=3)
    commit = Commit(async_redis, "claims.created", "validator")
    for entry_id, fields in entries:
        letter = DeadLetter(
            stream="claims.created",
            entry_id=entry_id.decode(),
            attempts=5,
            error="ValueError at rule.py:1",
            given_up_at=FIRST,
            original_base64=base64.b64encode(fields[b"event"]).decode(),
        )
        await commit.bury("claims.created.dead", [(entry_id.decode(), letter.model_dump_json().encode())])
    first, second, _ = letters(redis, Filters(), (None,))
    assert settled(redis, first, "replay")
    assert settled(redis, second, "drop")
    await judged(async_redis, 1)
    code, found = compared(redis_url)
    assert (code, found["gaps"]) == (0, [])
    counts = found["counts"]
    assert [counts[each] for each in ("buried", "given up and sent again", "given up and dropped", "answered")] == [
        1
    ] * 4


@pytest.mark.usefixtures("groups")
async def test_an_older_version_needs_no_verdict(redis: "Redis", async_redis: Any, redis_url: str) -> None:
    published(redis, 2, version=2)
    await judged(async_redis, 1)
    published(redis, 2, version=1)
    await judged(async_redis, 1)
    code, found = compared(redis_url)
    assert code == 0
    assert found["counts"]["older than a version already judged"] == 1


@pytest.mark.usefixtures("groups")
async def test_what_vanished_unread_is_told(redis: "Redis", redis_url: str) -> None:
    published(redis, 1, 2, 3)
    redis.xtrim("claims.created", maxlen=0, approximate=False)
    code, found = compared(redis_url)
    assert (code, kinds(found)) == (1, ["vanished unread"])
    assert found["gaps"][0]["what"].startswith("3 entries")
    # Looking changes nothing: the service still has it to say.
    assert redis.hget(ledger_key("claims.created", "validator"), "vanished") == b"0"


@pytest.mark.usefixtures("groups")
async def test_what_the_sender_says_it_sent_is_held_against_what_came(
    redis: "Redis", async_redis: Any, redis_url: str, tmp_path: Path
) -> None:
    published(redis, 1, 2)
    await judged(async_redis, 2)
    expected = tmp_path / "sent.csv"
    expected.write_text("claim_id,version\nC1,1\nC2\nC2,2\nC9,1\n", "utf-8")
    code, found = compared(redis_url, "--expected", str(expected))
    assert code == 1
    assert [gap["what"].split(":")[0] for gap in found["gaps"]] == ["C2 version 2", "C9 version 1"]


@pytest.mark.usefixtures("groups")
async def test_a_verdict_that_is_not_in_the_database_is_named_and_asked_for_again(
    redis: "Redis", async_redis: Any, redis_url: str, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'cases.db'}"
    engine, sessions = open_database(url)
    await migrate(engine)
    from palpate_cli.stack import EXAMPLE_DIRECTORY

    (tmp_path / "directory.toml").write_text(EXAMPLE_DIRECTORY, "utf-8")
    directory = load_directory(tmp_path / "directory.toml")
    recorder = Recorder(sessions, directory, routes=load_routes(None, directory), clock=lambda: datetime.now(UTC))
    published(redis, 1, 3)
    await judged(async_redis, 2)
    await Retention(async_redis, "claims.failed", "notifier").create_group()

    async def recorded(count: int, *, only_acknowledge: bool = False) -> None:
        commit = Commit(async_redis, "claims.failed", "notifier")
        [(_, entries)] = await async_redis.xreadgroup("notifier", "a", {"claims.failed": ">"}, count=count)
        if only_acknowledge:
            await commit.acknowledge([entry_id.decode() for entry_id, _ in entries])
            return

        class Acks:
            async def xack(self, _stream: str, _group: str, *entry_ids: str) -> int:
                return await commit.acknowledge(entry_ids)

        failures = await recorder.record([entry_of("claims.failed", *each) for each in entries], Acks(), "notifier")  # type: ignore[arg-type]
        assert failures == {}

    await recorded(1)
    await recorded(1, only_acknowledge=True)
    code, found = await asyncio.to_thread(compared, redis_url, "--database", url)
    assert (code, kinds(found)) == (1, ["verdict not in the database"])
    assert found["gaps"][0]["what"].startswith("C3 version 1")
    await asyncio.to_thread(compared, redis_url, "--database", url, "--request")
    await recorded(1)
    code, found = await asyncio.to_thread(compared, redis_url, "--database", url)
    assert (code, found["gaps"]) == (0, [])
    # A verdict that was trimmed since is in the database, and nothing to be judged again.
    redis.xtrim("claims.failed", maxlen=0, approximate=False)
    code, found = await asyncio.to_thread(compared, redis_url, "--database", url)
    assert (code, found["gaps"], found["counts"]["judged long ago, by the database"]) == (0, [], 2)
    assert (await asyncio.to_thread(compared, redis_url))[0] == 1
    await engine.dispose()


def test_a_redis_that_is_away_is_said(closed_port: int) -> None:
    shown = CliRunner().invoke(app, ["reconcile", "--redis", f"redis://127.0.0.1:{closed_port}/0"])
    assert shown.exit_code == 2


def test_a_database_that_is_away_is_said_in_a_line(redis_url: str, closed_port: int) -> None:
    url = f"postgresql+asyncpg://palpate@127.0.0.1:{closed_port}/palpate"
    shown = CliRunner().invoke(app, ["reconcile", "--redis", redis_url, "--database", url])
    assert shown.exit_code == 2
    assert "the case database does not answer (ConnectionRefusedError)" in " ".join(shown.output.split())
