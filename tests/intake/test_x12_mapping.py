"""Each element of an 837P goes to its field of the contract."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from palpate_intake.hints import Hints
from palpate_intake.outcome import Unreadable
from palpate_schemas.values import Program
from tests.intake.x12_text import read, read_one, x12

BASE: dict[str, Any] = {
    "claim_id": "C-1",
    "version": 1,
    "frequency_code": "1",
    "submitted_on": date(2026, 11, 19),
    "payer.id": "00882",
    "payer.name": "MEDICARE",
    "payer.program": Program.MEDICARE,
    "patient.birth_date": date(1951, 5, 4),
    "patient.sex": "F",
    "patient.name": None,
    "billing_provider.npi": "1497758544",
    "billing_provider.name": "CLINIC",
    "billing_provider.taxonomy": "261QP2000X",
    "rendering_provider.npi": "1245319599",
    "rendering_provider.name": "ADA QUIST",
    "rendering_provider.taxonomy": "225100000X",
    "rendering_provider.profession": None,
    "referring_provider.npi": "1122334455",
    "supervising_provider": None,
    "place_of_service": "11",
    "prior_authorization": None,
    "diagnoses": ("M542", "M5412"),
    "lines.0.line_number": 1,
    "lines.0.service_date": date(2026, 11, 16),
    "lines.0.service_date_through": None,
    "lines.0.procedure_code": "97140",
    "lines.0.modifiers": ("GP", "59"),
    "lines.0.units": Decimal(2),
    "lines.0.charge": Decimal(110),
    "lines.0.diagnosis_pointers": (1, 2),
    "lines.0.place_of_service": None,
    "lines.0.minutes": None,
    "lines.0.performed_by": (),
    "lines.1.line_number": 2,
    "lines.1.procedure_code": "97110",
    "documentation": None,
}

_TWELVE = "HI*ABK:M542*" + "*".join(f"ABF:M54{n}" for n in range(10, 21)) + "~"
_LINE = "SV1*HC:97140:GP:59*110*UN*2***1:2~"

CHANGED: list[tuple[str, list[tuple[str, str]], dict[str, Any]]] = [
    ("nothing changed", [], {}),
    ("replacement of a claim", [("CLM", "CLM*C-1*165***11:B:7*Y*A*Y*Y~REF*F8*PAYER1~")], {"frequency_code": "7"}),
    ("void", [("CLM", "CLM*C-1*165***11:B:8*Y*A*Y*Y~REF*F8*PAYER1~")], {"frequency_code": "8"}),
    ("frequency written with decimals", [("CLM", "CLM*C-1*165***11::1.00*Y*A*Y*Y~")], {"frequency_code": "1"}),
    ("home", [("CLM", "CLM*C-1*165***12:B:1*Y*A*Y*Y~")], {"place_of_service": "12"}),
    ("prior authorization", [("CLM", "CLM*C-1*165***11:B:1~REF*G1*AUTH1~")], {"prior_authorization.number": "AUTH1"}),
    ("authorization on the line", [("SV1", _LINE + "REF*G1*AUTH2~")], {"prior_authorization.number": "AUTH2"}),
    ("ICD-9 by 4010", [("HI", "HI*BK:7231*BF:72887~")], {"diagnoses": ("7231", "72887")}),
    ("other HI codes are no diagnoses", [("HI", "HI*ABK:M542~HI*BG:17~")], {"diagnoses": ("M542",)}),
    ("twelve diagnoses", [("HI", _TWELVE)], {"diagnoses": ("M542", *(f"M54{n}" for n in range(10, 21)))}),
    (
        "four modifiers and a description",
        [("SV1", "SV1*HC:97140:GP:59:KX:CQ:words*110*UN*2***1~")],
        {"lines.0.modifiers": ("GP", "59", "KX", "CQ"), "lines.0.diagnosis_pointers": (1,)},
    ),
    ("half a unit", [("SV1", "SV1*HC:97140:GP:59*110*UN*1.5***1:2~")], {"lines.0.units": Decimal("1.5")}),
    ("no units", [("SV1", "SV1*HC:97140:GP:59*110*UN****1:2~")], {"lines.0.units": Decimal(0)}),
    (
        "minutes instead of units",
        [("SV1", "SV1*HC:97140:GP:59*110*MJ*25***1:2~")],
        {"lines.0.units": Decimal(25), "lines.0.minutes": 25},
    ),
    ("place of a line", [("SV1", "SV1*HC:97140:GP:59*110*UN*2*12**1:2~")], {"lines.0.place_of_service": "12"}),
    (
        "place only on the lines",
        [("CLM", "CLM*C-1*165***:B:1~"), ("SV1", "SV1*HC:97140:GP:59*110*UN*2*12**1:2~")],
        {"place_of_service": "12", "lines.0.place_of_service": "12"},
    ),
    ("pointers as letters", [("SV1", "SV1*HC:97140:GP:59*110*UN*2***B:A~")], {"lines.0.diagnosis_pointers": (2, 1)}),
    ("pointers kept in order", [("SV1", "SV1*HC:97140:GP:59*110*UN*2***2:1~")], {"lines.0.diagnosis_pointers": (2, 1)}),
    ("no charge", [("SV1", "SV1*HC:97140:GP:59**UN*2***1:2~")], {"lines.0.charge": None}),
    (
        "a span of days",
        [("DTP", "DTP*472*RD8*20261116-20261118~")],
        {"lines.0.service_date_through": date(2026, 11, 18)},
    ),
    ("a span of one day is none", [("DTP", "DTP*472*RD8*20261116-20261116~")], {}),
    ("the claim's date for a line", [("DTP", ""), ("HI", "HI*ABK:M542*ABF:M5412~DTP*472*D8*20261116~")], {}),
    ("other dates of a line", [("SV1", _LINE + "DTP*607*D8*20260101~")], {}),
    (
        "no rendering provider: who bills",
        [("NM1*82", ""), ("PRV*PE", "")],
        {
            "rendering_provider.npi": "1497758544",
            "rendering_provider.name": "CLINIC",
            "rendering_provider.taxonomy": "261QP2000X",
        },
    ),
    (
        "another on one line",
        [("SV1", _LINE + "NM1*82*1*RUIZ*BEN****XX*1003000126~PRV*PE*PXC*225X00000X~")],
        {"lines.0.performed_by": ({"npi": "1003000126"},)},
    ),
    ("the same on one line", [("SV1", _LINE + "NM1*82*1*QUIST*ADA****XX*1245319599~")], {}),
    (
        "only the lines name who treated, and all the same",
        [
            ("NM1*82", ""),
            ("PRV*PE", ""),
            ("SV1*HC:97140", _LINE + "NM1*82*1*RUIZ*BEN****XX*1003000126~"),
            ("SV1*HC:97110", "SV1*HC:97110:GP*55*UN*1***1~NM1*82*1*RUIZ*BEN****XX*1003000126~"),
        ],
        {
            "rendering_provider.npi": "1003000126",
            "rendering_provider.name": "BEN RUIZ",
            "rendering_provider.taxonomy": None,
        },
    ),
    (
        "supervising provider",
        [("NM1*82", "NM1*DQ*1*BOSS*BO****XX*1003000126~NM1*82*1*QUIST*ADA****XX*1245319599~")],
        {"supervising_provider.npi": "1003000126"},
    ),
    ("referrer on the line", [("NM1*DN", ""), ("SV1", _LINE + "NM1*DN*1*DOE*JO****XX*1122334455~")], {}),
    ("who ordered", [("NM1*DN", ""), ("SV1", _LINE + "NM1*DK*1*DOE*JO****XX*1122334455~")], {}),
    (
        "billing taxonomy after the name, by 4010",
        [("PRV*BI", ""), ("NM1*85", "NM1*85*2*CLINIC*****XX*1497758544~PRV*BI*ZZ*261QP2000X~")],
        {},
    ),
    (
        "a tax number is no NPI",
        [("NM1*85", "NM1*85*2*CLINIC*****24*587654321~")],
        {"billing_provider.npi": "missing"},
    ),
    (
        "an invalid NPI stays as sent",
        [("NM1*82", "NM1*82*1*QUIST*ADA****XX*999OU812~")],
        {"rendering_provider.npi": "999OU812"},
    ),
    ("no payer id", [("NM1*PR", "NM1*PR*2*MEDICARE~")], {"payer.id": "MEDICARE"}),
    (
        "the other payer's view is not ours",
        [
            (
                "LX*1",
                "SBR*S*01*******CI~DMG*D8*19000101*M~NM1*IL*1*X****MI*Y~NM1*PR*2*OTHER*****PI*9~NM1*82*1*Z****XX*9~LX*1~",
            )
        ],
        {},
    ),
    (
        "the patient is a dependent",
        [("CLM", "HL*3*2*23*0~PAT*19~NM1*QC*1*SYNTHETIC*CHILD~DMG*D8*20150102*M~CLM*C-1*165***11:B:1~")],
        {"patient.birth_date": date(2015, 1, 2), "patient.sex": "M"},
    ),
    (
        "the patient has died",
        [("SBR", "SBR*P*18*******MB~PAT*****D8*20261117~")],
        {"patient.death_date": date(2026, 11, 17)},
    ),
    ("a birth date that is none", [("DMG", "DMG*D8*19510231*F~")], {"patient.birth_date": None}),
    *(
        (f"claim filing {code or 'unsaid'}", [("SBR", f"SBR*P*18*******{code}~")], {"payer.program": program})
        for code, program in {
            "MA": "medicare", "MB": "medicare", "16": "medicare_advantage", "MC": "medicaid", "CH": "tricare",
            "VA": "va",
            "WC": "workers_comp", "AM": "auto", "CI": "commercial", "BL": "commercial", "12": "commercial",
            "13": "commercial", "14": "commercial", "HM": "commercial", "ZZ": None, "09": None, "": None,
        }.items()
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "differs"), [(c, d) for _, c, d in CHANGED], ids=[name for name, _, _ in CHANGED])
def test_every_element_goes_to_its_field(changes: list[tuple[str, str]], differs: dict[str, Any]) -> None:
    claim = read_one(x12(*changes)).claim.model_dump()
    kept = {path: value for path, value in BASE.items() if not any(each.startswith(f"{path}.") for each in differs)}
    expected = {**kept, **differs}
    assert {path: _at(claim, path) for path in expected} == {path: _plain(value) for path, value in expected.items()}


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value[int(part)] if part.isdigit() else value[part]
    return _plain(value)


def _plain(value: Any) -> Any:
    """Performances by their NPI alone, so that an expectation is short."""
    if isinstance(value, tuple) and value and isinstance(value[0], dict):
        return tuple({"npi": each["npi"]} for each in value)
    return value


@pytest.mark.parametrize(
    ("note", "minutes", "intervals"),
    [
        ("MIN 25", 25, []),
        ("97140 MINUTES: 8 CERVICAL", 8, []),
        ("TIME 0900-0925", 25, [("09:00", "09:25")]),
        ("MIN 24 TIME 0900-0925", 24, [("09:00", "09:25")]),
        ("MIN 24 MIN 25", None, []),
        ("TIME 0925-0900", None, []),
        ("ADMIN 25", None, []),
    ],
)
def test_minutes_in_notes_are_read_only_when_asked(note: str, minutes: int | None, intervals: list[Any]) -> None:
    text = x12(("SV1", f"{_LINE}NTE*ADD*{note}~"))
    assert read_one(text).claim.lines[0].minutes is None
    line = read_one(text, Hints(minutes_in_notes=True)).claim.lines[0]
    assert line.minutes == minutes
    assert [(each.start, each.end) for each in line.intervals] == intervals


def test_patient_ids_are_opaque_and_tell_a_family_apart() -> None:
    def family(name: str, born: str) -> str:
        return f"HL*3*2*23*0~NM1*QC*1*SYNTHETIC*{name}~DMG*D8*{born}*M~CLM*C-1*165***11:B:1~"

    texts = [x12(), x12(("CLM", family("ONE", "20150102"))), x12(("CLM", family("TWO", "20150102")))]
    ids = [read_one(text).claim.patient.id for text in texts]
    assert len(set(ids)) == 3
    assert not any("MEMBER1" in each for each in ids)
    assert read_one(x12(("CLM", "CLM*C-9*165***11:B:1~"))).claim.patient.id == ids[0]


def test_what_the_contract_has_no_field_for_is_kept_beside_the_claim() -> None:
    text = x12(
        ("CLM", "CLM*C-1*165***11:B:7~PWK*OZ*EL***AC*1~REF*F8*PAYER77~NTE*ADD*HELLO~"), ("SV1", f"{_LINE}NTE*ADD*LINE~")
    )
    unmapped = read_one(text).unmapped
    assert (unmapped.original_reference, unmapped.attachments, unmapped.notes) == (
        "PAYER77",
        ("OZ EL",),
        ("HELLO", "LINE"),
    )


def test_the_envelope_and_the_time_of_writing_are_kept() -> None:
    outcome = read_one(x12())
    assert outcome.written_at == datetime(2026, 11, 19, 9, 30)  # noqa: DTZ001 - the sender's local time
    assert outcome.envelope is not None
    assert (outcome.envelope.sender, outcome.envelope.receiver) == ("SENDER", "RECEIVER")
    assert (outcome.envelope.interchange_control, outcome.envelope.transaction_control) == ("000000001", "0001")
    assert outcome.envelope.transaction_segment == 3


def test_parts_are_found_by_segment() -> None:
    outcome = read_one(x12())
    assert outcome.position == "segment 15"
    assert {
        pointer: outcome.line_position(pointer)
        for pointer in ("/lines/0/units", "/lines/1", "/lines/1/service_date", "/diagnoses/1", "/payer/id", "/claim_id")
    } == {
        "/lines/0/units": "segment 21 (SV1)",
        "/lines/1": "segment 24 (SV1)",
        "/lines/1/service_date": "segment 25 (DTP)",
        "/diagnoses/1": "segment 16 (HI)",
        "/payer/id": "segment 14 (NM1)",
        "/claim_id": "segment 15 (CLM)",
    }


@pytest.mark.parametrize(
    ("changes", "pointer", "says"),
    [
        ([("HI", "")], "/diagnoses", "HI, segment 15"),
        ([("DTP", "")], "/lines/0/service_date", "DTP*472, segment 21"),
        ([("DTP", "DTP*472*D8*20261316~")], "/lines/0/service_date", "DTP*472"),
        ([("SV1", "SV1*HC:9714:GP*110*UN*2***1~")], "/lines/0/procedure_code", "SV101-2"),
        ([("SV1", "SV1*HC:97140:GPX*110*UN*2***1~")], "/lines/0/modifiers/0", "SV101-3"),
        ([("SV1", "SV1*HC:97140:GP*110*UN*TWO***1~")], "/lines/0/units", "SV104"),
        ([("SV1", "SV1*HC:97140:GP*110*UN*1E9***1~")], "/lines/0/units", "SV104"),
        ([("CLM", "CLM*C-1*165***:B:1~")], "/place_of_service", "CLM05-1"),
        ([("CLM", "CLM*C-1*165***11:B:6~")], "/frequency_code", "CLM05-3"),
        ([("CLM", "CLM**165***11:B:1~")], "/claim_id", "CLM01"),
        ([("SV1*HC:97140", "SV2*0420*HC:97140*110*UN*2~")], "", "institutional"),
        ([("SV1*HC:97140", "SV3*AD:D0120*110~")], "", "dental"),
        ([("ST", "ST*837*0001*005010X223A2~")], "", "institutional"),
    ],
)
def test_what_cannot_be_a_claim_says_where_and_why(changes: list[tuple[str, str]], pointer: str, says: str) -> None:
    (outcome,) = read(x12(*changes))
    assert isinstance(outcome, Unreadable)
    assert [reason.pointer for reason in outcome.reasons] == [pointer]
    assert says in outcome.reasons[0].reason


def test_hints_fill_in_what_the_file_does_not_say() -> None:
    text = x12(("SBR", "SBR*P*18*******ZZ~"))
    assert read_one(text, Hints(program=Program.VA)).claim.payer.program == Program.VA
    assert read_one(x12(), Hints(program=Program.VA)).claim.payer.program == Program.MEDICARE
    assert read_one(x12(), Hints(profile="aetna")).claim.payer.profile == "aetna"
