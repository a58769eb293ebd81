"""JSON files are read value by value, and each fault is told by file, line, column and what to do."""

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given

from palpate_intake.hints import Hints
from palpate_intake.json_text import places
from palpate_intake.outcome import Outcome, ReadClaim, Unreadable
from palpate_intake.reading import read_claims
from palpate_schemas.claim import Claim
from palpate_schemas.events import ClaimEvent
from palpate_schemas.values import Program
from tests.validator.any_claims import nearly_right_claim
from tests.validator.claims import claim_with


def _event(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    envelope = {"specversion": "1.0", "id": "e1", "source": "urn:pms:test", "type": "claim.created", "data": data}
    return {**envelope, **changes}


def _read(text: str | bytes, hints: Hints = Hints()) -> list[Outcome]:  # noqa: B008 - frozen
    return list(read_claims(BytesIO(text if isinstance(text, bytes) else text.encode()), "f.json", hints=hints))


CLAIM = claim_with(lines=[{}, {"procedure_code": "97110"}])
COMPACT = json.dumps(CLAIM)
PRETTY = json.dumps(CLAIM, indent=2)
EVENT = json.dumps(_event(CLAIM))


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        (COMPACT, ["line 1"]),
        (PRETTY, ["line 1"]),
        ("\ufeff\n\n" + PRETTY, ["line 3"]),
        (EVENT, ["line 1"]),
        (json.dumps({"id": "v1", "claim": CLAIM, "verdict": "pass"}), ["line 1"]),
        (f"{COMPACT}\n{EVENT}\n\n{COMPACT}", ["line 1", "line 2", "line 4"]),
        (f"{COMPACT}\r\n{EVENT}\r\n", ["line 1", "line 2"]),
        (f"{COMPACT}{EVENT}", ["line 1", "line 1"]),
        (f"[{COMPACT},{EVENT}]", ["line 1", "line 1"]),
        (f"[\n{COMPACT},\n{EVENT}\n]\n", ["line 2", "line 3"]),
        (json.dumps([CLAIM, CLAIM], indent=1), ["line 2", f"line {PRETTY.count(chr(10)) + 3}"]),
        (f"{PRETTY}\n{PRETTY}", ["line 1", f"line {PRETTY.count(chr(10)) + 2}"]),
    ],
    ids=[
        "compact", "indented", "byte-order mark", "event", "judged row", "JSON lines", "CRLF", "joined", "list",
        "list by lines", "indented list", "indented and joined",
    ],
)  # fmt: skip
def test_every_claim_of_a_file_is_read(text: str, positions: list[str]) -> None:
    outcomes = _read(text)
    assert [outcome.position for outcome in outcomes] == positions
    for outcome in outcomes:
        assert isinstance(outcome, ReadClaim)
        assert outcome.claim == Claim.model_validate(CLAIM)


def test_a_member_whose_text_is_not_closed_does_not_take_the_next_along() -> None:
    cut = COMPACT.replace('"97110"', '"97110\\"', 1)
    assert cut != COMPACT
    outcomes = _read(f"[\n{cut},\n{COMPACT}\n]")
    assert [(type(outcome), outcome.position) for outcome in outcomes] == [
        (Unreadable, "line 2"),
        (ReadClaim, "line 3"),
    ]


def test_an_event_is_kept_whole() -> None:
    (outcome,) = _read(json.dumps(_event(CLAIM, type="claim.corrected", traceparent="00-a-b-01")))
    assert isinstance(outcome, ReadClaim)
    assert outcome.event == ClaimEvent.model_validate(_event(CLAIM, type="claim.corrected", traceparent="00-a-b-01"))
    assert outcome.event is not None
    assert outcome.event.data is outcome.claim


def test_a_claim_survives_the_way_through_json() -> None:
    (first,) = _read(COMPACT)
    assert isinstance(first, ReadClaim)
    (second,) = _read(first.claim.model_dump_json())
    assert isinstance(second, ReadClaim)
    assert second.claim == first.claim


def test_hints_reach_the_event_too() -> None:
    (outcome,) = _read(EVENT, Hints(profile="aetna", program=Program.VA))
    assert isinstance(outcome, ReadClaim)
    assert outcome.event is not None
    assert (outcome.event.data.payer.profile, outcome.event.data.payer.program) == ("aetna", Program.MEDICARE)


def test_parts_are_found_by_line() -> None:
    text = "\n" + json.dumps(_event(CLAIM), indent=2)
    (outcome,) = _read(text)
    assert isinstance(outcome, ReadClaim)
    lines = text.split("\n")
    found = outcome.line_position("/lines/1/units")
    assert '"units"' in lines[int(found.removeprefix("line ")) - 1]
    assert outcome.line_position("/lines/1/no_such_field") == outcome.line_position("/lines/1")
    assert outcome.line_position("/nowhere") == outcome.line_position("")


def test_places_name_every_part() -> None:
    raw = b'{\n "a": [1, {"b/c":\n "x: {y}"}],\n "d": null\n}'
    assert places(raw, 1) == {"": 1, "/a": 2, "/a/0": 2, "/a/1": 2, "/a/1/b~1c": 3, "/d": 4}


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ('{"claim_id": "x",\n "lines": []\n "payer": 1}', "f.json, line 3, column 2", "a comma"),
        ('{"claim_id": "x",\n "lines": [1, 2,]}', "f.json, line 2, column 17", "comma after the last"),
        ('{"claim_id": "x",\n "lines": [', "f.json, line 2", "cut off"),
        ('{"claim_id": x}', "f.json, line 1, column 14", "double quotes"),
        ("{claim_id: 1}", "f.json, line 1, column 2", "double quotes"),
        ('[{"a": x}]', "f.json, line 1, column 8", "double quotes"),
        (b'{"claim_id": "\xff"}', "f.json, line 1", "UTF-8"),
        ("[" * 5000 + "]" * 5000, "f.json, line 1", ""),
        ('{"claim_id": 1e999}', "f.json, line 1", ""),
    ],
)
def test_a_fault_of_json_has_an_address_and_a_remedy(text: str | bytes, place: str, says: str) -> None:
    outcome = _read(text)[0]
    assert isinstance(outcome, Unreadable)
    assert outcome.reasons[0].reason.startswith(place) or not says
    assert says in outcome.reasons[0].reason


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ('{"claim_id": "x",, "lines": []}', 2),
        ('{"claim_id": "x", "lines": [', 2),
        ('{"claim_id": "x', 2),
        ("{", 2),
        ("hello", 2),
        ("]}", 2),
        ('{"claim_id": "x"}', 2),
        ("null", 2),
        ("[]", 2),
    ],
)
def test_a_bad_line_does_not_take_its_neighbours_along(bad: str, good: int) -> None:
    outcomes = _read(f"{COMPACT}\n{bad}\n{COMPACT}\n")
    assert sum(isinstance(outcome, ReadClaim) for outcome in outcomes) == good
    assert [outcome.position for outcome in outcomes if isinstance(outcome, Unreadable)] in ([], ["line 2"])


@pytest.mark.parametrize(
    ("value", "pointers"),
    [
        (_event({**CLAIM, "payer": {}}), ["/data/payer/id"]),
        ({**CLAIM, "payer": {}}, ["/payer/id"]),
        ({"claim": {**CLAIM, "payer": {}}}, ["/claim/payer/id"]),
        (_event(CLAIM, type="claim.passed"), ["/type"]),
        ({"hello": 1}, [""]),
        ({"resourceType": "Patient"}, ["/resourceType"]),
        ({"resourceType": "Bundle"}, ["/entry"]),
    ],
)
def test_what_is_no_claim_says_why(value: dict[str, Any], pointers: list[str]) -> None:
    (outcome,) = _read(json.dumps(value))
    assert isinstance(outcome, Unreadable)
    assert [reason.pointer for reason in outcome.reasons] == pointers


def test_no_reason_repeats_what_was_sent() -> None:
    value = {**CLAIM, "place_of_service": "SECRET", "patient": {"id": "1", "birth_date": "SECRET", "SECRET": 1}}
    (outcome,) = _read(json.dumps(value))
    assert isinstance(outcome, Unreadable)
    assert not any("SECRET" in reason.reason + reason.pointer for reason in outcome.reasons)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"claim_id,payer\n1,2\n", "none of what Palpate reads"),
        (b"%PDF-1.7 ...", "none of what Palpate reads"),
        ('{"claim_id": 1}'.encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_of_another_kind_says_what_would_be_right(raw: bytes, says: str) -> None:
    (outcome,) = _read(raw)
    assert isinstance(outcome, Unreadable)
    assert says in outcome.reasons[0].reason


@given(nearly_right_claim())
def test_a_claim_reads_the_same_alone_on_its_line_and_over_several(claim: Claim) -> None:
    sent = {"claim_id": claim.claim_id} | claim.model_dump(mode="json", exclude_unset=True)
    alone, spread = (_read(json.dumps(sent, **form))[0] for form in ({"separators": (",", ":")}, {"indent": 1}))
    assert isinstance(alone, ReadClaim)
    assert isinstance(spread, ReadClaim)
    assert alone.claim == spread.claim == claim
    assert alone.claim.model_dump_json() == spread.claim.model_dump_json()
    assert alone.line_position("/lines/0/units") == "line 1"


def test_a_line_with_the_marks_of_another_kind_is_read_as_that_kind() -> None:
    [read] = _read(json.dumps({"claim_id": "H-1", "resourceType": "Patient"}, separators=(",", ":")))
    assert isinstance(read, Unreadable)
