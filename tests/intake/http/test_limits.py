"""Who is let in, how much may be sent, and what is answered when Redis is away."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis import Redis

from palpate_intake.http.sources import Sources
from tests.intake.http.conftest import ACME, EVENT, EVENTS, OTHER, OTHER_URI, SOURCES, Running, Start, bearer, event
from tests.intake.x12_text import x12
from tests.processes import events_on, eventually


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("plpt_wrong"),
        bearer(""),
        {"authorization": f"Basic {ACME}"},
        {"authorization": ACME},
        {"x-key": ACME},
    ],
    ids=["none", "a wrong one", "an empty one", "another scheme", "no scheme", "another header"],
)
async def test_without_a_key_nothing_is_answered(headers: dict[str, str], intake: Running) -> None:
    for method, path in (("POST", "/events"), ("POST", "/fhir/Claim"), ("POST", "/x12"), ("GET", "/claims/CLM-1")):
        answer = await intake.http.request(method, path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="palpate"')
        assert answer.json()["type"] == "urn:palpate:problem:no-key"


async def saved(intake: Running, text: str) -> None:
    """Save the sources, a while ago: a change counts when the file has rested for a second."""

    def save() -> None:
        beside = intake.sources.with_suffix(".new")
        beside.write_text(text, "utf-8")
        os.utime(beside, (time.time() - 60,) * 2)
        beside.replace(intake.sources)

    await asyncio.to_thread(save)


async def test_a_key_taken_out_of_the_file_is_worth_nothing_at_once_and_a_new_one_counts(intake: Running) -> None:
    assert (await intake.claim(key=OTHER)).status_code == 404
    first, _, second = SOURCES.partition('\n[[source]]\nname = "other"')
    await saved(intake, first)
    assert ((await intake.claim(key=OTHER)).status_code, (await intake.claim()).status_code) == (401, 404)
    await saved(intake, first + '\n[[source]]\nname = "other"' + second)
    assert (await intake.claim(key=OTHER)).status_code == 404


@pytest.mark.parametrize(
    "broken", ["[[source]\n", "[[source]]\nname = 'acme'\n", ""], ids=["no TOML", "no key", "empty"]
)
async def test_while_the_file_has_a_fault_what_it_said_before_stands(broken: str, intake: Running) -> None:
    await saved(intake, broken)
    assert ((await intake.claim()).status_code, (await intake.claim(key="wrong")).status_code) == (404, 401)


async def test_while_the_file_is_gone_what_it_said_stands(intake: Running) -> None:
    await asyncio.to_thread(intake.sources.unlink)
    assert ((await intake.claim()).status_code, (await intake.claim(key="wrong")).status_code) == (404, 401)


def test_what_is_still_being_written_does_not_count_and_counts_once_it_has_rested(tmp_path: Path) -> None:
    """Half a file may be a valid one: the other source would be refused, and its verdicts would be told nobody."""
    file = tmp_path / "sources.toml"
    file.write_text(SOURCES, "utf-8")
    patient, quick = Sources(file, settle_s=3_600), Sources(file, settle_s=0)
    first, _, _ = SOURCES.partition('\n[[source]]\nname = "other"')
    file.write_text(first, "utf-8")
    assert patient.now().by_uri(OTHER_URI) is not None
    assert quick.now().by_uri(OTHER_URI) is None
    # Hours later, and nobody has asked meanwhile: the first who does is refused.
    os.utime(file, (time.time() - 7_200,) * 2)
    assert patient.now().by_uri(OTHER_URI) is None


def test_a_file_server_whose_clock_is_ahead_holds_up_no_change(tmp_path: Path) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(SOURCES, "utf-8")
    sources = Sources(file, settle_s=0.05)
    file.write_text(SOURCES.partition('\n[[source]]\nname = "other"')[0], "utf-8")
    os.utime(file, (time.time() + 3_600,) * 2)
    eventually(lambda: sources.now().by_uri(OTHER_URI) is None, within=10, what="the change")


@pytest.mark.parametrize("kind", ["application/xml", "", "multipart/form-data"])
async def test_a_content_type_that_is_not_read_is_refused_with_those_that_are(kind: str, intake: Running) -> None:
    for path in ("/events", "/fhir/Claim", "/x12"):
        answer = await intake.post(path, b"{}", kind)
        assert (answer.status_code, answer.json()["type"]) == (415, "urn:palpate:problem:wrong-type")
        assert "application/" in answer.headers["accept"]


async def test_a_packed_body_is_refused(intake: Running) -> None:
    answer = await intake.post("/x12", b"\x1f\x8b", "text/plain", **{"content-encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize("says_its_length", [True, False])
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(says_its_length: bool, start: Start) -> None:
    body, sent = b" " * 5_000, []

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            sent.append(1)
            yield body

    async with start(max_json_bytes=4_096) as intake:
        answer = await intake.post("/events", body if says_its_length else pieces(), EVENT)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:palpate:problem:too-large")
    assert len(sent) < 10


async def test_what_was_accepted_before_a_body_became_too_large_is_named(start: Start, redis: "Redis") -> None:
    text = "".join(x12(("CLM*", f"CLM*X-{number}*75***11:B:1*Y*A*Y*Y~")) for number in range(600))
    async with start(max_body_bytes=int(len(text) * 0.9)) as intake:

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(text), 5_000):
                yield text[at : at + 5_000].encode()

        answer = await intake.post("/x12", pieces(), "text/plain")
        again = await intake.post("/x12", x12(("CLM*", "CLM*X-0*75***11:B:1*Y*A*Y*Y~")), "text/plain")
    accepted = [each["event"]["id"] for each in answer.json()["claims"]]
    published = [each["id"] for each in events_on(redis, "claims.created")]
    assert answer.status_code == 413
    assert 0 < len(accepted) < 600
    assert published[:-1] == accepted
    assert again.json()["claims"][0]["event"]["id"] == accepted[0] == published[-1]


async def test_a_request_has_so_many_claims_and_no_more(start: Start) -> None:
    events = [json.loads(event(event_id=str(number))) for number in range(401)]
    async with start(max_claims=150) as intake:
        answer = await intake.post("/events", json.dumps(events), EVENTS)
    assert (answer.status_code, len(answer.json()["claims"])) == (413, 150)


async def test_a_sender_that_stops_sending_is_given_up(start: Start) -> None:
    gone = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"ISA"
        await gone.wait()

    async with start(body_pause_s=0.05) as intake:
        answer = await intake.post("/x12", pieces(), "text/plain")
    assert answer.status_code == 408


async def test_a_source_whose_bodies_hang_leaves_readers_to_the_others(start: Start) -> None:
    let_go, waiting = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield x12().encode()
        waiting.set()
        await let_go.wait()

    async with start(readers=2) as intake:
        hanging = [asyncio.create_task(intake.post("/x12", pieces(), "text/plain")) for _ in range(2)]
        await waiting.wait()
        async with asyncio.timeout(10):
            other = await intake.post("/events", b"", EVENT, key=OTHER)
        let_go.set()
        answers = await asyncio.gather(*hanging)
    assert (other.status_code, [answer.status_code for answer in answers]) == (422, [202, 202])


async def test_a_source_that_asks_too_often_is_told_when_to_come_again_and_others_are_not(start: Start) -> None:
    async with start(rate="2/hour") as intake:
        answers = [await intake.claim() for _ in range(3)]
        other = await intake.claim(key=OTHER)
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert answers[2].json()["type"] == "urn:palpate:problem:too-many"
    assert 0 < int(answers[2].headers["retry-after"]) <= 3_600
    assert other.status_code == 404


async def test_redis_that_refuses_is_never_a_202(intake: Running, redis: "Redis") -> None:
    redis.set("claims.created", "no stream")
    answer = await intake.post("/events", event(), EVENT)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:palpate:problem:away")
    assert int(answer.headers["retry-after"]) > 0
    redis.delete("claims.created")
    assert (await intake.post("/events", event(), EVENT)).status_code == 202


async def test_redis_that_is_away_is_never_a_202(start: Start, closed_port: int) -> None:
    async with start(redis_url=f"redis://127.0.0.1:{closed_port}/0", redis_timeout_s=0.5) as intake:
        answers = [await intake.post("/events", event(), EVENT), await intake.claim()]
        ready = await intake.http.get("/readyz")
    assert [(answer.status_code, "retry-after" in answer.headers) for answer in answers] == [(503, True)] * 2
    assert ready.status_code == 503


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/events", 405), ("DELETE", "/claims/CLM-1", 405), ("POST", "/x12/", 404)],
)
async def test_wrong_addresses_are_problems_too(method: str, path: str, status: int, intake: Running) -> None:
    answer = await intake.http.request(method, path, headers=bearer())
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("allow" in answer.headers) == (status == 405)
