"""A folder's files on a real stream: what is published, what is told of the rest, and what is waited for."""

import gzip
import json
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from palpate_intake.folder import Folder
from palpate_intake.folder_watch import Publishes, Watcher
from palpate_intake.outcome import Outcome
from palpate_intake.publishing import Publisher
from palpate_intake.reading import read_claims
from palpate_runtime.embedded import EmbeddedRedis, free_port
from palpate_schemas.events import ClaimEvent
from tests.intake.x12_text import x12
from tests.processes import event, events_on, eventually
from tests.validator.claims import claim_with

SOURCE = "urn:pms:test"
IMPATIENT = Retry(NoBackoff(), 0)
RIGHT = x12()
PHI = "QUIXOTE"
CUT_OFF = x12(("NM1*IL", f"NM1*IL*1*{PHI}*DULCINEA****MI*{PHI}1~")).partition("SE*")[0]
HALF_READABLE = RIGHT + x12(("CLM*C-1", "CLM*C-2*165***11:B:1*Y*A*Y*Y~"), ("HI*", "")).replace("000000001", "000000002")


def watcher(tmp_path: Path, connect: Callable[[], Publishes], settle_s: float = 0.0) -> Watcher:
    return Watcher(Folder(tmp_path, settle_s), connect, SOURCE)


def run_once(tmp_path: Path, redis: "Redis", settle_s: float = 0.0) -> Watcher:
    watching = watcher(tmp_path, lambda: Publisher(redis), settle_s)
    watching.run_once()
    return watching


def put(tmp_path: Path, name: str, content: str | bytes) -> None:
    path = tmp_path / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def names(tmp_path: Path) -> list[str]:
    return sorted(each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*") if each.is_file())


def errors_of(tmp_path: Path, name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((tmp_path / "failed" / f"{name}.errors.json").read_text())
    return told


def test_every_claim_is_published_and_the_file_is_done(tmp_path: Path, redis: "Redis") -> None:
    put(tmp_path, "claims.837", RIGHT)
    with structlog.testing.capture_logs() as logged:
        done = run_once(tmp_path, redis)
    assert (done.published, done.unread, names(tmp_path)) == (1, 0, ["done/claims.837"])
    (event,) = events_on(redis, "claims.created")
    assert (event["source"], event["type"], event["subject"]) == (SOURCE, "claim.created", "C-1")
    (line,) = logged
    assert (line["event"], line["outcome"], line["published"], line["rejected"]) == ("file_read", "done", 1, 0)
    assert "claims.837" not in str(line)


def test_a_partly_readable_file_publishes_what_is_readable_and_says_why_the_rest_is_not(
    tmp_path: Path, redis: "Redis"
) -> None:
    put(tmp_path, "claims.837", HALF_READABLE)
    done = run_once(tmp_path, redis)
    assert (done.published, done.unread) == (1, 1)
    assert [event["subject"] for event in events_on(redis, "claims.created")] == ["C-1"]
    assert names(tmp_path) == ["failed/claims.837", "failed/claims.837.errors.json"]
    told = errors_of(tmp_path, "claims.837")
    assert (told["file"], told["published"], told["not_published"], told["errors_left_out"]) == ("claims.837", 1, 1, 0)
    (error,) = told["errors"]
    assert (error["claim_id"], error["position"]) == ("C-2", "segment 43")
    assert error["reasons"][0]["pointer"] == "/diagnoses"


def test_what_is_told_of_a_failed_file_holds_nothing_of_a_person(tmp_path: Path, redis: "Redis") -> None:
    put(tmp_path, "claims.837", CUT_OFF)
    with structlog.testing.capture_logs() as logged:
        run_once(tmp_path, redis)
    text = (tmp_path / "failed/claims.837.errors.json").read_text()
    assert "breaks off" in text
    for private in (PHI, "DULCINEA", "19510504", "1951-05-04", str(tmp_path)):
        assert private not in text
        assert private not in str(logged)


def test_packed_files_are_read_and_the_position_names_the_file_inside(tmp_path: Path, redis: "Redis") -> None:
    put(tmp_path, "claims.837.gz", gzip.compress(RIGHT.encode()))
    with zipfile.ZipFile(tmp_path / "in/several.zip", "w") as archive:
        archive.writestr("first.837", RIGHT.replace("CLM*C-1", "CLM*C-9"))
        archive.writestr("second.837", "nonsense")
    run_once(tmp_path, redis)
    assert {event["subject"] for event in events_on(redis, "claims.created")} == {"C-1", "C-9"}
    (error,) = errors_of(tmp_path, "several.zip")["errors"]
    assert error["file"] == "several.zip/second.837"
    assert error["reasons"][0]["reason"].startswith("several.zip/second.837 is none of what Palpate reads")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 damaged", b"\x1f\x8b damaged"])
def test_a_file_without_a_claim_is_failed(tmp_path: Path, redis: "Redis", content: bytes) -> None:
    put(tmp_path, "claims.837", content)
    done = run_once(tmp_path, redis)
    assert (done.published, done.unread) == (0, 1)
    assert errors_of(tmp_path, "claims.837")["errors"][0]["reasons"]


def faulty(stream: BinaryIO, name: str) -> Iterator[Outcome]:
    """A reader with a fault that shows after the first claim, and whose message tells of a person."""
    yield from islice(read_claims(stream, name), 1)
    raise ValueError(PHI)


def test_a_file_that_the_reader_has_a_fault_with_is_failed_and_stops_no_other(tmp_path: Path, redis: "Redis") -> None:
    put(tmp_path, "claims.837", RIGHT)
    with structlog.testing.capture_logs() as logged:
        Watcher(Folder(tmp_path, 0.0), lambda: Publisher(redis), SOURCE, read=faulty).run_once()
    told = errors_of(tmp_path, "claims.837")
    assert (told["published"], told["not_published"]) == (1, 1)
    assert told["errors"][0]["reasons"][0]["reason"].startswith("reading broke off (ValueError)")
    assert [each["event"] for each in logged] == ["file_unreadable", "file_read"]
    assert PHI not in str(logged) + str(told)


def test_an_empty_archive_is_failed(tmp_path: Path, redis: "Redis") -> None:
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in/none.zip", "w") as archive:
        archive.mkdir("folder")
    run_once(tmp_path, redis)
    (error,) = errors_of(tmp_path, "none.zip")["errors"]
    assert error["reasons"][0]["reason"] == "there is no claim in it"


def test_a_file_with_a_million_faults_has_its_reasons_bounded(tmp_path: Path, redis: "Redis") -> None:
    put(tmp_path, "claims.jsonl", b'{"claim_id": 1}\n' * 1_500)
    run_once(tmp_path, redis)
    told = errors_of(tmp_path, "claims.jsonl")
    assert (told["not_published"], len(told["errors"]), told["errors_left_out"]) == (1_500, 1_000, 500)


def test_the_same_file_again_is_the_same_events(tmp_path: Path, redis: "Redis") -> None:
    for _ in range(2):
        put(tmp_path, "claims.837", RIGHT)
        run_once(tmp_path, redis)
    first, second = events_on(redis, "claims.created")
    assert (first["source"], first["id"], first["data"]) == (second["source"], second["id"], second["data"])
    assert names(tmp_path) == ["done/claims.2.837", "done/claims.837"]


EVENTS_OF_TWO = b"\n".join(
    event(claim_with(claim={"claim_id": claim_id}), event_id=claim_id, source=source)
    for claim_id, source in (("OURS", SOURCE), ("THEIRS", "urn:pms:another"))
)


def test_an_event_of_another_source_is_not_published_and_the_file_says_where_it_stands(
    tmp_path: Path, redis: "Redis"
) -> None:
    put(tmp_path, "events.jsonl", EVENTS_OF_TWO)
    done = run_once(tmp_path, redis)
    assert (done.published, done.unread) == (1, 1)
    assert [each["subject"] for each in events_on(redis, "claims.created")] == ["OURS"]
    (error,) = errors_of(tmp_path, "events.jsonl")["errors"]
    assert (error["claim_id"], error["position"]) == ("THEIRS", "line 2")
    assert error["reasons"][0]["pointer"] == "/source"
    assert "--any-source" in error["reasons"][0]["reason"]


def test_events_of_any_source_are_published_where_that_is_allowed(tmp_path: Path, redis: "Redis") -> None:
    put(tmp_path, "events.jsonl", EVENTS_OF_TWO)
    Watcher(Folder(tmp_path, 0.0), lambda: Publisher(redis), SOURCE, any_source=True).run_once()
    assert {each["source"] for each in events_on(redis, "claims.created")} == {SOURCE, "urn:pms:another"}
    assert names(tmp_path) == ["done/events.jsonl"]


def test_what_is_left_alone_for_its_name_is_said_once_and_names_nobody(tmp_path: Path, redis: "Redis") -> None:
    left = ["week.errors.json", f"{PHI}.837.crdownload", "b.crdownload", f".{PHI}.swp", "c~", "d.837.TMP"]
    for name in left:
        put(tmp_path, name, RIGHT)
    watching = watcher(tmp_path, lambda: Publisher(redis))
    with structlog.testing.capture_logs() as logged:
        watching.run_once()
        put(tmp_path, "e.crdownload", RIGHT)
        watching.run_once()
    assert [(each["event"], each["reason"].split()[0]) for each in logged] == [
        ("file_passed_over", mark) for mark in (".", ".crdownload", ".errors.json", ".tmp", "~")
    ]
    assert PHI not in str(logged)
    assert len(names(tmp_path)) == len(left) + 1


def test_once_waits_for_what_may_still_be_written(tmp_path: Path, redis: "Redis") -> None:
    put(tmp_path, "claims.837", RIGHT)
    assert run_once(tmp_path, redis, settle_s=0.1).published == 1


class OnTheWay:
    """A publisher during whose first batch something happens."""

    def __init__(self, redis: "Redis", happens: Callable[[], object]) -> None:
        self._publisher, self._happens = Publisher(redis), [happens]

    def publish(self, events: Sequence[ClaimEvent], /) -> object:
        while self._happens:
            self._happens.pop()()
        return self._publisher.publish(events)


def test_a_file_that_grows_while_it_is_read_is_read_again(tmp_path: Path, redis: "Redis") -> None:
    put(tmp_path, "claims.837", RIGHT)
    later = RIGHT.replace("CLM*C-1", "CLM*C-2").replace("000000001", "000000002")

    def goes_on() -> None:
        with (tmp_path / "work/claims.837").open("a") as file:
            file.write(later)

    publisher = OnTheWay(redis, goes_on)
    watcher(tmp_path, lambda: publisher).run_once()
    assert {event["subject"] for event in events_on(redis, "claims.created")} == {"C-1", "C-2"}
    assert names(tmp_path) == ["done/claims.837"]


def test_a_file_that_somebody_takes_away_while_it_is_read_holds_nothing_up(tmp_path: Path, redis: "Redis") -> None:
    put(tmp_path, "a.837", RIGHT)
    publisher = OnTheWay(redis, (tmp_path / "work/a.837").unlink)
    put(tmp_path, "b.837", RIGHT)
    watcher(tmp_path, lambda: publisher).run_once()
    assert names(tmp_path) == ["done/b.837"]
    assert len(events_on(redis, "claims.created")) == 2


def test_a_folder_that_is_away_for_a_while_is_said_once_and_watched_again(tmp_path: Path, redis: "Redis") -> None:
    watching = watcher(tmp_path / "claims", lambda: Publisher(redis))
    (tmp_path / "claims").rename(tmp_path / "elsewhere")
    with structlog.testing.capture_logs() as logged:
        thread = threading.Thread(target=watching.run)
        thread.start()
        eventually(lambda: [each for each in logged if each["event"] == "folder_away"], within=10, what="it was said")
        put(tmp_path / "elsewhere", "claims.837", RIGHT)
        (tmp_path / "elsewhere").rename(tmp_path / "claims")
        eventually(lambda: names(tmp_path / "claims") == ["done/claims.837"], within=20, what="it went on")
        watching.stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert [each["event"] for each in logged] == ["folder_away", "file_read", "folder_back"]
    assert logged[0]["reason"] == "No such file or directory"


def test_a_redis_that_is_away_is_waited_for_and_said_once(tmp_path: Path) -> None:
    port = free_port()
    put(tmp_path / "claims", "claims.837", RIGHT)
    client = Redis(port=port, retry=IMPATIENT)
    watching = watcher(tmp_path / "claims", lambda: Publisher(client))
    with structlog.testing.capture_logs() as logged:
        thread = threading.Thread(target=watching.run)
        thread.start()
        eventually(lambda: [each for each in logged if each["event"] == "redis_away"], within=10, what="it was said")
        assert names(tmp_path / "claims") == ["work/claims.837"]
        with EmbeddedRedis(tmp_path / "redis", port=port, extra=("--appendonly", "no")):
            eventually(lambda: names(tmp_path / "claims") == ["done/claims.837"], within=20, what="it went on")
            assert len(events_on(client, "claims.created")) == 1
            watching.stop.set()
            thread.join(10)
    assert not thread.is_alive()
    assert [each["event"] for each in logged] == ["redis_away", "redis_back", "file_read"]


def test_a_stop_in_the_middle_leaves_the_file_for_the_next_start(tmp_path: Path, redis: "Redis") -> None:
    put(tmp_path, "claims.837", RIGHT)
    nowhere = Redis(port=free_port(), retry=IMPATIENT)
    watching = watcher(tmp_path, lambda: Publisher(nowhere))
    thread = threading.Thread(target=watching.run)
    thread.start()
    eventually(lambda: names(tmp_path) == ["work/claims.837"], within=10, what="it was taken")
    watching.stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert names(tmp_path) == ["work/claims.837"]
    assert run_once(tmp_path, redis).published == 1
    assert names(tmp_path) == ["done/claims.837"]


def test_files_that_come_later_are_taken_as_they_come(tmp_path: Path, redis: "Redis") -> None:
    watching = watcher(tmp_path, lambda: Publisher(redis), settle_s=0.05)
    thread = threading.Thread(target=watching.run)
    thread.start()
    for number in range(3):
        put(tmp_path, ".being-written", RIGHT)
        (tmp_path / "in/.being-written").rename(tmp_path / f"in/{number}.837")
        eventually(lambda n=number: (tmp_path / f"done/{n}.837").exists(), within=20, what="it was taken")
    watching.stop.set()
    thread.join(10)
    assert not thread.is_alive()
