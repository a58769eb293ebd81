"""Claims go in over HTTP: every way to write them, and what is answered about each."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis import Redis

from tests.intake.http.conftest import ACME_URI, EVENT, EVENTS, OTHER, OTHER_URI, Running, Start, event
from tests.intake.x12_text import x12
from tests.processes import events_on
from tests.validator.claims import claim_with


def on_stream(redis: "Redis") -> list[tuple[str, str]]:
    return [(each["source"], each["data"]["claim_id"]) for each in events_on(redis, "claims.created")]


async def test_an_event_is_accepted_and_published_as_it_is(intake: Running, redis: "Redis") -> None:
    answer = await intake.post("/events", event(), EVENT)
    assert answer.status_code == 202
    assert answer.headers["location"] == "/claims/CLM-1"
    assert answer.json() == {
        "accepted": 1,
        "rejected": 0,
        "claims": [
            {
                "position": "line 1",
                "status": "accepted",
                "claim_id": "CLM-1",
                "version": 1,
                "event": {"source": ACME_URI, "id": "e-1"},
                "location": "/claims/CLM-1",
                "errors": [],
                "notices": [],
            }
        ],
    }
    [published] = events_on(redis, "claims.created")
    assert (published["id"], published["source"], published["type"]) == ("e-1", ACME_URI, "claim.created")


async def test_a_batch_is_answered_event_by_event(intake: Running, redis: "Redis") -> None:
    good = [
        json.loads(event(claim_with(claim={"claim_id": f"C-{number}"}), event_id=f"e-{number}")) for number in (1, 2)
    ]
    bad = json.loads(event(event_id="e-3"))
    del bad["data"]["payer"]
    answer = await intake.post("/events", json.dumps([good[0], bad, good[1]], indent=1), EVENTS)
    taken = answer.json()
    assert (answer.status_code, taken["accepted"], taken["rejected"]) == (202, 2, 1)
    assert "location" not in answer.headers
    assert [(each["status"], each["claim_id"]) for each in taken["claims"]] == [
        ("accepted", "C-1"),
        ("rejected", "CLM-1"),
        ("accepted", "C-2"),
    ]
    assert taken["claims"][1]["errors"] == [
        {"pointer": "/data/payer", "reason": "this field is required and is not there"}
    ]
    assert on_stream(redis) == [(ACME_URI, "C-1"), (ACME_URI, "C-2")]


async def test_an_event_in_headers_is_the_same_event(intake: Running, redis: "Redis") -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "e%2D1", "ce-source": ACME_URI, "ce-type": "claim.created"}
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    answer = await intake.post(
        "/events", json.dumps(claim_with()), "application/json; charset=utf-8", **headers, **trace
    )
    assert answer.status_code == 202
    [published] = events_on(redis, "claims.created")
    assert (published["id"], published["source"], published["traceparent"]) == ("e-1", ACME_URI, trace["traceparent"])
    assert published["data"]["claim_id"] == "CLM-1"


FHIR = {
    "resourceType": "Claim",
    "status": "active",
    "identifier": [{"value": "F-1"}],
    "created": "2026-11-20",
    "patient": {"identifier": {"value": "P-1"}},
    "insurer": {"identifier": {"value": "MCR"}},
    "provider": {"identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1497758544"}},
    "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": {"coding": [{"code": "M54.50"}]}}],
    "item": [
        {
            "sequence": 1,
            "productOrService": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "97140"}]},
            "servicedDate": "2026-11-19",
            "locationCodeableConcept": {"coding": [{"code": "11"}]},
            "quantity": {"value": 1},
        }
    ],
}


@pytest.mark.parametrize(
    ("resource", "position"),
    [
        (FHIR, "line 1"),
        ({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": FHIR}]}, "Bundle.entry[0]"),
    ],
    ids=["Claim", "Bundle"],
)
async def test_a_fhir_claim_becomes_an_event_of_the_keys_source(
    resource: dict[str, Any], position: str, intake: Running, redis: "Redis"
) -> None:
    answer = await intake.post("/fhir/Claim", json.dumps(resource), "application/fhir+json")
    assert (answer.status_code, answer.json()["claims"][0]["position"]) == (202, position)
    assert on_stream(redis) == [(ACME_URI, "F-1")]


async def test_an_837p_of_many_claims_arrives_in_pieces_and_each_is_answered(intake: Running, redis: "Redis") -> None:
    text = "".join(x12(("CLM*", f"CLM*X-{number}*75***11:B:1*Y*A*Y*Y~")) for number in range(450)).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(text), 1_000):
            yield text[at : at + 1_000]

    answer = await intake.post("/x12", pieces(), "application/edi-x12")
    taken = answer.json()
    assert (answer.status_code, taken["accepted"], taken["rejected"]) == (202, 450, 0)
    assert on_stream(redis) == [(ACME_URI, f"X-{number}") for number in range(450)]
    assert taken["claims"][1]["position"].startswith("segment ")


async def test_the_same_837p_sent_again_is_the_same_events(intake: Running, redis: "Redis") -> None:
    answers = [(await intake.post("/x12", x12(), "text/plain")).json() for _ in range(2)]
    assert answers[0]["claims"][0]["event"] == answers[1]["claims"][0]["event"]
    ids = {each["id"] for each in events_on(redis, "claims.created")}
    assert ids == {answers[0]["claims"][0]["event"]["id"]}


async def test_claim_numbers_go_to_the_patients_partition(start: Start, redis: "Redis") -> None:
    async with start(partitions=2) as intake:
        assert (await intake.post("/events", event(), EVENT)).status_code == 202
    assert sum(redis.xlen(f"claims.created:{{{part}}}") for part in (0, 1)) == 1


@pytest.mark.parametrize(
    ("path", "kind", "body", "said"),
    [
        ("/events", EVENT, b'{"specversion": "1.0"', ("", "the text ends in the middle of a value")),
        ("/events", EVENT, b"", ("", "is empty")),
        ("/events", EVENTS, b"[", ("", "the list is not closed")),
        ("/events", EVENT, json.dumps(claim_with()).encode(), ("", "no CloudEvent: specversion, id")),
        ("/fhir/Claim", "application/fhir+json", event(), ("", "this is a CloudEvent: send it to /events")),
        (
            "/fhir/Claim",
            "application/json",
            b'{"resourceType": "Patient"}',
            ("/resourceType", "no Claim and no Bundle"),
        ),
        ("/x12", "text/plain", b"hello", ("", "there is no claim")),
        ("/x12", "text/plain", b"", ("", "there is no claim")),
    ],
)
async def test_what_cannot_be_read_is_a_problem_that_says_where_and_why(
    path: str, kind: str, body: bytes, said: tuple[str, str], intake: Running
) -> None:
    answer = await intake.post(path, body, kind)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert (problem["type"], problem["status"]) == ("urn:palpate:problem:unreadable", 422)
    [error] = problem["claims"][0]["errors"]
    assert error["pointer"] == said[0]
    assert said[1] in error["reason"]
    assert problem["claims"][0]["status"] == "rejected"


@pytest.mark.parametrize(
    ("kind", "body"),
    [(EVENT, b" [{}]"), (EVENTS, event()), ("application/json", json.dumps(claim_with()).encode())],
    ids=["a list as one event", "one event as a list", "binary mode without headers"],
)
async def test_a_body_that_is_not_what_its_type_says_is_refused(kind: str, body: bytes, intake: Running) -> None:
    answer = await intake.post("/events", body, kind)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:palpate:problem:wrong-mode")


async def test_an_event_of_another_source_is_refused(intake: Running, redis: "Redis") -> None:
    answer = await intake.post("/events", event(source=OTHER_URI), EVENT)
    [claim] = answer.json()["claims"]
    assert (answer.status_code, claim["errors"][0]["pointer"]) == (403, "/source")
    assert redis.exists("claims.created") == 0


async def test_a_source_sends_only_for_its_practices(intake: Running, redis: "Redis") -> None:
    refused = await intake.post("/events", event(source=OTHER_URI), EVENT, key=OTHER)
    [claim] = refused.json()["claims"]
    assert (refused.status_code, claim["errors"][0]["pointer"]) == (403, "/data/billing_provider/npi")
    theirs = claim_with(claim={"billing_provider": {"npi": "1999999992"}})
    assert (await intake.post("/events", event(theirs, source=OTHER_URI), EVENT, key=OTHER)).status_code == 202
    assert on_stream(redis) == [(OTHER_URI, "CLM-1")]
