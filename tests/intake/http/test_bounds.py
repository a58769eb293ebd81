"""What one request may cost: in time, in memory, and of the readers that others wait for."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis import Redis

from tests.intake.http.conftest import ACME_URI, EVENT, EVENTS, OTHER, Running, Start, bearer, event
from tests.intake.http.test_taking_in import FHIR
from tests.intake.x12_text import x12
from tests.processes import events_on
from tests.validator.claims import claim_with

LARGEST = 1024 * 1024
FHIR_TYPE = "application/fhir+json"


def large_event(event_id: str = "e-1") -> bytes:
    return event(
        claim_with(claim={"documentation": [{"service_date": "2026-03-02", "text": "x" * LARGEST}]}), event_id=event_id
    )


async def test_an_event_of_nothing_but_wrong_parts_is_answered_in_a_few_words(intake: Running) -> None:
    body = event(claim_with() | {"lines": [1] * 200_000})
    answer = await intake.post("/events", body, EVENT)
    [claim] = answer.json()["claims"]
    assert (answer.status_code, [error["pointer"] for error in claim["errors"]]) == (422, ["/data/lines/0"])


async def test_an_answer_does_not_grow_with_everything_that_is_wrong(intake: Running) -> None:
    body = [{"specversion": "1.0", "data": {"lines": [{}], "payer": {}, "patient": {}}} for _ in range(3_000)]
    answer = await intake.post("/events", json.dumps(body), EVENTS)
    claims = answer.json()["claims"]
    told = [len(claim["errors"]) for claim in claims]
    assert (answer.status_code, len(claims)) == (422, 3_000)
    assert told[0] > 10
    assert told[-1] == 1
    assert sum(told) < 25_000
    assert [notice["code"] for notice in claims[-1]["notices"]] == ["more-left-out"]
    assert claims[-1]["notices"][0]["message"].startswith(f"{told[0] - 1} more")


async def test_a_claim_that_the_validator_would_find_too_large_is_refused_however_it_is_sent(
    intake: Running, redis: "Redis"
) -> None:
    fhir = FHIR | {
        "supportingInfo": [
            {
                "sequence": 1,
                "category": {"coding": [{"code": "palpate-note"}]},
                "valueString": json.dumps({"service_date": "2026-11-19", "text": "x" * LARGEST}),
            }
        ]
    }
    headers = {"ce-specversion": "1.0", "ce-id": "e-1", "ce-source": ACME_URI, "ce-type": "claim.created"}
    many: Any = claim_with(lines=[{"performed_by": [{}] * 500}] * 50)
    many["lines"] = [line | {"line_number": at + 1} for at, line in enumerate(many["lines"])]
    names = [(f"NM1*{role}", f"NM1*{role}*1*{'N' * 200_000}*A****XX*1497758544~") for role in ("IL", "82")]
    sent = [
        await intake.post("/events", large_event(), EVENT),
        await intake.post("/events", b"[" + large_event() + b"]", EVENTS),
        await intake.post("/events", json.dumps(json.loads(large_event())["data"]), "application/json", **headers),
        await intake.post("/fhir/Claim", json.dumps(fhir), FHIR_TYPE),
    ]
    assert [answer.status_code for answer in sent] == [422] * 4
    for answer in sent:
        [claim] = answer.json()["claims"]
        assert any(word in claim["errors"][0]["reason"] for word in ("larger than 1 MiB", "1048576"))
    assert (await intake.post("/x12", x12(*names), "text/plain")).status_code == 202
    assert (await intake.post("/events", event(many), EVENT)).status_code == 202
    assert len(events_on(redis, "claims.created")) == 2


async def test_a_member_that_is_too_large_does_not_take_the_others_along(intake: Running, redis: "Redis") -> None:
    body = b"[" + event(event_id="a") + b"," + large_event("b") + b"," + event(event_id="c") + b"]"
    answer = await intake.post("/events", body, EVENTS)
    assert (answer.status_code, answer.json()["rejected"]) == (202, 1)
    assert [each["id"] for each in events_on(redis, "claims.created")] == ["a", "c"]


@pytest.mark.parametrize("sent", [150, 151, 401])
async def test_so_many_claims_are_published_and_those_after_them_are_to_be_sent_again(
    sent: int, start: Start, redis: "Redis"
) -> None:
    events = [json.loads(event(event_id=str(number))) for number in range(sent)]
    async with start(max_claims=150) as intake:
        answer = await intake.post("/events", json.dumps(events), EVENTS)
    named = [claim["event"]["id"] for claim in answer.json()["claims"]]
    assert answer.status_code == (202 if sent == 150 else 413)
    assert named == [each["id"] for each in events_on(redis, "claims.created")]
    assert len(named) == 150


async def test_a_sender_that_never_pauses_and_never_ends_is_given_up(start: Start) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    async with start(body_grace_s=0.3) as intake, asyncio.timeout(60):
        answer = await intake.post("/x12", pieces(), "text/plain")
    assert (answer.status_code, answer.json()["type"]) == (408, "urn:palpate:problem:too-slow")
    assert "65536 bytes a second" in answer.json()["detail"]


async def test_a_body_that_gets_no_reader_is_told_to_come_again(start: Start) -> None:
    let_go = asyncio.Event()
    reading: asyncio.Queue[int] = asyncio.Queue()

    async def pieces() -> AsyncIterator[bytes]:
        yield x12().encode()
        await reading.put(1)
        await let_go.wait()

    async with start(readers=2, turn_wait_s=0.05) as intake, asyncio.timeout(60):
        hanging = [asyncio.create_task(intake.post("/x12", pieces(), "text/plain"))]
        await reading.get()
        of_the_same = await intake.post("/events", event(), EVENT)
        hanging.append(asyncio.create_task(intake.post("/x12", pieces(), "text/plain", key=OTHER)))
        await reading.get()
        of_the_other = await intake.post("/events", event(), EVENT, key=OTHER)
        let_go.set()
        answers = await asyncio.gather(*hanging)
        after = await intake.post("/events", event(), EVENT)
    for refused in (of_the_same, of_the_other):
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:palpate:problem:busy")
        assert int(refused.headers["retry-after"]) > 0
    assert [answer.status_code for answer in answers] == [202, 403]
    assert after.status_code == 202


@pytest.mark.parametrize("path", ["/events/", "/fhir/Claim/", "/x12/", "/openapi.json/", "/livez/", "/metrics/"])
async def test_an_address_with_a_slash_too_many_leads_nowhere(path: str, intake: Running) -> None:
    answer = await intake.http.post(path, headers=bearer() | {"host": "elsewhere.example"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "location" not in answer.headers


@pytest.mark.parametrize("row", [claim_with(), {"id": "v-1", "claim": claim_with()}], ids=["bare", "a judged row"])
async def test_a_claim_that_is_no_fhir_is_not_taken_for_it(row: dict[str, Any], intake: Running) -> None:
    answer = await intake.post("/fhir/Claim", json.dumps(row), "application/json")
    [claim] = answer.json()["claims"]
    assert (answer.status_code, len(claim["errors"])) == (422, 1)
    assert "no FHIR resource" in claim["errors"][0]["reason"]
