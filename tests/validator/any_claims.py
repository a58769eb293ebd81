"""Any claim that fits the schema: drawn field by field from the models, so that a new field is drawn too.

Where the contract leaves a field open, most of what is drawn comes from the words that rules look for, and most dates
are the same day: a claim of random letters would bill nothing that is judged.
"""

import types
import typing
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from random import Random
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel

from palpate_schemas.claim import Claim
from tests.validator.correct_claims import Json, correct_claim

_DAYS = (
    date(2018, 12, 31),
    date(2019, 6, 30),
    date(2019, 12, 31),
    date(2021, 9, 30),
    date(2024, 3, 1),
    date(2025, 3, 3),
)
_THE_DAY = st.shared(st.sampled_from(_DAYS), key="the claim's day")
_MOST = 4
"""How many of anything: more would only be slower."""

_CODES = (
    *("97140",) * 6,
    "97110", "97112", "97124", "97530", "97535", "97116", "97035", "97032", "97012", "97014", "G0283", "97150",
    "97161", "97164", "97165", "97750", "97760", "97763", "95851", "95992", "98925", "98940", "98943", "20560",
    "29581", "97545", "97001", "97129", "97130", "99213", "93797", "G8978", "36591", "97010", "64479", "A4556",
)  # fmt: skip
_MODIFIERS = (
    "GP", "GO", "GN", "KX", "CQ", "CO", "59", "XE", "XP", "XS", "XU", "25", "22", "76", "77", "50", "52", "RT", "LT",
    "GA", "GX", "GY", "GZ", "AT", "95", "GT", "93", "96", "97", "99", "U1", "Q5", "ZZ",
)  # fmt: skip
_REGIONS = (
    "cervical",
    "lumbar",
    "thoracic",
    "shoulder.left",
    "shoulder.right",
    "knee",
    "knee.both",
    "lower_limb.left",
    "tmj",
)

WORDS: Mapping[str, tuple[object, ...]] = {
    "procedure_code": _CODES,
    "procedure_codes": _CODES,
    "service_minutes": _CODES,
    "modifiers": _MODIFIERS,
    "regions": _REGIONS,
    "place_of_service": ("11", "12", "02", "10", "21", "22", "31", "99", "98"),
    "diagnoses": (
        "M54.2", "M54.5", "M5450", "M25.511", "M25.561", "S83.511", "S83511D", "S83.511A", "I89.0", "Z96.651",
        "M54.16", "M51.26", "E11.9", "M79.1", "G80.9", "no.code", "M80.08XA", "Z79.01", "V89.2XXA",
    ),
    "npi": ("1234567893", "1245319599", "1497758544", "1003000126", "1234567890", "123", "Dr Who"),
    "taxonomy": ("225100000X", "225X00000X", "111N00000X", "225700000X", "261QP2000X", "225200000X", "nonsense"),
    "profile": (
        "medicare-part-b", "medicaid", "va-ccn", "uhc-commercial", "anthem", "aetna", "bcbs-north-dakota",
        "commercial-cms", "commercial-ama", "no such profile",
    ),
    "techniques": ("joint mobilization", "STM", "dry needling", "massage", "adjusted", "hands"),
    "text": (
        "", "  ", "Joint mobs gr III C5, restricted rotation improved 45 to 60 deg.", "Massage to relax.",
        "MT x 15 min.", "HVLA to C5, patient adjusted.", "OMT with muscle energy.", "No joint mobs; US and IFC given.",
        "Patient instructed in self STM. Maintenance program.", "Gait training, ther-ex 3 sets of 10.",
    ),
    "location": ("office", "patient's home", "hospital", "telehealth", "11", "the moon"),
    "credentials": ("PT", "PTA", "OTR/L", "SPT", "aide", "DC", ""),
    "reason": ("rest", "waiting", "set-up", "documentation", "toileting"),
    "restricted_motion": ("", "C5 rotation restricted"),
    "response": ("", "pain 6 to 3"),
    "goals": ("", "drive"),
}  # fmt: skip
"""What rules look for, by the field's name."""


def any_claim() -> st.SearchStrategy[Claim]:
    """Claims over the whole schema; most bill or document 97140."""
    return _model(Claim)


@st.composite
def nearly_right_claim(draw: st.DrawFn) -> Claim:
    """A correct claim in which up to eight fields, anywhere, are something else that fits the schema."""
    sent = correct_claim(Random(draw(st.integers(0, 10**9))))
    for _ in range(draw(st.integers(0, 8))):
        at, model = draw(st.sampled_from(list(_parts(sent, Claim))))
        name = draw(st.sampled_from(sorted(model.model_fields)))
        value = draw(_field(model, name))
        if value is _UNSAID:
            at.pop(name, None)
        else:
            at[name] = value
    return Claim.model_validate(sent)


def _parts(sent: Any, kind: Any) -> Iterator[tuple[Json, type[BaseModel]]]:
    """Every object of a claim as sent, with its model."""
    if isinstance(sent, dict) and (model := _model_in(kind)) is not None:
        yield sent, model
        for name, field in model.model_fields.items():
            yield from _parts(sent.get(name), field.annotation)
    elif isinstance(sent, list | tuple):
        for each in sent:
            yield from _parts(each, kind)


def _model_in(kind: Any) -> type[BaseModel] | None:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    found = (_model_in(each) for each in typing.get_args(kind))
    return next((model for model in found if model is not None), None)


@st.composite
def _model(draw: st.DrawFn, model: type[BaseModel]) -> Any:
    drawn = {name: draw(_field(model, name)) for name in model.model_fields}
    return model.model_validate({name: value for name, value in drawn.items() if value is not _UNSAID})


_UNSAID = object()


@cache
def _field(model: type[BaseModel], name: str) -> st.SearchStrategy[Any]:
    field = model.model_fields[name]
    said = _value(field.annotation, tuple(field.metadata), name)
    return said if field.is_required() else st.one_of(said, said, st.just(_UNSAID))


def _value(kind: Any, rules: tuple[Any, ...], name: str) -> st.SearchStrategy[Any]:
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        inner, *more = typing.get_args(kind)
        return _value(inner, (*rules, *more), name)
    if origin in {typing.Union, types.UnionType}:
        # None is the same as unsaid, which is drawn often enough.
        kinds = [each for each in typing.get_args(kind) if each is not type(None)]
        return st.one_of(*(_value(each, rules, name) for each in kinds))
    if origin is typing.Literal:
        return st.sampled_from(typing.get_args(kind))
    if origin is tuple:
        return _several(typing.get_args(kind)[0], rules, name)
    if origin is dict:
        key, value = typing.get_args(kind)
        return st.dictionaries(_value(key, (), name), _value(value, (), name), max_size=3)
    return _plain(kind, rules, name)


def _several(kind: Any, rules: tuple[Any, ...], name: str) -> st.SearchStrategy[Any]:
    least = _rule(rules, "min_length") or 0
    most = min(_rule(rules, "max_length") or _MOST, _MOST)
    return st.lists(_value(kind, (), name), min_size=least, max_size=most)


def _plain(kind: Any, rules: tuple[Any, ...], name: str) -> st.SearchStrategy[Any]:
    if issubclass(kind, BaseModel):
        return _model(kind)
    if issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if kind is str:
        return _text(rules, name)
    assert kind in _NUMBERS_AND_DAYS, f"{name}: no strategy for {kind}"
    return _whole(rules) if kind is int else _NUMBERS_AND_DAYS[kind]


def _whole(rules: tuple[Any, ...]) -> st.SearchStrategy[int]:
    low, high = _rule(rules, "ge"), _rule(rules, "le")
    few = st.integers(max(0, low or 0), min(60, high or 60))
    return st.one_of(few, few, st.integers(-(10**6) if low is None else low, 10**6 if high is None else high))


_NUMBERS_AND_DAYS: Mapping[type, st.SearchStrategy[Any]] = {
    int: st.integers(),
    bool: st.booleans(),
    Decimal: st.sampled_from(["1", "1", "2", "2", "3", "0", "-1", "1.5", "45.00", "2480.00", "1E+30", "9999999"]),
    date: st.one_of(_THE_DAY, _THE_DAY, _THE_DAY, st.sampled_from(_DAYS), st.dates()),
}


def _text(rules: tuple[Any, ...], name: str) -> st.SearchStrategy[Any]:
    pattern, least, most = _rule(rules, "pattern"), _rule(rules, "min_length") or 0, _rule(rules, "max_length") or 40
    drawn: st.SearchStrategy[Any] = (
        st.text(min_size=least, max_size=most) if pattern is None else st.from_regex(pattern.replace("$", r"\Z"))
    )
    # What is stripped away does not count, and some letters become two capitals.
    drawn = drawn.filter(lambda text: least <= len(text.strip()) <= len(text.strip().upper()) <= most)
    words = WORDS.get(name)
    return drawn if words is None else st.one_of(st.sampled_from(words), st.sampled_from(words), drawn)


def _rule(rules: tuple[Any, ...], key: str) -> Any:
    """A constraint of a field, wherever pydantic keeps it."""
    for each in rules:
        for holder in (each, *getattr(each, "metadata", ())):
            if (value := getattr(holder, key, None)) is not None:
                return value
    return None
