"""From a claim event's bytes to the event that answers it."""

import base64
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palpate_schemas.build import MODELS
from palpate_schemas.claim import Claim
from palpate_schemas.events import MAX_EVENT_BYTES, ClaimFailed, ClaimPassed, ClaimRejected
from palpate_schemas.lean import to_json
from palpate_validator.book import shipped_rule_book
from palpate_validator.verdicts import answer, answers
from tests.processes import event
from tests.validator.any_claims import any_claim
from tests.validator.claims import claim_with

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ENTRY = "claims.created/1-0"


def answered(raw: bytes, now: datetime = NOW) -> Any:
    """What whoever reads the answer from its stream has of it."""
    found = answer(raw, ENTRY, shipped_rule_book(), now).event
    return MODELS[found.type].model_validate_json(to_json(found))


def rejected(raw: bytes) -> dict[str, str]:
    """The reasons by pointer."""
    found = answered(raw)
    assert isinstance(found, ClaimRejected)
    assert base64.b64decode(found.data.original_base64) == raw
    return {error.pointer: error.reason for error in found.data.errors}


def test_a_right_claim_passes_and_says_who_judged_it() -> None:
    found = answered(event(claim_with(), event_id="1"))
    assert isinstance(found, ClaimPassed)
    verdict = found.data
    assert (verdict.claim_id, verdict.version, verdict.verdict, verdict.applicable) == ("CLM-1", 1, "pass", True)
    assert (verdict.practice, verdict.rendering_npi, verdict.payer_id) == ("1497758544", "1245319599", "PAYER-1")
    assert verdict.profile == "medicare-part-b"
    assert verdict.service_dates == (date(2025, 3, 3),)
    assert len(verdict.claim_digest) == len(verdict.ruleset.digest) == 64
    assert verdict.counts.violated == 0
    assert verdict.counts.judged > 0


def test_a_wrong_claim_fails_with_a_finding_that_says_what_to_do() -> None:
    found = answered(event(claim_with(lines=[{"modifiers": []}]), event_id="1"))
    assert isinstance(found, ClaimFailed)
    [finding] = [f for f in found.data.findings if f.rule == "mod-therapy-missing"]
    assert finding.message == "Line 1 bills 97140 without GP or GO."
    assert (finding.line_number, finding.pointer, finding.fixer) == (1, "/lines/0/modifiers", "biller")
    assert finding.denial is not None
    assert (finding.denial.carc, finding.denial.rarc) == ("4", "N822")


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("sent", ["Mrs Canary, born 1942", "00-ABC-DEF-01", TRACE + "\n", f"{TRACE} Canary", ""])
def test_a_trace_that_is_none_goes_no_further(sent: str) -> None:
    body = json.loads(event(claim_with(), event_id="1")) | {"traceparent": sent}
    assert answered(json.dumps(body).encode()).traceparent is None
    assert answered(json.dumps(body | {"data": {}}).encode()).traceparent is None


def test_the_trace_goes_on_and_the_answer_has_an_id_of_its_own() -> None:
    body = json.loads(event(claim_with(), event_id="1")) | {"traceparent": TRACE}
    found = answered(json.dumps(body).encode())
    assert found.traceparent == TRACE
    assert found.id != "1"
    assert found.subject == "CLM-1"


@given(st.text(min_size=1, max_size=80).map(str.strip).filter(bool))
def test_the_id_of_an_answer_is_a_version_5_uuid_of_the_events_own(event_id: str) -> None:
    namespace = uuid.UUID("6f1c6f6e-97a1-5140-9f0b-3a1d2b7c9e41")
    found = answered(event(claim_with(), event_id=event_id))
    assert found.id == str(uuid.uuid5(namespace, f"urn:pms:test\0{found.data.source_event.id}"))


def test_the_same_claim_and_ruleset_give_the_same_verdict_byte_for_byte() -> None:
    raw = event(claim_with(lines=[{"units": 4}]), event_id="1")
    later = answered(raw, datetime(2027, 1, 1, tzinfo=UTC))
    first, second = (e.model_dump(mode="json") for e in (answered(raw), later))
    for each in (first, second):
        del each["time"], each["data"]["judged_at"]
    assert first == second


def test_a_claim_without_manual_therapy_is_not_judged() -> None:
    found = answered(event(claim_with(lines=[{"procedure_code": "97110", "modifiers": []}]), event_id="1"))
    assert isinstance(found, ClaimPassed)
    assert not found.data.applicable
    assert found.data.findings == ()


@pytest.mark.parametrize("change", [{"kind": "claim.voided"}, {"claim": {"frequency_code": "8"}}])
def test_a_voided_claim_passes_as_withdrawn_whatever_is_on_it(change: dict[str, Any]) -> None:
    claim = claim_with(lines=[{"modifiers": [], "units": 9}], claim=change.get("claim"))
    found = answered(event(claim, event_id="1", kind=change.get("kind", "claim.created")))
    assert isinstance(found, ClaimPassed)
    assert found.data.voided
    assert found.data.profile == "medicare-part-b"


def test_unknown_fields_are_no_reason_to_reject() -> None:
    claim = claim_with(claim={"shoe_size": 9, "patient": {"nickname": "x"}})
    assert isinstance(answered(event(claim, event_id="1")), ClaimPassed)


def test_what_is_not_json_is_rejected_with_line_and_column() -> None:
    reasons = rejected(b'{"specversion": "1.0",\n "id": ')
    assert list(reasons) == [""]
    assert "not JSON" in reasons[""]
    assert "line 2" in reasons[""]


def test_an_entry_without_the_field_is_rejected_saying_which() -> None:
    assert "`event`" in rejected(b"")[""]


def test_a_value_that_is_no_object_is_rejected() -> None:
    assert rejected(b"[1, 2]")


def test_every_error_has_its_pointer() -> None:
    claim = claim_with(claim={"payer": None, "lines": [{"procedure_code": "9714", "units": "two"}]})
    reasons = rejected(event(claim, event_id="1"))
    assert reasons["/data/payer"] == "this field is required and is not there"
    assert {"/data/lines/0/procedure_code", "/data/lines/0/units", "/data/lines/0/service_date"} <= reasons.keys()


def test_a_rejection_names_the_event_where_it_can_be_read() -> None:
    found = answered(event({"claim_id": "CLM-9"}, event_id="77"))
    assert isinstance(found, ClaimRejected)
    assert found.data.source_event is not None
    assert (found.data.source_event.source, found.data.source_event.id) == ("urn:pms:test", "77")
    assert found.data.claim_id == found.subject == "CLM-9"
    assert found.data.stream_entry == ENTRY


def test_a_rejection_repeats_nothing_of_what_was_sent_in_its_reasons() -> None:
    canary = "ZAPHOD"
    wrong = {"patient": {"birth_date": canary, canary: 1}, "place_of_service": canary, "diagnoses": [canary * 3]}
    claim = claim_with(claim=wrong)
    claim["documentation"][0]["service_minutes"] = {canary: canary}
    found = answered(event(claim, event_id="1"))
    assert isinstance(found, ClaimRejected)
    assert len(found.data.errors) >= 4
    assert canary not in str(found.data.errors)


def test_an_event_larger_than_any_claim_is_rejected_by_its_size() -> None:
    assert str(MAX_EVENT_BYTES) in rejected(b"x" * (MAX_EVENT_BYTES + 1))[""]


def test_a_verdict_holds_no_phi() -> None:
    canaries = {"name": "ZAPHOD", "birth_date": "1942-11-11", "id": "MEMBER-XYZ"}
    claim = claim_with(
        lines=[{"modifiers": [], "units": 9}],
        claim={"patient": canaries, "rendering_provider": {"name": "CLINICIANCANARY"}},
        note={"text": "NOTECANARY massage", "response": "RESPONSECANARY", "goals": "GOALCANARY",
              "medical_necessity": "NEEDCANARY", "signed_by": {"name": "SIGNERCANARY"}},
    )  # fmt: skip
    text = answered(event(claim, event_id="1")).model_dump_json()
    for canary in ("ZAPHOD", "1942-11-11", "MEMBER-XYZ", "CANARY"):
        assert canary not in text


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    assert isinstance(answered(raw), ClaimRejected)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(st.data())
def test_no_change_to_a_claim_makes_it_raise(data: st.DataObject) -> None:
    claim = claim_with(lines=[{}, {"procedure_code": "97110"}])
    where: Any = claim
    for _ in range(data.draw(st.integers(1, 3))):
        keys = list(where) if isinstance(where, dict) else list(range(len(where)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(where[key], dict | list) and data.draw(st.booleans()):
            where = where[key]
        else:
            where[key] = data.draw(_JSON)
            break
    assert isinstance(answered(event(claim, event_id="1")), ClaimPassed | ClaimFailed | ClaimRejected)


def test_several_are_answered_as_each_alone_in_their_order() -> None:
    raws = [
        event(claim_with(), event_id="1"),
        b"no JSON",
        event(claim_with(lines=[{"modifiers": []}]), event_id="2"),
        event(claim_with(), event_id="3", kind="claim.voided"),
        b"",
        event(claim_with(claim={"claim_id": "CLM-2"}), event_id="4"),
    ]
    entries = [(raw, f"claims.created/{number}-0") for number, raw in enumerate(raws)]
    book = shipped_rule_book()
    moments = [NOW + timedelta(microseconds=place) for place in range(len(entries))]
    alone = [answer(raw, entry, book, at) for (raw, entry), at in zip(entries, moments, strict=True)]
    assert answers(entries, book, NOW) == alone
    assert answers([], book, NOW) == []


@given(any_claim())
def test_an_answer_is_written_as_the_contract_writes_it(claim: Claim) -> None:
    raw = event(claim.model_dump(mode="json", by_alias=True), event_id="1")
    written = to_json(answer(raw, ENTRY, shipped_rule_book(), NOW).event)
    found = MODELS[json.loads(written)["type"]].model_validate_json(written)
    assert isinstance(found, ClaimPassed | ClaimFailed)
    assert found.json_text.encode() == written
