"""Lean structures hold what the contract's models hold, whatever is sent."""

import json
import re
import typing
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from pydantic import AwareDatetime, BaseModel, StringConstraints, ValidationError
from rich.pretty import pretty_repr

from palpate_schemas.claim import Claim
from palpate_schemas.events import ClaimEvent
from palpate_schemas.lean import canonical, read_claim, read_claim_event
from palpate_schemas.verdict import Counts
from palpate_validator.book import shipped_rule_book
from palpate_validator.engine import judge
from tests.processes import event
from tests.validator.any_claims import any_claim, nearly_right_claim
from tests.validator.claims import claim_with

Read = Callable[[bytes], Any]


def facts(read: Any) -> Any:
    """What a model or a structure holds, as plain values."""
    if isinstance(read, BaseModel):
        return {name: facts(getattr(read, name)) for name in type(read).model_fields}
    if isinstance(read, msgspec.Struct):
        return {name: facts(getattr(read, name)) for name in read.__struct_fields__}
    if isinstance(read, tuple):
        return [facts(each) for each in read]
    # A seventh digit of a second is cut off by the one and rounded by the other.
    return read.replace(microsecond=read.microsecond // 10 * 10) if isinstance(read, datetime) else read


def both_ways(raw: bytes) -> Iterator[tuple[Any, Any]]:
    """As a bare claim or as the event around it: what the lean way and what the model makes of it."""
    ways: list[tuple[Read, type[Claim | ClaimEvent]]] = [(read_claim, Claim), (read_claim_event, ClaimEvent)]
    for lean, model in ways:
        yield _outcome(lean, raw), _outcome(model.model_validate_json, raw)


def _outcome(read: Read, raw: bytes) -> Any:
    try:
        return facts(read(raw))
    except ValidationError as error:
        return error.errors(include_url=False, include_context=False, include_input=False)


# -- a claim in which every field is filled --------------------------------------------------------------------------

_TEXTS = ("97140", "GP", "11", "knee.left", "09:15", "M54.2")


def filled(kind: Any, rules: tuple[Any, ...] = (), name: str = "") -> Any:
    """A plain value of a type, every field of a model filled."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return filled(inner[0], inner[1:], name)
    if origin is typing.Literal:
        return inner[0]
    if origin is tuple:
        return [filled(inner[0], (), name)]
    if origin is dict:
        return {filled(inner[0]): filled(inner[1])}
    if inner:
        return filled(inner[0], (), name)
    return _filled_plain(kind, rules, name)


def _filled_plain(kind: Any, rules: tuple[Any, ...], name: str) -> Any:
    if kind is AwareDatetime:
        return "2025-03-03T10:00:00.123+01:00"
    if issubclass(kind, BaseModel):
        return {
            name: filled(field.annotation, tuple(field.metadata), name) for name, field in kind.model_fields.items()
        }
    if issubclass(kind, Enum):
        return next(iter(kind)).value
    if kind is str:
        patterns = [each.pattern for each in rules if isinstance(each, StringConstraints) and each.pattern]
        return next((text for pattern in patterns for text in _TEXTS if re.search(str(pattern), text)), "text")
    plain: dict[Any, Any] = {date: "2025-03-03", int: 2, bool: True, Decimal: 3}
    return "45.10" if name in {"charge", "pt_slp", "ot"} else plain[kind]


FILLED: dict[str, Any] = filled(ClaimEvent)
EVENT = json.dumps(FILLED).encode()


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every part."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from leaves(member, (*path, key))


def changed(path: tuple[Any, ...], change: Any) -> bytes:
    """The filled event with one part changed; a bare claim's fields stand beside the envelope's."""
    sent = {"": deepcopy(FILLED)}
    where: Any = sent
    for key in ("", *path)[:-1]:
        where = where[key]
    where[("", *path)[-1]] = change
    return json.dumps(sent[""]).encode()


ODD = (
    None, True, False, 0, -1, 1, 2, 1.5, 2.0, 45.1, 10**9 + 1, 2**63, 10**20, 10**50, 1e30, -0.0, "", " ", "0", "2",
    " 2", "2.0", "1e3", "1_0", "NaN", "Infinity", "-45.10", "45.1", "45.101", "9" * 16 + ".00", "9" * 50, "1e-50",
    "97140 ", "9714o", "9714O", " gp", "gp", "G-", "011", "1", "KNEE.Left", "knee.up", "24:00", "9:15", "m54.2",
    "M54.2 ", "M54\nM55",
    "ßßß", "٣", "x" * 65, "x" * 64 + " ", "x" * 1025, "\x1fx", "x\u2003", "a\u0000b", "é", "2025-03-03",
    "2025-03-03T00:00:00", "2025-02-30", "2025-03-03T00:00:00Z", "2025-03-03T23:59:59.9999999Z",
    "2025-03-03T10:00:00.1234567+05:30", "2025-03-03T10:00:00", "2025-03-03 10:00:00Z", 1741000000, "pt", "PT",
    "medicare", "8", "claim.voided", "1.1", [], {}, [None], ["97140", "97110"], ["97140\n97110"], ["M54\nM55"],
    {"97140": 1, "x": 1},
)  # fmt: skip
"""What else may be sent in any place."""


def test_whatever_is_sent_in_any_place_is_read_as_the_model_reads_it() -> None:
    parts = list(leaves(FILLED))
    assert len(parts) > 140
    for path in parts:
        for change in (*ODD, *_other_forms(path)):
            for lean, model in both_ways(changed(path, change)):
                assert lean == model, (path, change)


def _other_forms(path: tuple[Any, ...]) -> Iterator[Any]:
    value: Any = FILLED
    for key in path:
        value = value[key]
    if isinstance(value, str):
        yield from (f" {value}", f"{value}\n", f"\u00a0{value}", value.lower(), value.upper(), f"{value}x", value[:-1])
    if isinstance(value, list):
        yield from (value * 2, value * 50, value * 51, value * 500, value * 501)


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (b'"text"', b'"\\ud800"'),
        (b'"text"', b'"\\ud83d\\ude00"'),
        (b'"text"', b'"\xff"'),
        (b'"text"', b'"\x01"'),
        (b'"text"', b'"a" "b"'),
        (b'{"specversion"', b'{"unknown": "\xff", "specversion"'),
        (b'{"specversion"', b'{"\xff": 1, "specversion"'),
        (b'{"specversion"', b'{"unknown": "\\ud800", "specversion"'),
        (b'{"specversion"', b'{"unknown": [1,], "specversion"'),
        (b'{"specversion"', b'{"unknown": NaN, "specversion"'),
        (b'{"specversion"', b'{"unknown": 01, "specversion"'),
        (b'{"specversion"', b'{"unknown": 1e999, "specversion"'),
        (b'{"specversion"', b'{"unknown": ' + b"[" * 100_000 + b"]" * 100_000 + b', "specversion"'),
        (b'{"specversion"', b'{"specversion": 5, "specversion"'),
        (b'{"specversion"', b'{"specversion": "1.0", "specversion": 5, "x"'),
        (b'{"specversion"', b'\xef\xbb\xbf{"specversion"'),
        (b'{"specversion"', b'\n {"specversion"'),
        (b'{"specversion"', b'[{"specversion"'),
        (b'"97140": 2', b'"97140": 2, "97140": 3'),
        (b'"97140": 2', b'" 97140": 2, "97140": 3'),
    ],
)
def test_texts_that_are_no_json_or_nearly_are_refused_by_both(part: bytes, instead: bytes) -> None:
    assert part in EVENT
    for raw in (EVENT.replace(part, instead), EVENT.replace(part, instead, 1) + b"}"):
        for lean, model in both_ways(raw):
            assert lean == model


def test_what_is_plain_is_read_lean() -> None:
    """Else nothing would be gained, and nobody would see it."""
    claim = claim_with()
    for raw in (EVENT, event(claim, event_id="1")):
        assert isinstance(read_claim_event(raw), msgspec.Struct)
    assert isinstance(read_claim(json.dumps(claim).encode()), msgspec.Struct)
    assert isinstance(read_claim(json.dumps(FILLED["data"], ensure_ascii=False).encode()), msgspec.Struct)


@given(any_claim())
def test_a_claim_has_one_canonical_form_whichever_way_it_is_read(claim: Claim) -> None:
    raw = claim.model_dump_json().encode()
    assert facts(read_claim(raw)) == facts(claim)
    assert canonical(read_claim(raw)) == canonical(claim)


@given(any_claim() | nearly_right_claim())
def test_a_claim_is_judged_alike_whichever_way_it_is_read(claim: Claim) -> None:
    book = shipped_rule_book()
    lean = read_claim(claim.model_dump_json().encode())
    assert judge(lean, lean.submitted_on, book) == judge(claim, claim.submitted_on, book)


@pytest.mark.parametrize("units", [0, -1, 2, 3.5, "2.0", "0.0", "1e1"])
def test_units_are_shown_alike_whichever_way_they_are_read(units: Any) -> None:
    book = shipped_rule_book()
    sent = claim_with(lines=[{"units": units}])
    read = [read_claim(json.dumps(sent).encode()), Claim.model_validate(sent)]
    lean, model = ([f.json_text for f in judge(each, each.submitted_on, book).findings] for each in read)
    assert lean == model


def test_midnight_is_the_models_to_read() -> None:
    late = FILLED | {"time": "2025-03-03T23:59:59.99999999Z"}
    read = read_claim_event(json.dumps(late).encode())
    assert read.time is not None
    assert read.time.date() == date(2025, 3, 3)
    assert read.time.utcoffset() == timedelta(0)


def test_a_structure_shows_no_facts() -> None:
    read = read_claim_event(EVENT)
    assert repr(read) == "<ClaimEvent>"
    assert "text" not in f"{read.data} {read.data.patient!r} {read.data.documentation}"
    assert "text" not in pretty_repr(read)


def test_a_copy_with_a_change_is_written_anew() -> None:
    counts = Counts(judged=1, violated=0, undetermined=0)
    assert '"judged":1' in counts.json_text
    assert '"judged":9' in counts.model_copy(update={"judged": 9}).json_text


@pytest.mark.parametrize("amount", ["999999999999.99", "99999999999999.99", "999999999999999.99", "45.1", "0.0"])
def test_a_sum_sent_as_a_number_is_equal_both_ways(amount: str) -> None:
    raw = EVENT.replace(b'"charge": "45.10"', f'"charge": {amount}'.encode())
    assert raw != EVENT
    for lean, model in both_ways(raw):
        assert lean == model
