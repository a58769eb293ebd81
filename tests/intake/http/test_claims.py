"""How a claim stands: asked for by its source, and by nobody else."""

import json
from typing import Any

import pytest
from redis import Redis

from palpate_intake.http.answers import AcceptedEvent
from palpate_intake.http.index import status_of
from palpate_schemas.events import ClaimFailed, ClaimPassed, ClaimRejected
from tests.intake.http.conftest import ACME_URI, EVENT, OTHER, OTHER_URI, Running, Start, answer, event, publish, until
from tests.validator.claims import claim_with


async def standing(intake: Running, status: str, claim_id: str = "CLM-1") -> Any:
    """The claim's status, once it is this."""

    async def ask() -> Any:
        found = await intake.claim(claim_id)
        return found.json() if found.status_code == 200 and found.json()["status"] == status else None

    return await until(ask)


async def test_an_accepted_claim_waits_until_its_verdict_is_there(intake: Running, redis: "Redis") -> None:
    await intake.post("/events", event(), EVENT)
    assert (await intake.claim()).json() == {
        "claim_id": "CLM-1", "status": "waiting", "accepted": {"id": "e-1", "version": 1},
    }  # fmt: skip
    publish(redis, ClaimFailed, answer_id="v-1")
    failed = await standing(intake, "failed")
    assert failed["accepted"] == {"id": "e-1", "version": 1}
    assert failed["verdict"]["source_event"] == {"source": ACME_URI, "id": "e-1"}
    assert [finding["rule"] for finding in failed["verdict"]["findings"]] == ["mod-therapy-missing"]
    assert failed["verdict_at"] == "2026-11-24T12:00:00Z"


async def test_a_corrected_claim_waits_again_and_shows_the_last_verdict_meanwhile(
    intake: Running, redis: "Redis"
) -> None:
    publish(redis, ClaimFailed, answer_id="v-1")
    await standing(intake, "failed")
    await intake.post("/events", event(claim_with(claim={"version": 2}), event_id="e-2"), EVENT)
    waiting = await standing(intake, "waiting")
    assert (waiting["accepted"]["version"], waiting["verdict"]["version"]) == (2, 1)
    publish(redis, ClaimPassed, answer_id="v-2", version=2, event_id="e-2")
    assert (await standing(intake, "passed"))["verdict"]["version"] == 2


async def test_an_older_verdict_that_is_read_later_changes_nothing(intake: Running, redis: "Redis") -> None:
    publish(redis, ClaimPassed, answer_id="v-2", version=2)
    await standing(intake, "passed")
    publish(redis, ClaimFailed, answer_id="v-1", version=1)
    publish(redis, ClaimFailed, answer_id="v-0", claim_id="CLM-2")
    await standing(intake, "failed", "CLM-2")
    assert (await intake.claim()).json()["verdict"]["version"] == 2


async def test_one_source_never_sees_anothers_claim(intake: Running, redis: "Redis") -> None:
    publish(redis, ClaimFailed, answer_id="v-1", source=OTHER_URI)
    publish(redis, ClaimFailed, answer_id="v-2", claim_id="CLM-2")
    await standing(intake, "failed", "CLM-2")
    assert (await intake.claim("CLM-1")).status_code == 404
    assert (await intake.claim("CLM-1", key=OTHER)).status_code == 200
    assert (await intake.claim("CLM-2", key=OTHER)).status_code == 404


REJECTION = {
    "specversion": "1.0",
    "id": "r-1",
    "source": "urn:palpate:validator",
    "type": "claim.rejected",
    "time": "2026-11-24T12:00:00Z",
    "data": {
        "stream_entry": "claims.created/1-0",
        "source_event": {"source": ACME_URI, "id": "e-1"},
        "claim_id": "CLM-1",
        "errors": [{"pointer": "/data/payer", "reason": "this field is required and is not there"}],
        "original_base64": "Q2FuYXJ5",
    },
}


async def test_a_rejection_is_told_without_the_bytes_that_were_sent(intake: Running, redis: "Redis") -> None:
    redis.xadd("claims.rejected", {"event": json.dumps(REJECTION)})
    rejected = await standing(intake, "rejected")
    assert rejected["rejection"] == {
        "source_event": {"source": ACME_URI, "id": "e-1"},
        "errors": [{"pointer": "/data/payer", "reason": "this field is required and is not there"}],
    }
    assert "Q2FuYXJ5" not in json.dumps(rejected)
    publish(redis, ClaimPassed, answer_id="v-1")
    assert "rejection" not in await standing(intake, "passed")


async def test_a_claim_number_may_hold_anything(intake: Running) -> None:
    name = "A/B\nc%2F?ü"
    taken = await intake.post("/events", event(claim_with(claim={"claim_id": name})), EVENT)
    location = taken.headers["location"]
    assert (await intake.http.get(location, headers=intake.key())).json()["claim_id"] == name


async def test_what_stood_on_the_streams_before_the_intake_was_started_is_known_and_kept_over_restarts(
    start: Start, redis: "Redis"
) -> None:
    publish(redis, ClaimPassed, answer_id="v-1")
    for _ in range(2):
        async with start() as intake:
            await standing(intake, "passed")
    assert redis.xpending("claims.passed", "intake")["pending"] == 0  # type: ignore[index]


async def test_a_verdict_that_is_no_longer_on_its_stream_is_not_there(intake: Running, redis: "Redis") -> None:
    publish(redis, ClaimPassed, answer_id="v-1")
    await standing(intake, "passed")
    redis.xtrim("claims.passed", maxlen=0)
    assert (await intake.claim()).status_code == 404


async def test_what_is_known_of_a_claim_is_not_kept_for_ever(start: Start, redis: "Redis") -> None:
    async with start(retain_s=5_000) as intake:
        publish(redis, ClaimPassed, answer_id="v-1")
        await standing(intake, "passed")
        await intake.post("/events", event(claim_with(claim={"claim_id": "CLM-2"})), EVENT)
    keys = redis.keys("palpate:claim:*")
    assert len(keys) == 2  # type: ignore[arg-type]
    assert all(0 < redis.ttl(key) <= 5_000 for key in keys)  # type: ignore[operator, union-attr]


async def test_of_two_events_of_one_version_the_one_accepted_last_is_waited_for(
    intake: Running, redis: "Redis"
) -> None:
    await intake.post("/events", event(event_id="e-1"), EVENT)
    publish(redis, ClaimFailed, answer_id="v-1", event_id="e-1")
    await standing(intake, "failed")
    await intake.post("/events", event(event_id="e-2"), EVENT)
    assert (await standing(intake, "waiting"))["verdict"]["source_event"]["id"] == "e-1"
    publish(redis, ClaimPassed, answer_id="v-2", event_id="e-2")
    assert (await standing(intake, "passed"))["verdict"]["source_event"]["id"] == "e-2"
    await intake.post("/events", event(event_id="e-1"), EVENT)
    assert (await intake.claim()).json()["status"] == "passed", "the first was judged, and is not judged again"


async def test_a_claim_whose_verdict_is_no_longer_kept_does_not_wait_for_it(intake: Running, redis: "Redis") -> None:
    await intake.post("/events", event(), EVENT)
    publish(redis, ClaimPassed, answer_id="v-1")
    await standing(intake, "passed")
    redis.xtrim("claims.passed", maxlen=0)
    assert (await intake.claim()).status_code == 404


async def test_a_rejection_of_an_earlier_event_is_no_answer_to_a_later_one(intake: Running, redis: "Redis") -> None:
    redis.xadd("claims.rejected", {"event": json.dumps(REJECTION)})
    await standing(intake, "rejected")
    await intake.post("/events", event(event_id="e-2"), EVENT)
    waiting = (await intake.claim()).json()
    assert (waiting["status"], "rejection" in waiting) == ("waiting", False)


V1, V2 = ({"id": f"e-{number}", "version": number} for number in (1, 2))


@pytest.mark.parametrize(
    ("accepted", "judged", "verdict", "rejects", "rejected_last", "status"),
    [
        (None, True, None, None, False, None),
        (V1, False, None, None, False, "waiting"),
        (V1, False, (ClaimPassed, 1), None, False, "passed"),
        (V2, False, (ClaimPassed, 1), None, False, "waiting"),
        (V2, True, (ClaimPassed, 1), None, False, "passed"),
        (V1, True, (ClaimFailed, 2), None, False, "failed"),
        (V1, True, None, None, False, None),
        (None, True, (ClaimFailed, 1), None, False, "failed"),
        (V2, False, (ClaimFailed, 1), "e-2", True, "rejected"),
        (V2, False, (ClaimFailed, 1), "e-2", False, "rejected"),
        (V2, False, (ClaimFailed, 1), "e-1", False, "waiting"),
        (V2, False, (ClaimFailed, 1), "e-1", True, "waiting"),
        (V2, False, None, "e-1", True, "waiting"),
        (V1, True, (ClaimPassed, 1), "e-1", False, "passed"),
        (V1, True, (ClaimPassed, 1), "e-9", True, "rejected"),
        (None, True, None, "e-1", True, "rejected"),
    ],
)
def test_how_a_claim_stands_follows_from_what_is_known(
    *, accepted: Any, judged: bool, verdict: Any, rejects: str | None, rejected_last: bool, status: str | None
) -> None:
    source_event = {"source": ACME_URI, "id": rejects}
    found = status_of(
        "CLM-1",
        accepted=accepted and AcceptedEvent(**accepted),
        judged=judged,
        verdict=verdict and verdict[0].model_validate_json(answer(verdict[0], answer_id="v", version=verdict[1])),
        rejected=ClaimRejected.model_validate(REJECTION | {"data": REJECTION["data"] | {"source_event": source_event}})  # type: ignore[operator]
        if rejects
        else None,
        rejected_last=rejected_last,
    )
    assert (found and found.status) == status
