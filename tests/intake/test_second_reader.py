"""A second, independent 837P reader (pyx12, by its own maps of the implementation guides) agrees with ours."""

import io
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from palpate_intake.outcome import ReadClaim
from palpate_intake.reading import read_claims
from tests.conftest import SHARED

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyx12.error_handler
    import pyx12.params
    import pyx12.x12context
    from pyx12.errors import EngineError, X12Error

FILES = sorted(path for path in (SHARED / "samples" / "837p").rglob("*") if path.is_file())

# pyx12 has the maps of 5010 A1 and of 4010, and believes ISA12; the samples name erratum A2, which changed no field
# read here, and put 4010 claims into envelopes that say 5010.


def as_the_other_knows_it(text: str) -> str:
    """The same file under version numbers that the other reader has maps for."""
    if "004010X098A1" in text:
        return text.replace("*00501*", "*00401*", 1)
    return text.replace("005010X222A2", "005010X222A1")


@dataclass(frozen=True)
class Seen:
    """What both readers say of one claim."""

    claim_id: str
    place_of_service: str
    frequency: str
    billing_npi: str
    diagnoses: tuple[str, ...]
    lines: tuple[tuple[str, tuple[str, ...], float, float, str, tuple[int, ...]], ...]
    """Code, modifiers, charge, units, first date of service, diagnosis pointers."""


class CannotRead(Exception):
    """The other reader is at its end: a claim whose components are separated otherwise than its envelope says."""


@cache
def by_pyx12(text: str) -> list[Seen]:
    """Every claim by the other reader.

    Raises:
        EngineError, X12Error: it has no map for the file.
    """
    claims: list[Seen] = []
    reader = pyx12.x12context.X12ContextReader(
        pyx12.params.params(), pyx12.error_handler.errh_null(), io.StringIO(text)
    )
    billing = ""
    for tree in reader.iter_segments("2000A"):
        if tree.id != "2000A":
            continue
        # A tax number stands where 4010 had no NPI; ours never passes one off as an NPI.
        billing = tree.get_value("2010AA/NM109") if tree.get_value("2010AA/NM108") == "XX" else "missing"
        for claim in (*tree.select("2000B/2300"), *tree.select("2000B/2000C/2300")):
            claims.append(_claim(claim, billing))  # noqa: PERF401 - a comprehension over two nested selects reads worse
    return claims


def _claim(claim: "pyx12.x12context.X12LoopDataNode", billing: str) -> Seen:
    if claim.get_value("CLM05-3") is None:
        raise CannotRead
    diagnoses = tuple(
        value for position in range(1, 13) if (value := claim.get_value(f"HI{position:02d}-2")) is not None
    )
    return Seen(
        claim_id=claim.get_value("CLM01"),
        place_of_service=claim.get_value("CLM05-1"),
        # Some samples write `1.00`, where the guide wants `1`.
        frequency=claim.get_value("CLM05-3").removesuffix(".00"),
        billing_npi=billing,
        diagnoses=diagnoses,
        lines=tuple(_line(line) for line in claim.select("2400")),
    )


def _line(line: "pyx12.x12context.X12LoopDataNode") -> tuple[str, tuple[str, ...], float, float, str, tuple[int, ...]]:
    if line.get_value("DTP[472]03") is None or line.get_value("SV101-2") is None:
        raise CannotRead
    modifiers = tuple(value for n in range(3, 7) if (value := line.get_value(f"SV101-{n}")))
    pointers = tuple(int(value) for n in range(1, 5) if (value := line.get_value(f"SV107-{n}")))
    date = line.get_value("DTP[472]03").split("-")[0]
    return (
        line.get_value("SV101-2"),
        modifiers,
        float(line.get_value("SV102")),
        float(line.get_value("SV104")),
        date,
        pointers,
    )


def by_us(text: str) -> list[Seen]:
    """Every claim by our reader."""
    outcomes = list(read_claims(io.BytesIO(text.encode("latin-1")), "sample.837"))
    return [_seen(outcome) for outcome in outcomes if isinstance(outcome, ReadClaim)]


def _seen(read: ReadClaim) -> Seen:
    claim = read.claim
    return Seen(
        claim_id=claim.claim_id,
        place_of_service=claim.place_of_service,
        frequency=claim.frequency_code,
        billing_npi=claim.billing_provider.npi,
        diagnoses=claim.diagnoses,
        lines=tuple(
            (
                line.procedure_code,
                line.modifiers,
                float(line.charge or 0),
                float(line.units),
                line.service_date.strftime("%Y%m%d"),
                line.diagnosis_pointers,
            )
            for line in claim.lines
        ),
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_both_readers_say_the_same_of_every_file_that_the_other_can_read(path: Path) -> None:
    text = as_the_other_knows_it(path.read_text("latin-1"))
    try:
        theirs = by_pyx12(text)
    except (EngineError, X12Error, CannotRead):
        # An interchange version that never was, or components that are separated otherwise than the envelope says.
        outcomes = list(read_claims(io.BytesIO(text.encode("latin-1")), "sample.837"))
        assert "*00402*" in text or [each.structure[0].code for each in outcomes] == ["component-separator"]
        return
    assert by_us(text) == theirs


def test_the_other_reader_can_read_most_of_them() -> None:
    readable = 0
    for path in FILES:
        text = as_the_other_knows_it(path.read_text("latin-1"))
        try:
            readable += bool(by_pyx12(text))
        except (EngineError, X12Error, CannotRead):
            continue
    assert readable >= 36, readable
