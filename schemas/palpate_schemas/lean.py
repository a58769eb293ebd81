"""Lean structures: claims are read into them, and verdicts written from them, in a third of the models' time.

The models stay the contract.  A lean structure is made from a model: it has the model's fields and names and none of
its methods.  Reading, msgspec puts nothing right: it takes off no white space and takes no number for a text.  What is
not in its plain form already is therefore left to the model, which mends it or says what is wrong.

Both ways give equal facts and write equal texts; tests read and write the same both ways.  No rule is decided by what
differs: a sum of money sent as a number keeps the zeros at its end (45.10 here, 45.1 there), which shows in a finding
that repeats it and in the claim's digest; and the models refuse a text for what nobody reads in it, a field nested
more than some 200 deep or a whole number of more than 4,300 digits.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, time
from decimal import Decimal
from functools import cache
from string import ascii_uppercase, digits
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import msgspec
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from palpate_schemas.claim import Claim
from palpate_schemas.events import ClaimEvent
from palpate_schemas.values import REGIONS, ClockTime, Modifier, PlaceOfService, Region, Wire

Model = TypeVar("Model", bound=BaseModel)


def read_claim_event(raw: bytes) -> ClaimEvent:
    """A claim event from its JSON.

    Returns:
        A structure with every fact of a `ClaimEvent` under the same name; methods of pydantic's it may have or not.

    Raises:
        pydantic.ValidationError: it is none.
    """
    return _read(raw, _EVENTS, _event_is_plain, ClaimEvent)


def read_claim(raw: bytes) -> Claim:
    """A claim from its JSON: the same for the bare `data` of a claim event.

    Raises:
        pydantic.ValidationError: it is none.
    """
    return _read(raw, _CLAIMS, _claim_is_plain, Claim)


def _read(
    raw: bytes, decoder: "msgspec.json.Decoder[Model]", is_plain: Callable[[Model], bool], model: type[Model]
) -> Model:
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if not raw.isascii():
            raw.decode()  # msgspec reads over what is no UTF-8 in a field that it does not know
        if is_plain(read := decoder.decode(raw)):
            return read
    return model.model_validate_json(raw)


def written(model: type[Model]) -> type[Model]:
    """A structure to write a model's facts from: nothing is checked, and all but what is None by default is given."""
    fields = [
        (name, Any) if field.is_required() or field.default is not None else (name, Any, None)
        for name, field in model.model_fields.items()
    ]
    structure = msgspec.defstruct(
        model.__name__, fields, bases=(_Lean,), frozen=True, gc=False, kw_only=True, omit_defaults=True
    )
    return cast("type[Model]", structure)


def to_json(facts: Wire | msgspec.Struct) -> bytes:
    """A model or a structure of what is written as JSON, without what is None."""
    if isinstance(facts, Wire):
        return facts.json_text.encode()
    return _ENCODER.encode(facts)


def canonical(claim: Claim | msgspec.Struct) -> bytes:
    """A claim in one form, whichever way it was read: all of its fields as JSON, in the contract's order."""
    return claim.model_dump_json().encode() if isinstance(claim, Claim) else _ENCODER.encode(claim)


class _Lean(msgspec.Struct, frozen=True, gc=False):
    """What all lean structures have in common: none points to itself, so the garbage collector need not look at one."""

    def __repr__(self) -> str:
        # Its facts may be PHI, and an error may show it.
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


# -- structures from models -------------------------------------------------------------------------------------------

_LETTERS_AND_DIGITS = ascii_uppercase + digits
_CLOSED: dict[str | None, Iterable[str]] = {
    get_args(alias)[1].pattern: texts
    for alias, texts in (
        (Modifier, [one + other for one in _LETTERS_AND_DIGITS for other in _LETTERS_AND_DIGITS]),
        (PlaceOfService, [f"{number:02}" for number in range(100)]),
        (Region, REGIONS),
        (ClockTime, [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)]),
    )
}
"""The texts that a pattern allows, where they are few.  One is found among them in a tenth of a pattern's time."""

_MOST = 10**9
_OTHERWISE: dict[tuple[str, str], Any] = {
    # Nearly always whole; a Decimal costs three times as much.
    ("ServiceLine", "units"): Annotated[int, msgspec.Meta(ge=-_MOST, le=_MOST)],
}


@cache
def _structure(model: type[BaseModel]) -> type[msgspec.Struct]:
    """The lean structure of a model."""
    fields = [
        (name, kind) if field.is_required() else (name, kind, field.default)
        for name, field in model.model_fields.items()
        for kind in [_OTHERWISE.get((model.__name__, name)) or _kind(field.annotation, field.metadata)]
    ]
    return msgspec.defstruct(model.__name__, fields, bases=(_Lean,), frozen=True, gc=False, kw_only=True)


def _kind(annotation: Any, said: Iterable[Any] = ()) -> Any:  # noqa: ANN401
    """The type of a field as msgspec says it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inner[0], [*said, *inner[1:]])
    if origin in {Union, UnionType}:
        return Union[tuple(_kind(each) for each in inner)]  # noqa: UP007 - of as many as there are
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _structure(annotation)
    if annotation is AwareDatetime:
        return Annotated[datetime, msgspec.Meta(tz=True)]
    limits = _limits(said)
    pattern = limits.pop("pattern", None)
    if pattern in _CLOSED:
        return Literal[tuple(_CLOSED[pattern])]
    if origin is tuple:
        annotation = tuple[_kind(inner[0]), ...]  # type: ignore[misc]
    elif origin is dict:
        annotation = dict[_kind(inner[0]), _kind(inner[1])]  # type: ignore[misc]
    return Annotated[annotation, msgspec.Meta(**limits)] if limits else annotation


def _limits(said: Iterable[Any]) -> dict[str, Any]:
    """What pydantic's metadata limits, by msgspec's names, which are the same."""
    limits: dict[str, Any] = {}
    for each in said:
        if isinstance(each, FieldInfo):
            limits |= _limits(each.metadata)
            continue
        for name in ("ge", "le", "min_length", "max_length", "pattern"):
            if getattr(each, name, None) is not None:
                limits[name] = getattr(each, name)
    return limits


# Each gives a structure that has every fact of the model, and is spoken of as the model.
_CLAIMS = cast("msgspec.json.Decoder[Claim]", msgspec.json.Decoder(_structure(Claim)))
_EVENTS = cast("msgspec.json.Decoder[ClaimEvent]", msgspec.json.Decoder(_structure(ClaimEvent)))
_ENCODER = msgspec.json.Encoder(enc_hook=lambda model: msgspec.Raw(model.json_text))
"""Findings are models: the same ones say of claim after claim that a fact is not shared, and keep their text."""

# -- what msgspec does not look at ------------------------------------------------------------------------------------

_is_code = re.compile(r"[A-Z0-9]{5}").fullmatch
_is_diagnosis = re.compile(r"[!-`{-~][ -`{-~]{1,6}[!-`{-~]").fullmatch
"""An ICD-10-CM code as it is kept: printable, and no small letter."""
_CENT, _ONE = Decimal("0.01"), Decimal(1)
_MOST_PLACES = 12
"""With cents 14 digits, which a number sent as a float keeps exactly."""
_MIDNIGHT = time()


def _event_is_plain(event: ClaimEvent) -> bool:
    # Msgspec rounds a seventh digit of the second, which at midnight would be another day.
    return (
        _trimmed(event.id, event.source)
        and (event.time is None or event.time.time() != _MIDNIGHT)
        and _claim_is_plain(event.data)
    )


def _claim_is_plain(claim: Claim) -> bool:
    """Whether the model would read the very same facts."""
    payer = claim.payer
    if not _trimmed(claim.claim_id, claim.patient.id, payer.id, payer.profile or ""):
        return False
    codes = {line.procedure_code for line in claim.lines}
    amounts = [line.charge for line in claim.lines]
    numbers: list[Decimal | None] = []
    for note in claim.documentation or ():
        if note.service_minutes:
            codes.update(note.service_minutes)
        if note.plan_of_care is not None:
            codes.update(note.plan_of_care.procedure_codes or ())
            numbers.append(note.plan_of_care.visits_per_week)
    if claim.therapy_accrual is not None:
        amounts += (claim.therapy_accrual.pt_slp, claim.therapy_accrual.ot)
    if claim.prior_authorization is not None:
        numbers += (claim.prior_authorization.units_authorized, claim.prior_authorization.units_used)
    return (
        all(map(_is_code, codes))
        and all(map(_is_diagnosis, claim.diagnoses))
        and all(map(_is_money, amounts))
        and all(map(_is_whole, numbers))
    )


def _trimmed(*texts: str) -> bool:
    return tuple(map(str.strip, texts)) == texts


def _is_money(amount: Decimal | None) -> bool:
    """Dollars and cents, or whole dollars."""
    return amount is None or (
        (amount.same_quantum(_CENT) or amount.same_quantum(_ONE)) and amount.adjusted() < _MOST_PLACES
    )


def _is_whole(number: Decimal | None) -> bool:
    return number is None or (number.same_quantum(_ONE) and number.adjusted() < _MOST_PLACES)
