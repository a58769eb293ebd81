"""Whom a NUCC taxonomy code names."""

from pathlib import Path

import pytest

from palpate_schemas.claim import Provider
from palpate_schemas.values import Profession
from palpate_validator.dated import BadData
from palpate_validator.taxonomy import named_by, practitioner_of, read_taxonomies

NPI = "1245319599"


@pytest.mark.parametrize(
    ("taxonomy", "profession"),
    [
        ("225100000X", Profession.PT),
        ("2251H1200X", Profession.PT),
        ("225200000X", Profession.PTA),
        ("225X00000X", Profession.OT),
        ("225XP0019X", Profession.OT),
        ("224Z00000X", Profession.OTA),
        ("235Z00000X", Profession.SLP),
        ("111NS0005X", Profession.DC),
        ("225700000X", Profession.LMT),
        ("2255A2300X", Profession.AT),
        ("171100000X", Profession.LAC),
        ("363L00000X", Profession.NP),
        ("363A00000X", Profession.PA),
        ("364S00000X", Profession.CNS),
        ("208100000X", Profession.MD),
        ("204D00000X", Profession.DO),
        ("207X00000X", Profession.MD),
        ("213E00000X", Profession.DPM),
    ],
)
def test_a_code_names_a_profession(taxonomy: str, profession: Profession) -> None:
    named = named_by(taxonomy)
    assert named is not None
    assert named.profession is profession
    assert named.individual


@pytest.mark.parametrize("taxonomy", ["226300000X", "390200000X", "175F00000X"])
def test_a_person_of_a_profession_without_letters_is_still_a_person(taxonomy: str) -> None:
    named = named_by(taxonomy)
    assert named is not None
    assert named.profession is None
    assert named.individual


@pytest.mark.parametrize("taxonomy", ["261QP2000X", "261QR0400X", "193200000X"])
def test_a_clinic_or_group_is_no_person(taxonomy: str) -> None:
    named = named_by(taxonomy)
    assert named is not None
    assert not named.individual


@pytest.mark.parametrize(
    "taxonomy", [None, "", "2251", "225100000", "PHYSICALTX", "2251000000", "²²⁵¹⁰⁰⁰⁰⁰X", "2255R0406X"]
)
def test_what_is_no_code_or_is_not_in_the_table_names_nobody(taxonomy: str | None) -> None:
    assert named_by(taxonomy) is None


def test_the_stated_profession_goes_before_the_taxonomy() -> None:
    stated = practitioner_of(Provider(npi=NPI, profession=Profession.OT, taxonomy="225100000X"))
    by_code = practitioner_of(Provider(npi=NPI, taxonomy="225100000X"))
    assert stated is not None
    assert by_code is not None
    assert (stated.profession, by_code.profession) == (Profession.OT, Profession.PT)
    assert practitioner_of(Provider(npi=NPI)) is None


@pytest.mark.parametrize(
    "row",
    [
        "22510,PT,physical therapist,yes",
        "225100000X*,PT,therapist,yes",
        "2251*,XX,therapist,yes",
        "2251*,PT,therapist,perhaps",
    ],
)
def test_a_wrong_row_is_refused_with_its_line(tmp_path: Path, row: str) -> None:
    path = tmp_path / "taxonomies.csv"
    path.write_text(f"# note\ncode,profession,practitioner,individual\n{row}\n", "utf-8")
    with pytest.raises(BadData, match=r"taxonomies\.csv:3: "):
        read_taxonomies(path)
