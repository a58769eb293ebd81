"""People in CSV files beside the directory: what is read, and what is refused, by file, line and column."""

import json
import re
from collections.abc import Callable
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from palpate_cli.main import app
from palpate_notifier.directory import Absence, Channel, Directory, QuietHours, Role, WrongDirectory, load_directory
from palpate_notifier.directory_csv import COLUMNS, Row, WrongTable, read_rows
from palpate_notifier.inbox.csv_export import write
from palpate_schemas.values import Fixer
from tests.validator.claims import claim_with

PRACTICE, ADA = "1497758544", "1245319599"
TOML = f"""\
manager = "pat"
people = ["people.csv"]
[[practice]]
npi = "{PRACTICE}"
name = "Harbor"
manager = "pat"
[[person]]
id = "pat"
name = "Pat"
email = "pat@x.example"
"""
HEADER = "id,npi,name,email,practices,roles,cover,digest_at,quiet_from,quiet_to,away,channels"
ROW = (
    f'ada,{ADA},"Ada Quist, PT",ada@x.example,{PRACTICE},clinician manager,pat,07:30,19:00,7:00,2026-12-21/2027-01-02,'
)
TABLE = f"{HEADER}\n{ROW}\n"
BARE = "id,name,email"

Write = Callable[[str | bytes], Directory]


@pytest.fixture
def directory_with(tmp_path: Path) -> Write:
    """Writes the table beside the directory file, and reads both."""

    def write_and_read(table: str | bytes) -> Directory:
        (tmp_path / "directory.toml").write_text(TOML, "utf-8")
        (tmp_path / "people.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
        return load_directory(tmp_path / "directory.toml")

    return write_and_read


def test_a_row_is_a_person_like_one_of_the_directory_file(directory_with: Write, tmp_path: Path) -> None:
    read = directory_with(TABLE)
    (tmp_path / "plain.toml").write_text(
        TOML.replace('people = ["people.csv"]\n', "")
        + f'[[person]]\nid="ada"\nnpi="{ADA}"\nname="Ada Quist, PT"\nemail="ada@x.example"\npractices=["{PRACTICE}"]\n'
        'roles=["clinician","manager"]\ncover="pat"\ndigest_at="07:30"\nquiet_hours={from="19:00",to="07:00"}\n'
        "away=[{from=2026-12-21,through=2027-01-02}]\n",
        "utf-8",
    )
    assert read.people == load_directory(tmp_path / "plain.toml").people
    assert read.fixer(Fixer.CLINICIAN, ADA, PRACTICE).person.id == "ada"


def test_every_column_fills_its_key(directory_with: Write) -> None:
    cells = {
        "id": "ada",
        "npi": ADA,
        "name": "Ada",
        "email": "ada@x.example",
        "practice": PRACTICE,
        "practices": f"{PRACTICE} {PRACTICE}",
        "roles": "ops biller",
        "timezone": "America/Denver",
        "cover": "pat",
        "away": "2026-01-01/2026-01-01 2026-02-01/2026-02-03",
        "quiet_from": "7:00 PM",
        "quiet_to": "07:00:00",
        "digest_at": "7:30 am",
        "channels": "email webhook",
        "webhook_url": "https://chat.x.example/ada",
        "webhook_secret_file": "/run/secrets/ada",
        "openid_subject": "-Q4=",
    }
    assert cells.keys() == COLUMNS.keys()
    ada = directory_with(",".join(cells) + "\n" + ",".join(cells.values())).people["ada"]
    assert (ada.id, ada.npi, ada.name, ada.email, ada.in_practices) == ("ada", ADA, "Ada", "ada@x.example", (PRACTICE,))
    assert (ada.roles, ada.timezone, ada.cover) == ({Role.OPS, Role.BILLER}, "America/Denver", "pat")
    assert ada.away == tuple(
        Absence.model_validate({"from": first, "through": last})
        for first, last in ((date(2026, 1, 1), date(2026, 1, 1)), (date(2026, 2, 1), date(2026, 2, 3)))
    )
    assert ada.quiet_hours == QuietHours.model_validate({"from": time(19), "to": time(7)})
    assert (ada.digest_at, ada.channels) == (time(7, 30), (Channel.EMAIL, Channel.WEBHOOK))
    assert ada.webhook is not None
    assert (ada.webhook.url, str(ada.webhook.secret_file)) == ("https://chat.x.example/ada", "/run/secrets/ada")
    assert ada.openid_subject == "-Q4="


def semicolons(table: str) -> str:
    """As a spreadsheet of a country that writes 1,5 saves it."""
    return table.replace(",", ";").replace("Quist; PT", "Quist, PT")


SAME = {
    "a mark of UTF-8": ("\ufeff" + TABLE).encode(),
    "semicolons": semicolons(TABLE).encode(),
    "semicolons, and a mark": ("\ufeff" + semicolons(TABLE)).encode(),
    "tabs in UTF-16": semicolons(TABLE).replace(";", "\t").encode("utf-16"),
    "a line that names the separator": ("sep=;\r\n" + semicolons(TABLE)).encode(),
    "lines of Windows": TABLE.replace("\n", "\r\n").encode(),
    "lines of an old Mac": TABLE.replace("\n", "\r").encode(),
    "no end of the last line": TABLE.rstrip().encode(),
    "empty rows": TABLE.replace("\n", "\n\n,,,,,,,,,,,\n").encode(),
    "empty columns at the end": TABLE.replace("\n", ",,\n").encode(),
    "no empty cells at the end": TABLE.replace("2027-01-02,", "2027-01-02").encode(),
    "spaces around": TABLE.replace("ada@x.example", "  ada@x.example ").encode(),
    "a header of capitals and spaces": TABLE.replace("digest_at,quiet_from", "Digest At,QUIET-FROM").encode(),
    "everything in quotes": "\n".join(
        '"' + line.replace('"Ada Quist, PT"', "Ada Quist; PT").replace(",", '","').replace("; PT", ", PT") + '"'
        for line in TABLE.splitlines()
    ).encode(),
    "a number kept as text": TABLE.replace(f",{ADA},", f',"=""{ADA}""",').encode(),
    "a number kept as text, without quotes around": TABLE.replace(f",{ADA},", f',="{ADA}",').encode(),
    "an empty text": TABLE.replace("2027-01-02,", '2027-01-02,=""').encode(),
}


@pytest.mark.parametrize("table", SAME.values(), ids=SAME.keys())
def test_however_it_was_exported_the_people_are_the_same(directory_with: Write, table: bytes) -> None:
    assert directory_with(table).people == directory_with(TABLE).people


def test_a_header_decides_the_separator_and_not_what_stands_below(directory_with: Write) -> None:
    read = directory_with("id;name;email\nada;Ada, Bo, Cy, Dee;ada@x.example\n")
    assert read.people["ada"].name == "Ada, Bo, Cy, Dee"


def with_cell(column: str, cell: str) -> str:
    """Two people, of whom the second has this cell."""
    names = [*BARE.split(","), *([column] if column not in BARE.split(",") else [])]
    row = {"id": "ada", "name": "Ada", "email": "ada@x.example", column: cell}
    quoted = ",".join('"' + row[name].replace('"', '""') + '"' for name in names)
    return f"{','.join(names)}\nben,Ben,ben@x.example\n{quoted}\n"


WRONG_CELLS = {
    "an id with a capital": ("id", "Ada", "small letters"),
    "no id": ("id", "", "empty; write small letters"),
    "no name": ("name", "", "empty; write a name"),
    "no address": ("email", "", "empty; write one address"),
    "a name over two lines": ("name", "A\nB", "on one line"),
    "a name without end": ("name", "a" * 121, "at most 120"),
    "an address with another": ("email", "a@x.example, b@x.example", "write one address"),
    "an address over two lines": ("email", "a@x.example\nBcc: b@x.example", "write one address"),
    "a number that a spreadsheet rounded": ("npi", "1.2453E+09", "make the column text"),
    "a number with a fraction": ("npi", "1245319599.0", "ten digits"),
    "a number too short": ("npi", "124531959", "ten digits"),
    "digits of another script": ("npi", "١٢٤٥٣١٩٥٩٩", "ten digits"),
    "a practice that is no number": ("practice", "Harbor", "ten digits"),
    "practices between semicolons": ("practices", f"{PRACTICE};{PRACTICE}", "put a space between"),
    "practices between commas": ("practices", f"{PRACTICE},{PRACTICE}", "put a space between"),
    "a practice of a list that is no number": ("practices", f"{PRACTICE} 9", "'9' is no NPI"),
    "an unknown role": ("roles", "clinician boss", "'manager'"),
    "roles between semicolons": ("roles", "clinician; manager", "put a space between"),
    "no such time zone": ("timezone", "Mars/Base", "'Mars/Base' is no time zone"),
    "a cover that is no id": ("cover", "Ben Ruiz", "the id of somebody"),
    "a time without minutes": ("digest_at", "7", "'7' is no time of day"),
    "a time without a colon": ("digest_at", "0730", "'0730' is no time of day"),
    "a time past midnight": ("digest_at", "24:00", "'24:00' is no time of day"),
    "a time of a zone": ("digest_at", "07:30Z", "'07:30Z' is no time of day"),
    "a day of a spreadsheet": ("away", "12/21/2026", "write days as 2026-12-21/2027-01-02"),
    "a single day": ("away", "2026-12-21", "write days as"),
    "three days": ("away", "2026-12-21/2026-12-22/2026-12-23", "write days as"),
    "no such day": ("away", "2026-02-30/2026-03-01", "write days as"),
    "away until before it begins": ("away", "2026-02-02/2026-02-01", "ends before it begins"),
    "an unknown channel": ("channels", "fax", "email webhook"),
    "a webhook that is no address": ("webhook_url", "ftp://x", "https://"),
    "a formula": ("name", "=cmd|' /C calc'!A0", "a formula; write its value"),
    "an address that is a formula": ("email", '=HYPERLINK("https://evil.example";"a@x.example")', "a formula"),
    "a formula that failed": ("name", "#N/A", "#N/A is what a spreadsheet shows for an error"),
    "a column too narrow": ("npi", "########", "shows for an error"),
}


@pytest.mark.parametrize(("column", "cell", "says"), WRONG_CELLS.values(), ids=WRONG_CELLS.keys())
def test_a_wrong_cell_is_refused_by_file_line_and_column(
    directory_with: Write, column: str, cell: str, says: str
) -> None:
    with pytest.raises(WrongDirectory, match=rf"people\.csv:3: column {column}: ") as refused:
        directory_with(with_cell(column, cell))
    assert says in str(refused.value)


TWO = f"{BARE}\nben,Ben,ben@x.example\n"
WRONG_TABLES: dict[str, tuple[str | bytes, int, str]] = {
    "nothing at all": ("", 1, "no column id; the first row names the columns"),
    "no header": ("ben,Ben,ben@x.example\n", 1, "there is no column 'ben'"),
    "nobody below the header": (f"{BARE}\n,,\n", 1, "nobody stands below the header; export the file again"),
    "no column id": ("name,email\nBen,ben@x.example\n", 1, "no column id"),
    "no column email": ("id,name\nben,Ben\n", 1, "no column email"),
    "a misspelt column": ("id,name,e-mail\n", 1, "there is no column 'e-mail'; is it email?"),
    "an unknown column": ("id,name,email,fax\n", 1, "there is no column 'fax'; there is id, npi, name"),
    "a column twice": ("id,name,email,Name\n", 1, "the column name is there twice"),
    "a column that holds passwords": ("id,name,email,apprise\n", 1, "into the directory file instead"),
    "a column of two": ("id,name,email,quiet_hours\n", 1, "quiet_from and quiet_to"),
    "another separator": ("id|name|email\n", 1, "there is no column 'id|name|email'"),
    "two separators": ("id;name,email\n", 1, "there is no column 'id;name'"),
    "a cell too many": (TWO + "ada,Quist, Ada,ada@x.example\n", 3, "put quotes around"),
    "a cell below no name": ("id,name,email,\nben,Ben,ben@x.example,12\n", 2, "cell 4, which has no name above it"),
    "a row cut off": (TWO + "ada,Ada\n", 3, "column email: empty"),
    "quotes that do not end": (TWO + 'ada,"Ada,ada@x.example\ncy,Cy,cy@x.example\n', 3, "not CSV"),
    "quotes within quotes": (TWO + 'ada,"A "the" B",ada@x.example\n', 3, "written twice"),
    "the code page of Windows": (
        (TWO + "jose,José,jose@x.example\n").encode("cp1252"),
        3,
        "save the sheet as `CSV UTF-8`",
    ),
    "a workbook by another name": (b"PK\x03\x04\n\xff\xfe", 2, "save the sheet as `CSV UTF-8`"),
    "half a letter of UTF-16": (b"\xff\xfei", 1, "save the sheet as `CSV UTF-8`"),
    "quiet from, but until when": (f"{BARE},quiet_from\nben,Ben,ben@x.example,19:00\n", 2, "column quiet_to: "),
    "quiet all day": (f"{BARE},quiet_from,quiet_to\nben,Ben,ben@x.example,7:00,07:00\n", 2, "none, or all day"),
    "a webhook that is nowhere": (f"{BARE},channels\nben,Ben,ben@x.example,webhook\n", 2, "needs a webhook"),
    "a cover for oneself": (f"{BARE},cover\nben,Ben,ben@x.example,ben\n", 2, "nobody covers for themselves"),
    "a cover who is nowhere": (f"{BARE},cover\nben,Ben,ben@x.example,zoe\n", 2, "the cover of 'ben' is 'zoe'"),
    "a practice that is nowhere": (f"{BARE},practice\nben,Ben,ben@x.example,{ADA}\n", 2, f"in practice {ADA}"),
    "an id twice": (TWO + "cy,Cy,cy@x.example\nben,Ben,b@x.example\n", 4, "people.csv:2; change or delete one"),
    "an id of the directory file": (TWO + "pat,Pat,p@x.example\n", 3, "directory.toml:7; change or delete one"),
    "an account twice": (
        f"{BARE},openid_subject\nben,Ben,ben@x.example,1\nada,Ada,ada@x.example,1\n",
        3,
        "two people have the openid_subject '1'",
    ),
    "an NPI twice in one practice": (
        f"{BARE},npi,practice\nada,Ada,ada@x.example,{ADA},{PRACTICE}\nada2,Ada,a@x.example,{ADA},{PRACTICE}\n",
        3,
        f"two people of one practice have the NPI '{ADA}'",
    ),
    "a mistake below a name over two lines": (
        f'{BARE}\nben,"Ben",ben@x.example\ncy,"\nCy",cy@x.example\nAda,Ada,ada@x.example\n',
        5,
        "column id",
    ),
    "a mistake below a line that names the separator": (
        "sep=;\nid;name;email\nBen;Ben;ben@x.example\n",
        3,
        "column id",
    ),
}


@pytest.mark.parametrize(("table", "line", "says"), WRONG_TABLES.values(), ids=WRONG_TABLES.keys())
def test_a_wrong_table_is_refused_by_file_and_line(
    directory_with: Write, table: str | bytes, line: int, says: str
) -> None:
    with pytest.raises(WrongDirectory, match=rf"people\.csv:{line}: ") as refused:
        directory_with(table)
    assert says in str(refused.value)


DAMAGE = (b",", b";", b'"', b"\n", b"\r", b"\t", b"\x00", b"\xff", b"\xef\xbb\xbf", b"=", b"sep=;\n", "\u2028".encode())


@given(
    st.lists(st.tuples(st.integers(0, len(TABLE)), st.integers(0, 9), st.sampled_from(DAMAGE) | st.binary(max_size=4)))
)
def test_a_damaged_table_is_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int, bytes]]
) -> None:
    content = TABLE.encode()
    for at, gone, put in damage:
        content = content[:at] + put + content[at + gone :]
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(content)
    read, said = outcome(path)
    assert all({"id", "name", "email"} <= row.person.keys() for row in read)
    assert bool(read) != bool(re.match(rf"{re.escape(str(path))}:\d+: ", said))


def outcome(path: Path) -> tuple[tuple[Row, ...], str]:
    """The rows, or what is said instead."""
    try:
        return read_rows(path), ""
    except WrongTable as refused:
        return (), str(refused)


WRONG_NAMES = {
    "a table that is not there": ('["other.csv"]', r"other\.csv: cannot be read \(FileNotFoundError\)"),
    "a folder": ('["."]', r"cannot be read \(IsADirectoryError\)"),
    "no list": ('"people.csv"', r"directory\.toml:2: people: a list is wanted"),
    "a table twice": ('["people.csv", "people.csv"]', r"directory\.toml:2: the table 'people.csv'"),
    "a number": ("[1]", r"directory\.toml:2: people\.1: "),
}


@pytest.mark.parametrize(("named", "says"), WRONG_NAMES.values(), ids=WRONG_NAMES.keys())
def test_a_wrong_name_of_a_table_is_refused(tmp_path: Path, named: str, says: str) -> None:
    (tmp_path / "people.csv").write_text(TABLE, "utf-8")
    (tmp_path / "directory.toml").write_text(TOML.replace('["people.csv"]', named), "utf-8")
    with pytest.raises(WrongDirectory, match=says):
        load_directory(tmp_path / "directory.toml")


def test_everybody_may_stand_in_tables(tmp_path: Path) -> None:
    (tmp_path / "staff").mkdir()
    (tmp_path / "staff" / "desk.csv").write_text(f"{BARE}\npat,Pat,pat@x.example\n", "utf-8")
    (tmp_path / "people.csv").write_text(TABLE, "utf-8")
    bare = TOML.partition("[[person]]")[0].replace('["people.csv"]', '["people.csv", "staff/desk.csv"]')
    (tmp_path / "directory.toml").write_text(bare, "utf-8")
    read = load_directory(tmp_path / "directory.toml")
    assert (sorted(read.people), read.manager.id) == (["ada", "pat"], "pat")


FORMULA_LIKE = ("@SUM(A1)", "+1 Ada", "-Ada", "'=1+1", "{=A1}")


@pytest.mark.parametrize("name", FORMULA_LIKE)
def test_a_name_like_a_formula_stays_text_on_the_way_in_and_out(directory_with: Write, name: str) -> None:
    read = directory_with(with_cell("name", name)).people["ada"].name
    assert read == name
    exported = write(["name"], [[read]]).splitlines()[1]
    assert not exported.strip('"').startswith(("=", "+", "-", "@"))


def test_the_example_that_is_shipped_is_right(tmp_path: Path) -> None:
    deploy = Path(__file__).parents[2] / "deploy"
    text = (deploy / "directory.example.toml").read_text("utf-8")
    named = text.replace('# people = ["people.example.csv"]', 'people = ["people.example.csv"]')
    (tmp_path / "directory.toml").write_text(named, "utf-8")
    (tmp_path / "people.example.csv").write_bytes((deploy / "people.example.csv").read_bytes())
    read = load_directory(tmp_path / "directory.toml")
    assert set(read.people) - set(load_directory(deploy / "directory.example.toml").people) == {"cam", "dee"}
    assert len(read.people["cam"].away) == 2
    assert read.people["dee"].roles == {Role.BILLER, Role.FRONT_DESK}


def explain(folder: Path) -> tuple[int, str, str]:
    (folder / "claim.json").write_text(json.dumps(claim_with(lines=[{"units": 9}])), "utf-8")
    people = str(folder / "directory.toml")
    words = [
        "route",
        "explain",
        str(folder / "claim.json"),
        "--directory",
        people,
        "--data",
        str(folder),
        "--format",
        "json",
    ]
    found = CliRunner().invoke(app, words)
    return found.exit_code, found.stdout, found.stderr


def test_route_explain_names_people_of_the_table(directory_with: Write, tmp_path: Path) -> None:
    directory_with(TABLE)
    code, told, _ = explain(tmp_path)
    assert (code, "Ada Quist, PT" in told) == (0, True)


def test_route_explain_refuses_a_wrong_table_by_line(directory_with: Write, tmp_path: Path) -> None:
    directory_with(TABLE)
    (tmp_path / "people.csv").write_text(TABLE.replace("clinician manager", "boss"), "utf-8")
    code, _, said = explain(tmp_path)
    assert (code, "people.csv:2: column roles" in said) == (2, True)
