"""The table behind the 277CA: every rule has a row of its own or its family's, and every code is one of X12's."""

import re
import warnings
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from palpate_intake.replies.claim_status import BY_POINTER, ClaimStatus, status_of, status_of_reason, status_table
from palpate_intake.replies.syntax import syntax_table
from palpate_schemas.rejection import RejectionError
from palpate_validator.catalogue import catalogue
from tests.intake.replies.answering import finding

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyx12

CODES = Path(pyx12.__file__).parent / "map" / "codes.xml"
NEWER = {"774", "796"}
"""On X12's list, and younger than pyx12's copy of it."""
ENTITY_ASKED = {"19", "88", "145", "153", "158", "159", "395", "441", "466", "562"}
"""Codes that want an entity beside them, by X12's note."""
FELLOW_ASKED = {"402", "510"}
"""Codes that want a second code beside them, by X12's note."""
ENTITIES = {"82", "85", "DN", "DQ", "PR", "QC"}
"""Those that we name, of what the guide lets stand in STC01-3."""


def rows() -> dict[str, ClaimStatus]:
    table = status_table()
    named = {"accepted": table.accepted, "received": table.received, "unreadable": table.unreadable}
    return named | table.families | table.rules | table.fields


def test_every_rule_of_the_catalogue_has_a_row_and_every_row_a_rule() -> None:
    table = status_table()
    rules = {rule.id: rule.family for rule in catalogue()}
    assert {family for family in rules.values() if family not in table.families} == set()
    assert set(table.families) == set(rules.values())
    assert set(table.rules) - set(rules) == set()


@pytest.mark.parametrize("key", sorted(rows()))
def test_a_row_is_made_of_codes_that_x12_has(key: str) -> None:
    row = rows()[key]
    known = _known("claim_status") | NEWER
    assert row.category in {"A1", "A3", "A6", "A7", "A8"}
    assert {row.status, row.also} - {""} <= known
    assert row.entity in ENTITIES | {"", "AY", BY_POINTER}
    assert row.why
    assert bool(row.entity) is (row.status in ENTITY_ASKED)
    assert row.also not in ENTITY_ASKED
    if row.status in FELLOW_ASKED:
        assert row.also
    assert row.also not in FELLOW_ASKED


def _known(codeset: str) -> set[str | None]:
    for each in ElementTree.parse(CODES).iter("codeset"):
        if each.findtext("id") == codeset:
            return {code.text for code in each.iter("code")}
    raise AssertionError(codeset)


def test_a_rule_goes_before_its_family_and_an_unknown_one_is_answered_all_the_same() -> None:
    assert status_of(finding("units-total-over")).composites() == [("A8", "476"), ("A8", "263")]
    assert status_of(finding("units-of-tomorrow")).composites() == [("A7", "476")]
    assert status_of(finding("of-tomorrow", family="tomorrow")).composites() == [("A3", "481")]
    assert status_of(finding("of-yesterday", family=None)).composites() == [("A3", "481")]


@pytest.mark.parametrize(
    ("pointer", "entity"),
    [
        ("/billing_provider/npi", "85"),
        ("/rendering_provider/npi", "82"),
        ("/referring_provider/npi", "DN"),
        (None, "82"),
    ],
)
def test_whose_number_is_wrong_is_told_by_the_pointer(pointer: str | None, entity: str) -> None:
    wrong = finding("prov-npi-format", family="providers", pointer=pointer)
    assert status_of(wrong).composites() == [("A7", "562", entity)]


def test_a_field_that_is_missing_is_missing_and_not_invalid() -> None:
    missing = RejectionError(pointer="/lines/0/units", reason="this field is required and is not there (SV104)")
    assert status_of_reason(missing).composites() == [("A6", "476")]
    deep = RejectionError(pointer="/lines/11/modifiers/2", reason="wrong")
    assert status_of_reason(deep).composites() == [("A7", "453")]
    unknown = RejectionError(pointer="/lines/0/regions/0", reason="wrong")
    assert status_of_reason(unknown).composites() == [("A3", "481")]


def test_both_tables_know_the_same_fields() -> None:
    assert set(status_table().fields) == set(syntax_table().fields)


def test_every_oddity_that_the_reader_of_x12_notes_has_a_place_in_the_999_or_a_reason_why_not() -> None:
    intake = Path(__file__).parents[3] / "services" / "intake" / "palpate_intake"
    text = "".join((intake / name).read_text() for name in ("x12.py", "x12_claim.py"))
    noted = set(re.findall(r'(?:odd|_without)\(\s*(?:"ISA", )?"([a-z-]+)"', text))
    assert len(noted) > 20
    table = syntax_table()
    homes = Counter([*table.segments, *table.transactions, *table.groups, *table.not_in_a_999])
    assert {code: homes[code] for code in noted if homes[code] != 1} == {}
    assert set(homes) == noted
