"""From a claim that was read to its event on the stream."""

import json
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from palpate_intake.outcome import ReadClaim
from palpate_intake.publishing import AsyncPublisher, Publisher, batches, event_of, kind_of, placed
from palpate_intake.reading import read_claims
from palpate_schemas.claim import Claim
from palpate_schemas.events import ClaimEvent
from palpate_schemas.streams import partition_of
from tests.intake.x12_text import read_one, x12
from tests.processes import event as written_event
from tests.processes import events_on
from tests.validator.claims import claim_with

SOURCE = "urn:pms:test"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)


def bare(written_at: datetime | None = None, **changes: Any) -> ReadClaim:
    """A claim as a file without versions holds it, unless one is among the changes."""
    claim = Claim.model_validate(claim_with(claim={"version": None, **changes}))
    return ReadClaim(claim, "claim.json", "line 1", written_at=written_at)


def test_a_full_event_is_published_as_it_is() -> None:
    [read] = read_claims(BytesIO(written_event(claim_with(), event_id="e-1", source="urn:other")), "event.json")
    assert isinstance(read, ReadClaim)
    assert event_of(read, SOURCE, NOW) is read.event


def test_the_same_claim_sent_twice_is_the_same_event() -> None:
    first, second = event_of(bare(), SOURCE, NOW), event_of(bare(), SOURCE, LATER)
    assert (first.source, first.id) == (second.source, second.id) == (SOURCE, first.id)
    assert (first.time, second.time) == (NOW, LATER)


@pytest.mark.parametrize(
    ("other", "source"),
    [(bare(place_of_service="12"), SOURCE), (bare(version=2), SOURCE), (bare(), "urn:pms:other")],
    ids=["changed", "a new version", "another sender"],
)
def test_anything_else_is_another_event(other: ReadClaim, source: str) -> None:
    assert event_of(other, source, NOW).id != event_of(bare(), SOURCE, NOW).id


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "claim.created"),
        ({"version": 2}, "claim.corrected"),
        ({"frequency_code": "7"}, "claim.corrected"),
        ({"frequency_code": "8", "version": 3}, "claim.voided"),
    ],
)
def test_the_kind_of_event_follows_from_the_claim(changes: dict[str, Any], kind: str) -> None:
    assert kind_of(bare(**changes).claim) == kind
    assert event_of(bare(**changes), SOURCE, NOW).type == kind


def test_the_kind_of_event_can_be_said() -> None:
    assert event_of(bare(), SOURCE, NOW, event_type="claim.voided").type == "claim.voided"


def test_a_later_x12_file_of_a_claim_has_a_higher_version_and_is_still_its_creation() -> None:
    first = event_of(read_one(x12()), SOURCE, NOW)
    later = event_of(read_one(x12(("BHT*", "BHT*0019*00*2*20261119*0931*CH~"))), SOURCE, NOW)
    # 9,819 days and 570 minutes after the beginning of 2000.
    assert (first.data.version, later.data.version) == (9_819 * 1_440 + 570, 9_819 * 1_440 + 571)
    assert (first.type, later.type) == ("claim.created", "claim.created")
    assert first.id != later.id


def test_the_same_x12_file_sent_twice_is_the_same_event() -> None:
    assert event_of(read_one(x12()), SOURCE, NOW).id == event_of(read_one(x12()), SOURCE, LATER).id


@pytest.mark.parametrize(
    ("read", "version"),
    [
        (bare(), 1),
        (bare(version=3), 3),
        (bare(version=3, written_at=datetime(2026, 11, 19, 9, 30)), 3),  # noqa: DTZ001
        (bare(version=1, written_at=datetime(2026, 11, 19, 9, 30)), 1),  # noqa: DTZ001
        (bare(written_at=datetime(1999, 12, 31, 23, 59)), 1),  # noqa: DTZ001
        (bare(written_at=datetime(9999, 12, 31, 23, 59)), 2_921_940 * 1_440 - 1),  # noqa: DTZ001
        (bare(written_at=datetime(2000, 1, 1, 2, 0, tzinfo=UTC)), 120),
        (bare(written_at=datetime.fromisoformat("2000-01-01T02:00-05:00")), 420),
        (bare(written_at=datetime.fromisoformat("0001-01-01T00:00+14:00")), 1),
    ],
)
def test_a_senders_own_version_stands_and_a_made_one_fits_everywhere(read: ReadClaim, version: int) -> None:
    assert event_of(read, SOURCE, NOW).data.version == version


def fhir_claim(**parts: Any) -> ReadClaim:
    """As it is read, with its least and these."""
    claim = {
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
        **parts,
    }
    [read] = read_claims(BytesIO(json.dumps(claim).encode()), "claim.json")
    assert isinstance(read, ReadClaim), read
    return read


@pytest.mark.parametrize(
    ("meta", "version"),
    [
        ({}, 14_140_800),
        ({"meta": {"versionId": "1"}}, 1),
        ({"meta": {"versionId": "1790000000000"}}, 1_790_000_000_000),
        ({"meta": {"versionId": str(2**63 - 1)}}, 2**63 - 1),
        ({"meta": {"versionId": str(2**63)}}, 14_140_800),
        ({"meta": {"versionId": "0" * 5_000 + "1"}}, 14_140_800),
        ({"meta": {"versionId": "0"}}, 14_140_800),
    ],
    ids=["none", "one", "milliseconds", "the largest", "too large", "too long", "zero"],
)
def test_a_fhir_server_that_counts_is_believed_and_any_other_gets_the_time(meta: dict[str, Any], version: int) -> None:
    assert event_of(fhir_claim(**meta), SOURCE, NOW).data.version == version


def test_a_correction_that_is_later_counts_wherever_its_clock_hangs() -> None:
    """Nine o'clock in New York is before half past six in Los Angeles."""
    first, later = (
        event_of(fhir_claim(created=created), SOURCE, NOW).data
        for created in ("2026-11-20T09:00:00-05:00", "2026-11-20T06:30:00-08:00")
    )
    assert later.version == first.version + 30
    assert first.submitted_on == later.submitted_on == date(2026, 11, 20)


def numbered(count: int) -> list[ClaimEvent]:
    reads = [bare(claim_id=f"C-{number}", patient={"id": f"P-{number}"}) for number in range(count)]
    return [event_of(read, SOURCE, NOW) for read in reads]


def test_events_are_published_in_order_and_each_is_confirmed(redis: "Redis") -> None:
    events = numbered(450)
    entry_ids = Publisher(redis).publish(events)
    assert [each["data"]["claim_id"] for each in events_on(redis, "claims.created")] == [
        event.data.claim_id for event in events
    ]
    assert [entry_id.decode() for entry_id, _ in redis.xrange("claims.created")] == entry_ids  # type: ignore[union-attr]


async def test_the_asynchronous_publisher_writes_the_same_bytes(async_redis: Any, redis: "Redis") -> None:
    events = numbered(3)
    Publisher(redis).publish(events)
    await AsyncPublisher(async_redis).publish(events)
    written = events_on(redis, "claims.created")
    assert written[:3] == written[3:]


def test_a_patients_claims_go_to_the_patients_partition(redis: "Redis") -> None:
    events = numbered(8)
    Publisher(redis, (0, 1, 2)).publish(events)
    for event in events:
        stream = f"claims.created:{{{partition_of(event.data.patient.id, 3)}}}"
        assert placed(event, (0, 1, 2))[0] == stream
        assert event.id in {each["id"] for each in events_on(redis, stream)}


def test_what_redis_refuses_is_raised(redis: "Redis") -> None:
    redis.set("claims.created", "no stream")
    with pytest.raises(ResponseError):
        Publisher(redis).publish(numbered(1))


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (2, [2]), (5, [2, 2, 1])])
def test_batches_have_their_size_and_none_is_empty(count: int, sizes: list[int]) -> None:
    assert [len(batch) for batch in batches(range(count), 2)] == sizes
