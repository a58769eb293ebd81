"""More than one of everything: partitions, Redis Cluster, Sentinel, PostgreSQL and several notifiers."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from palpate_cli.main import app
from tests.faults.rig import Rig, claim, size
from tests.faults.servers import Cluster, Postgres, Sentinels
from tests.processes import eventually

# Whole clusters and databases, minutes long on two cores: `make faults` runs them.


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as running:
        yield running


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    with Sentinels(tmp_path) as running:
        yield running


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


@pytest.mark.parametrize("rig", [{"partitions": 4}], indirect=True)
def test_partitions_on_one_server_through_a_kill(rig: Rig) -> None:
    first, _ = rig.both()
    second = rig.start("validator")
    with rig.load(size(300, 3_000), per_s=200):
        time.sleep(0.7)
        first.kill()
        first.start(wait=False)
    rig.settle(within=60)
    assert all(rig.redis.xlen(f"claims.created:{{{n}}}") for n in range(4))
    rig.ready(second)
    rig.check()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_master_of_a_cluster_is_killed_under_load(
    cluster: Cluster, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Three masters, three replicas, six partitions; what counts is what a replica has confirmed."""
    with Rig(tmp_path / "rig", url=cluster.url, partitions=6, confirm=1) as rig:
        request.node.says = rig.says
        validator, notifier = rig.both()
        with rig.load(size(900, 6_000), per_s=150):
            time.sleep(2)
            victim = cluster.master_of("claims.created:{0}")
            victim.kill()
            killed = time.monotonic()
            known = rig.safely(lambda: len(rig.events_of_partition("claims.passed", 0)))
            eventually(
                lambda: rig.safely(lambda: len(rig.events_of_partition("claims.passed", 0))) > known + 3,
                within=40,
                what="the partition's consumption",
            )
            rig.says["seconds to consume again"] = round(time.monotonic() - killed, 1)
            # As whatever supervises it would; it comes back as a replica of who has taken over.
            victim.start()
        rig.settle(within=90)
        assert rig.says["seconds to consume again"] < 15
        rig.ready(validator)
        rig.ready(notifier)
        # A message is kept in the database: a failover of Redis repeats none.
        rig.check()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_sentinel_failover_under_load(sentinels: Sentinels, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with Rig(tmp_path / "rig", url=sentinels.url, confirm=1) as rig:
        request.node.says = rig.says
        validator, notifier = rig.both()
        with rig.load(size(600, 4_000), per_s=150):
            time.sleep(2)
            sentinels.master.kill()
            killed = time.monotonic()
            known = rig.safely(rig.count_answers)
            eventually(lambda: rig.safely(rig.count_answers) > known + 3, within=40, what="consumption")
            rig.says["seconds to consume again"] = round(time.monotonic() - killed, 1)
            # As whatever supervises it would; it comes back as a replica of who has taken over.
            sentinels.master.start()
        rig.settle(within=90)
        assert rig.says["seconds to consume again"] < 15
        rig.ready(validator)
        rig.ready(notifier)
        rig.check()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_failover_to_an_empty_replica(rig: Rig) -> None:
    """Everything in Redis is gone: the services say so, make their groups anew and go on."""
    assert rig.server is not None
    validator, notifier = rig.both()
    rig.publish(range(60))
    rig.settle()
    rig.server.kill()
    for file in (rig.folder / "redis").rglob("*.aof*"):
        if file.is_file():
            file.unlink()
    rig.server.start()
    rig.ready(validator)
    rig.ready(notifier)
    rig.sent.clear()
    rig.publish(range(1_000, 1_060))
    rig.settle()
    assert any(line["again"] for line in rig.logged("group_created"))
    assert len(rig.database().cases) == 40
    rig._check_verdicts(0, lambda _: True)
    rig._check_phi()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_notifiers_on_postgresql_and_one_is_killed_again_and_again(
    postgres: Postgres, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """SKIP LOCKED: nobody sends what another one is sending, and one case a claim whoever opens it."""
    with Rig(tmp_path / "rig", database_url=postgres.url) as rig:
        request.node.says = rig.says
        rig.start("validator", wait=False)
        notifiers = [rig.start("notifier", wait=False) for _ in range(3)]
        for each in notifiers:
            rig.ready(each)
        kills = size(2, 8)
        with rig.load(size(450, 2_000), per_s=120):
            for _ in range(kills):
                time.sleep(1.2)
                notifiers[0].kill()
                notifiers[0].start(wait=False)
        rig.settle(within=90)
        rig.says["kills"] = kills
        rig.check(repeats=20 * kills)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_postgresql_is_away_and_comes_back(postgres: Postgres, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with Rig(tmp_path / "rig", database_url=postgres.url) as rig:
        request.node.says = rig.says
        _, notifier = rig.both()
        rig.publish(range(60))
        rig.settle()
        postgres.kill()
        rig.publish(range(60, 300))
        eventually(lambda: rig.count_answers() == 300, within=20, what="judged all the same")
        rig.not_ready(notifier)
        time.sleep(20)
        postgres.start()
        rig.ready(notifier)
        rig.settle(within=60)
        rig.check()


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_commands_know_the_partitions_of_a_cluster(
    cluster: Cluster, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALPATE_PARTITIONS", "4")
    with Rig(tmp_path / "rig", url=cluster.url, partitions=4) as rig:
        request.node.says = rig.says
        rig.both()
        file = tmp_path / "claim.json"
        file.write_text(json.dumps(claim(3, good=False)), "utf-8")
        words = ["--redis", cluster.url]
        sent = CliRunner().invoke(app, ["send", str(file), *words, "--wait", "20"])
        assert (sent.exit_code, "fails CLM-3" in sent.output) == (1, True), sent.output
        rig.publish(range(100, 160))
        eventually(lambda: rig.count_answers() == 61, within=20, what="judged")
        status = CliRunner().invoke(app, ["status", *words, "--database", rig.database_url, "--format", "json"])
        streams = {each["stream"]: each for each in json.loads(status.output)["streams"]}
        assert sum(streams[f"claims.created:{{{n}}}"]["length"] for n in range(4)) == 61
        eventually(lambda: len(rig.database().cases) == 21, within=20, what="cases")
        for command in ("doctor", "reconcile"):
            shown = CliRunner().invoke(app, [command, *words, "--database", rig.database_url])
            assert shown.exit_code == 0, shown.output
            if command == "doctor":
                assert shown.output.count("maxmemory-policy: noeviction") == 3, shown.output
        assert "Everything adds up" in shown.output
