"""CMS's files as they come, into a store of quarters.  The rows are made up, the layouts are CMS's."""

import hashlib
import io
import os
import zipfile
from datetime import date
from pathlib import Path

import pytest

from palpate_validator.book import load_rule_book
from palpate_validator.dated import BadData
from palpate_validator.engine import judge
from palpate_validator.quarter import Quarter
from palpate_validator.table_import import Change, ImportRefused, diff_quarters, import_files, list_quarters
from palpate_validator.tables import load_tables, rows
from tests.validator.claims import parsed

NOTICE = (
    'CPT codes only are copyright of the "American Medical Association.\r\n'
    "All rights reserved. * = in existence prior to 1996\r\n"
)
# Titles wrap within their cells, so that a title takes several lines of the file.
TITLES = (
    'Column 1\tColumn 2\t"*=in existence\r\nprior to 1996"\t"Effective\r\nDate"\tDeletion Date\tModifier\tPTP Edit\r\n'
)
MEDICAID_TITLES = 'Column 1\tColumn 2\t"Effective\r\nDate"\tDeletion Date\tModifier\tPTP Edit Rationale\r\n'

EDITS = {
    1: [("13121", "13120", "", "19960101", "19960101", "9", "More extensive"),
        ("13121", "13120", "*", "19960101", "*", "0", "More extensive"),
        ("29581", "97140", "", "20180101", "*", "1", "Misuse")],
    2: [("97140", "97124", "*", "19960101", "*", "0", "Standards"),
        ("97140", "97530", "", "19990101", "20191231", "1", "Mutually exclusive"),
        ("97140", "97530", "", "20260101", "*", "1", "Mutually exclusive")],
    3: [("97161", "97140", "", "20201001", "20201001", "9", "Standards"),
        ("97161", "97140", "", "20201001", "20201001", "9", "Standards"),
        ("97150", "97110", "", "20201001", "*", "1", "Mutually exclusive")],
    4: [("98940", "97140", "", "20000401", "*", "1", "Standards")],
}  # fmt: skip

STORED = [
    ("29581", "97140", "1", "2018-01-01", ""),
    ("97140", "97124", "0", "1996-01-01", ""),
    ("97140", "97530", "1", "1999-01-01", "2019-12-31"),
    ("97140", "97530", "1", "2026-01-01", ""),
    ("97150", "97110", "1", "2020-10-01", ""),
    ("97161", "97140", "9", "2020-10-01", "2020-10-01"),
    ("98940", "97140", "1", "2000-04-01", ""),
]


def txt(edits: list[tuple[str, ...]], titles: str = TITLES) -> bytes:
    return (NOTICE + titles + "".join("\t".join(edit) + "\r\n" for edit in edits)).encode("latin-1")


def xlsx(edits: list[tuple[str, ...]]) -> bytes:
    from openpyxl import Workbook

    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["CPT codes only are copyright of the American Medical Association."])
    sheet.append(
        ["Column 1", "Column 2", "*=in existence\nprior to 1996", "Effective\nDate", "Deletion", "Modifier", "PTP"]
    )
    for column1, column2, old, start, end, indicator, rationale in edits:
        sheet.append(
            [column1, column2, old or None, int(start), end if end == "*" else int(end), int(indicator), rationale]
        )
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def parts(folder: Path, version: str = "v320", edits: dict[int, list[tuple[str, ...]]] | None = None) -> list[Path]:
    """The four archives of a quarter, as CMS names them."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        zipped(
            folder / f"medicare-ncci-practitioner-ptp-edits-ccipra-{version}r0-f{part}.zip",
            {f"ccipra-{version}r0-f{part}.TXT": txt(part_edits)},
        )
        for part, part_edits in (edits or EDITS).items()
    ]


def stored_edits(path: Path) -> list[tuple[str, ...]]:
    keys = ("column1", "column2", "modifier_indicator", "effective_date", "deletion_date")
    return [tuple(row[key] for key in keys) for row in rows(path)]


# -- edits ------------------------------------------------------------------------------------------------------------


def test_four_parts_become_one_quarter_of_the_rows_that_concern_therapy(tmp_path: Path) -> None:
    [imported] = import_files(parts(tmp_path / "in"), tmp_path / "store")
    stored = imported.stored
    assert (stored.table, stored.program, stored.setting, str(stored.quarter)) == (
        "ptp", "medicare", "practitioner", "2026Q1",
    )  # fmt: skip
    assert (imported.rows_read, imported.rows_kept) == (10, 7)
    assert stored_edits(stored.path) == STORED
    assert list_quarters(tmp_path / "store") == (stored,)


def test_a_stored_quarter_tells_its_digest_and_where_it_is_from(tmp_path: Path) -> None:
    [imported] = import_files(parts(tmp_path / "in"), tmp_path / "store")
    first, _, body = imported.stored.path.read_bytes().partition(b"\n")
    assert first.decode() == f"# ptp medicare practitioner 2026Q1 {hashlib.sha256(body).hexdigest()}"
    assert body.startswith(
        b"# from ccipra-v320r0-f1.TXT in medicare-ncci-practitioner-ptp-edits-ccipra-v320r0-f1.zip, SHA-256 "
    )


def test_a_workbook_holds_the_same_as_the_text(tmp_path: Path) -> None:
    books = [tmp_path / f"ccipra-v320r0-f{part}.xlsx" for part in EDITS]
    for path, edits in zip(books, EDITS.values(), strict=True):
        path.write_bytes(xlsx(edits))
    [imported] = import_files(books, tmp_path / "store")
    assert stored_edits(imported.stored.path) == STORED
    assert imported.rows_read == 10


def test_of_two_forms_of_one_table_the_text_is_read(tmp_path: Path) -> None:
    paths = [
        zipped(
            tmp_path / f"f{part}.zip",
            {f"ccipra-v320r0-f{part}.xlsx": b"not a workbook", f"ccipra-v320r0-f{part}.txt": txt(edits)},
        )
        for part, edits in EDITS.items()
    ]
    [imported] = import_files(paths, tmp_path / "store")
    assert imported.rows_read == 10


def test_comma_files_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "ccipra-edits.csv"
    path.write_text('"Column 1","Column\n2",x,y,z,m,r\n97140,97124,*,19960101,*,0,"Standards, of practice"\n')
    [imported] = import_files([path], tmp_path / "store", quarter=Quarter(2026, 1))
    assert [row["rationale"] for row in rows(imported.stored.path)] == ["Standards, of practice"]


def test_medicaid_lacks_a_column_and_is_known_by_it(tmp_path: Path) -> None:
    path = tmp_path / "ptp-edits-practitioner-services.txt"
    path.write_bytes(txt([("97140", "97124", "20101001", "*", "0", "Standards")], MEDICAID_TITLES))
    [imported] = import_files([path], tmp_path / "store", quarter=Quarter(2026, 2))
    assert imported.stored.program == "medicaid"
    assert stored_edits(imported.stored.path) == [("97140", "97124", "0", "2010-10-01", "")]


@pytest.mark.parametrize(
    ("name", "setting", "quarter"),
    [
        ("ccipra-v302r0.TXT", "practitioner", "2024Q3"),
        ("CCIPRA-V323R0.txt", "practitioner", "2026Q4"),
        ("ccioph-v321r0.txt", "outpatient_hospital", "2026Q2"),
        ("medicaid-ncci-q2-2026-ptp-edits-practitioner-services.txt", "practitioner", "2026Q2"),
        ("medicare-ncci-2025q4-hospital-ptp-edits.txt", "outpatient_hospital", "2025Q4"),
        ("practitioner.txt", "practitioner", "2026Q1"),
    ],
)
def test_names_tell_setting_and_quarter_and_where_they_do_not_the_newest_edit_does(
    name: str, setting: str, quarter: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(txt(EDITS[2]))
    [imported] = import_files([path], tmp_path / "store")
    assert (imported.stored.setting, str(imported.stored.quarter)) == (setting, quarter)


# -- unit limits ------------------------------------------------------------------------------------------------------

MUE = (
    '"Current Procedural Terminology (CPT) codes are copyright\nof the American Medical Association.",,,\n'
    '"HCPCS/\nCPT Code",{setting} Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n'
    "97140,6,3 Date of Service Edit: Clinical,Clinical: Data\n"
    "97161,1,2 Date of Service Edit: Policy,Nature of Service/Procedure\n"
    "97016,1,1 Line Edit,CMS Policy\n"
    "00100,1,2 Date of Service Edit: Policy,Nature\n"
)


def test_unit_limits_have_titles_that_wrap_and_indicators_in_words(tmp_path: Path) -> None:
    archive = zipped(
        tmp_path / "medicare-ncci-2026-q3-practitioner-services-mue-table.zip",
        {"MCR_MUE_PractitionerServices_Eff_07-01-2026.csv": MUE.format(setting="Practitioner").encode()},
    )
    [imported] = import_files([archive], tmp_path / "store")
    stored = imported.stored
    assert (stored.table, stored.program, stored.setting, str(stored.quarter)) == (
        "mue", "medicare", "practitioner", "2026Q3",
    )  # fmt: skip
    keys = ("code", "units", "adjudication_indicator", "rationale")
    assert [tuple(row[key] for key in keys) for row in rows(stored.path)] == [
        ("97016", "1", "1", "CMS Policy"),
        ("97140", "6", "3", "Clinical: Data"),
        ("97161", "1", "2", "Nature of Service/Procedure"),
    ]


def test_the_titles_tell_the_setting_where_the_name_does_not(tmp_path: Path) -> None:
    path = tmp_path / "limits.csv"
    path.write_text(MUE.format(setting="Outpatient Hospital"))
    [imported] = import_files([path], tmp_path / "store", quarter=Quarter(2026, 3))
    assert imported.stored.setting == "outpatient_hospital"


def test_medicaid_s_limits_have_no_indicator_and_hold_for_each_line(tmp_path: Path) -> None:
    path = tmp_path / "medicaid-ncci-q2-2026-mue-practitioner.csv"
    path.write_text('"HCPCS/\nCPT Code",Practitioner Services MUE Values,MUE Rationale\n97140,4,Clinical: Data\n')
    [imported] = import_files([path], tmp_path / "store")
    assert imported.stored.program == "medicaid"
    assert [row["adjudication_indicator"] for row in rows(imported.stored.path)] == ["1"]


# -- what is refused --------------------------------------------------------------------------------------------------


def refused(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(ImportRefused) as refusal:
        import_files([path], folder / "store")
    assert not (folder / "store").exists()
    return str(refusal.value)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("letter.txt", b"Dear Sir or Madam", "letter.txt: holds neither"),
        ("empty.csv", b"", "empty.csv: holds neither"),
        ("broken.zip", b"PK\x03\x04", "broken.zip: not a whole zip file"),
        ("broken.xlsx", b"PK\x03\x04", "broken.xlsx: not a readable workbook"),
        ("edits.txt", txt(EDITS[2]), "edits.txt: neither its name nor its titles say practitioner"),
        ("numbers.csv", b"97140,6,3\n", "numbers.csv: holds neither"),
        ("mue_practitioner.csv", MUE.format(setting="Practitioner").encode(), "does not tell the quarter"),
        ("ccipra-v320r0-f2.TXT", txt(EDITS[2]), "f1, f3, f4 of this table is missing"),
        (
            "ccipra-v320r0.TXT",
            txt([("97140", "97124", "", "19960101", "*", "7", "x")]),
            "ccipra-v320r0.TXT:6: the modifier indicator is 0, 1 or 9, not '7'",
        ),
        (
            "ccipra-v320r0.TXT",
            txt([("97140", "97124", "", "19960101", "never", "0", "x")]),
            "ccipra-v320r0.TXT:6: a date is written YYYYMMDD ('never')",
        ),
        (
            "ccipra-v320r0.TXT",
            txt([("97140", "97124", "", "19961301", "*", "0", "x")]),
            "ccipra-v320r0.TXT:6: a date is written YYYYMMDD",
        ),
    ],
)
def test_what_is_no_whole_table_is_refused_by_name_and_nothing_is_written(
    name: str, content: bytes, problem: str, tmp_path: Path
) -> None:
    assert problem in refused(tmp_path, name, content)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match=r"gone\.zip: cannot be read"):
        import_files([tmp_path / "gone.zip"], tmp_path / "store")


def test_no_file_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="no file to import"):
        import_files([], tmp_path / "store")


# -- the store --------------------------------------------------------------------------------------------------------


def test_a_failed_write_leaves_the_old_quarter_and_no_scraps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store"
    [before] = import_files(parts(tmp_path / "in"), store)

    def full(_: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            import_files(parts(tmp_path / "in2", edits={**EDITS, 4: EDITS[2]}), store)
    assert list_quarters(store) == (before.stored,)
    assert [path.name for path in store.iterdir()] == [before.stored.path.name]


def test_older_quarters_are_kept_and_the_same_one_is_replaced(tmp_path: Path) -> None:
    store = tmp_path / "store"
    import_files(parts(tmp_path / "a", "v313"), store)
    import_files(parts(tmp_path / "b", "v320"), store)
    import_files(parts(tmp_path / "c", "v320"), store)
    assert [str(each.quarter) for each in list_quarters(store)] == ["2025Q4", "2026Q1"]


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    paths = parts(tmp_path / "in")
    [first] = import_files(paths, tmp_path / "one")
    [second] = import_files(paths, tmp_path / "two")
    assert first.stored.path.read_bytes() == second.stored.path.read_bytes()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((b"97124", b"97999"), "SHA-256 differs"),
        ((b"# ptp", b"# pty"), "the first line is not"),
        ((b"2026Q1", b"2026Q9"), "the first line is not"),
    ],
)
def test_a_stored_quarter_that_was_changed_is_refused(
    change: tuple[bytes, bytes], problem: str, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    [imported] = import_files(parts(tmp_path / "in"), store)
    path = imported.stored.path
    path.write_bytes(path.read_bytes().replace(*change, 1))
    for read in (list_quarters, lambda folder: load_tables(store=folder)):
        with pytest.raises(BadData, match=problem):
            read(store)


def test_an_empty_or_absent_store_has_no_quarters(tmp_path: Path) -> None:
    assert list_quarters(tmp_path) == ()
    assert list_quarters(tmp_path / "nowhere") == ()
    assert load_tables(store=tmp_path).ptp_quarter_end == date(2024, 9, 30)


def test_two_quarters_are_compared_row_by_row_for_a_code(tmp_path: Path) -> None:
    store = tmp_path / "store"
    later = {
        **EDITS,
        2: [
            ("97140", "97124", "*", "19960101", "20260331", "0", "Standards"),
            ("97140", "97530", "", "19990101", "20191231", "1", "Mutually exclusive"),
            ("97140", "97018", "", "20260401", "*", "1", "Standards"),
        ],
        3: [("97150", "97110", "", "20201001", "20260331", "1", "Mutually exclusive")],
    }
    import_files(parts(tmp_path / "a", "v320"), store)
    import_files(parts(tmp_path / "b", "v321", later), store)
    old, new = Quarter(2026, 1), Quarter(2026, 2)

    def told(change: Change) -> tuple[str, ...]:
        return (change.kind, *change.key)

    assert [told(change) for change in diff_quarters(store, old, new)] == [
        ("added", "97140", "97018", "2026-04-01"),
        ("changed", "97140", "97124", "1996-01-01"),
        ("removed", "97140", "97530", "2026-01-01"),
        ("removed", "97161", "97140", "2020-10-01"),
    ]
    assert [told(change) for change in diff_quarters(store, old, new, code="97110")] == [
        ("changed", "97150", "97110", "2020-10-01")
    ]
    assert len(diff_quarters(store, old, new, code=None)) == 5
    assert diff_quarters(store, old, old, code=None) == ()
    with pytest.raises(LookupError, match="of 2025Q1 is not in"):
        diff_quarters(store, Quarter(2025, 1), new)


# -- judging by it ----------------------------------------------------------------------------------------------------


def findings(store: Path | None, day: str, other: str, program: str = "medicare") -> set[str]:
    book = load_rule_book(table_store=store)
    claim = parsed(date=day, payer={"program": program}, lines=[{}, {"procedure_code": other}])
    judgement = judge(claim, claim.submitted_on, book)
    return {finding.rule for finding in judgement.findings if finding.rule.startswith("ncci-")}


def test_an_imported_quarter_judges_before_the_shipped_one(tmp_path: Path) -> None:
    store = tmp_path / "store"
    import_files(parts(tmp_path / "in"), store)
    assert findings(None, "2026-02-02", "97530") == {"ncci-stale"}
    assert findings(store, "2026-02-02", "97530") == {"ncci-modifier-missing"}
    assert findings(store, "2025-12-31", "97530") == set()
    assert findings(store, "2026-04-01", "97530") == {"ncci-modifier-missing", "ncci-stale"}


def test_an_imported_medicaid_table_makes_its_pairs_errors(tmp_path: Path) -> None:
    path = tmp_path / "ptp-practitioner.txt"
    path.write_bytes(txt([("97140", "97110", "20101001", "*", "0", "Standards")], MEDICAID_TITLES))
    import_files([path], tmp_path / "store", quarter=Quarter(2026, 2))
    assert findings(None, "2026-04-01", "97110", "medicaid") == set()
    assert findings(tmp_path / "store", "2026-04-01", "97110", "medicaid") == {"ncci-medicaid"}


def test_unit_limits_are_those_of_the_quarter_begun_by_the_date_of_service(tmp_path: Path) -> None:
    store = tmp_path / "store"
    for quarter, units in ((Quarter(2025, 1), "8"), (Quarter(2026, 1), "4")):
        path = tmp_path / f"mue-practitioner-{quarter}.csv"
        path.write_text(MUE.format(setting="Practitioner").replace("97140,6", f"97140,{units}"))
        import_files([path], store)
    tables = load_tables(store=store)
    limits = {
        day: tables.mue_on("medicare", date.fromisoformat(day))["97140"].units
        for day in ("2019-01-01", "2024-12-31", "2025-01-01", "2025-12-31", "2026-01-01", "2030-01-01")
    }
    assert limits == {
        "2019-01-01": 6,
        "2024-12-31": 6,
        "2025-01-01": 8,
        "2025-12-31": 8,
        "2026-01-01": 4,
        "2030-01-01": 4,
    }
    assert tables.mue["medicare"]["97140"].units == 4


def test_the_digest_of_a_rule_book_tells_that_its_tables_differ(tmp_path: Path) -> None:
    store = tmp_path / "store"
    import_files(parts(tmp_path / "in"), store)
    assert load_rule_book(table_store=store).ruleset.digest != load_rule_book().ruleset.digest
