"""Whatever a file holds: reading it never raises, never hangs, and never keeps more than it may."""

import json
import random
import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate_intake.json_text import places
from palpate_intake.outcome import ReadClaim, Unreadable
from palpate_intake.reading import read_claims
from tests.intake.x12_text import x12

ROOT = Path(__file__).parents[2]
_FOLDERS = (ROOT / "samples", ROOT.parent / "shared" / "samples")
FILES = [path.read_bytes() for folder in _FOLDERS for path in sorted(folder.rglob("*")) if path.is_file()]
_PIECES = (
    b"~", b"*", b":", b"^", b"\n", b"ISA*", b"ST*837*1~", b"SE*1*1~", b"CLM*", b"SV1*HC:", b"HL*1**20*1~", b"SBR*S~",
    b"{", b"}", b"[", b"]", b'"', b",", b"null", b"1e999", b"\\u0000", b"\xff", b"\x00", b"\xef\xbb\xbf", b"-1",
    b"9" * 50,    b'"resourceType"', b'"claim_id"', b"LX*1~", b"NM1*82~", b"DTP*472*RD8*-~", b"HI*ABK~",
)  # fmt: skip


def _read(raw: bytes) -> None:
    """Every outcome is one of the two, and can be shown and written."""
    for outcome in read_claims(BytesIO(raw), "fuzz"):
        if isinstance(outcome, ReadClaim):
            outcome.claim.model_dump_json()
            assert outcome.line_position("/lines/0/units")
        else:
            assert isinstance(outcome, Unreadable)
            assert outcome.reasons


def _mutated(seed: int) -> bytes:
    """A real file with pieces cut, doubled, swapped, overwritten or strewn in."""
    dice = random.Random(seed)
    raw = bytearray(dice.choice(FILES))
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(raw) + 1)
        to = min(len(raw), at + dice.choice((1, 1, 2, 8, 60, 400)))
        match dice.randrange(6):
            case 0:
                del raw[at:to]
            case 1:
                raw[at:at] = dice.choice(_PIECES)
            case 2:
                raw[at:to] = bytes(dice.randrange(256) for _ in range(to - at))
            case 3:
                raw[at:at] = raw[at:to] * dice.randint(1, 3)
            case 4:
                other = dice.choice(FILES)
                raw[at:at] = other[dice.randrange(len(other)) :][:400]
            case _:
                old = dice.choice(_PIECES[:6])
                raw = raw.replace(old, dice.choice(_PIECES), dice.randint(1, 20))
    return bytes(raw)


@given(st.integers(0, 2**32))
@settings(max_examples=2_000)
def test_mutated_files_never_raise(seed: int) -> None:
    _read(_mutated(seed))


@given(st.binary(max_size=400))
@settings(max_examples=500)
def test_arbitrary_bytes_never_raise(tail: bytes) -> None:
    for head in (b"", b"ISA*", b"ST*837*1~", b"{", b"["):
        _read(head + tail)


_NAMES = st.sampled_from(
    ["resourceType", "entry", "resource", "identifier", "system", "value", "item", "sequence", "coding", "code",
     "productOrService", "quantity", "net", "careTeam", "provider", "reference", "diagnosis", "supportingInfo",
     "category", "valueString", "insurance", "coverage", "patient", "contained", "claim_id", "lines", "payer", "id"]
)  # fmt: skip

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(_NAMES, _JSON, max_size=8), st.sampled_from(["Claim", "Bundle"]))
@settings(max_examples=1_000)
def test_fhir_of_any_shape_never_raises(value: dict[str, object], kind: str) -> None:
    from palpate_intake.fhir import fhir_claims

    bundled = {"resourceType": "Bundle", "entry": [{"resource": {**value, "resourceType": "Claim"}}]}
    for resource in ({**value, "resourceType": kind}, bundled):
        for outcome in fhir_claims(resource, "fuzz"):
            assert isinstance(outcome, ReadClaim | Unreadable)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_fifty_thousand_mutated_files_never_raise() -> None:
    for seed in range(50_000):
        _read(_mutated(seed))


@pytest.mark.parametrize(
    "raw",
    [
        b"ISA*" * 100_000,
        b"ISA*00*" + b" " * 500_000,
        b"ST*837*1~" * 100_000,
        b"ST*837*1~CLM*1~" + b"LX*1~SV1*HC:97140~NTE*ADD*X~" * 50_000,
        b"ST*837*1~CLM*1~" + b"NM1*82*1*X~REF*G1*1~PWK*OZ~HI*ABK:M542~SV2~" * 30_000,
        b"ST*837*1~" + b"CLM*1~" * 10_000,
        b"{" * 500_000,
        b"[" * 500_000,
        b'"' * 500_000,
        b'{"a":' * 100_000,
        b'{"claim_id": "' + b"\\" * 500_000,
        b"{\n" * 100_000,
        b'{"claim_id": 1}\n' * 20_000,
        b"}" * 200_000,
        b'{"a": "\n' * 50_000,
    ],
    ids=lambda raw: raw[:24].decode(),
)
@pytest.mark.timeout(60)
def test_hostile_files_neither_hang_nor_fill_the_memory(raw: bytes) -> None:
    tracemalloc.start()
    try:
        for _ in read_claims(BytesIO(raw), "hostile"):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024 * 1024


def test_memory_does_not_grow_with_the_number_of_claims() -> None:
    head, _, rest = x12().partition("HL*2*1*22*0~\n")
    loop, _, tail = rest.partition("SE*")
    many = BytesIO((head + ("HL*2*1*22*0~\n" + loop) * 5_000 + "SE*" + tail).encode())
    tracemalloc.start()
    try:
        count = sum(isinstance(outcome, ReadClaim) for outcome in read_claims(many, "many.837"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 5_000
    assert peak < 4 * 1024 * 1024


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":"' + b'\\"' * 1_000_000,
        b'{"a":"' + b'\\"' * 1_000_000 + b"\n}",
        b"ISA*00*~IEA*1" + b" " * 250_000 + b"X~",
        b"ISA*00*~IEA*1" + b" X" * 120_000 + b"~",
        b"ISA*~" * 1_000_000,
        b"ISA*~IEA*1 ISA*" * 500_000,
    ],
    ids=["no quote closes", "nor in the next line", "blanks", "single blanks", "headless", "joined"],
)
def test_no_text_takes_longer_than_its_length_accounts_for(raw: bytes) -> None:
    """Each took hours, or the better part of one: nothing is timed here, a text that hangs again is cut off."""
    _read(raw)


@pytest.mark.timeout(30)
def test_lines_are_counted_in_a_text_without_closing_quotes_too() -> None:
    assert places(b'{"a":"' + b'\\"' * 1_000_000 + b'\n,"b":1}', 1)["/b"] == 2


@pytest.mark.timeout(30)
def test_what_a_fhir_claim_refers_to_is_looked_up_in_no_more_than_its_length() -> None:
    """Every line that names every member of the team, each of whom is looked for among all that is contained."""
    many = 20_000
    item = {
        "productOrService": {"coding": [{"code": "97140"}]},
        "careTeamSequence": [1] * many,
    }
    claim = {
        "resourceType": "Claim",
        "careTeam": [{"sequence": 1, "provider": {"reference": "#none"}}],
        "contained": [{"id": "a"}] * many,
        "item": [item] * 60,
    }
    _read(json.dumps(claim).encode())
