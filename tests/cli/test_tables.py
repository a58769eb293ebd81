"""`palpate tables`: CMS's files go into a site's store and decide from then on.  The rows are made up."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from palpate_cli.main import app

ROWS = {
    "2026Q3": ["97140\t97124\t*\t19960101\t*\t0\tStandards", "97140\t97530\t\t20260101\t*\t1\tMutually exclusive"],
    "2026Q4": ["97140\t97124\t*\t19960101\t20260930\t0\tStandards", "29581\t97140\t\t20261001\t*\t1\tMisuse"],
}
FAULTY = Path(__file__).parents[2] / "samples/json/three-faults.json"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def published(folder: Path, quarter: str) -> Path:
    """A quarter of practitioner edits in one file, named as a site might keep it."""
    path = folder / f"ccipra-{quarter}.txt"
    path.write_text("Column 1\tColumn 2\tprior\tEffective\tDeletion\tModifier\n" + "\n".join(ROWS[quarter]) + "\n")
    return path


def test_an_import_says_what_it_kept_and_a_second_one_that_nothing_changed(tmp_path: Path) -> None:
    file, store = published(tmp_path, "2026Q3"), tmp_path / "store"
    first = run("tables", "import", file, "--store", store)
    assert first.stdout == "2026Q3 ptp medicare practitioner: 2 of 2 rows concern therapy and were kept\n"
    again = run("tables", "import", file, "--store", store)
    assert again.stdout == (
        "2026Q3 ptp medicare practitioner: was imported before from these very files; nothing has changed\n"
    )
    assert (first.exit_code, again.exit_code) == (0, 0)
    file.write_text(file.read_text() + "97150\t97110\t\t20201001\t*\t1\tMutually exclusive\n")
    other = run("tables", "import", file, "--store", store)
    assert other.stdout.endswith("were kept; they take the place of what was imported before\n")


def test_quarters_are_listed_and_compared(tmp_path: Path) -> None:
    store = tmp_path / "store"
    for quarter in ROWS:
        run("tables", "import", published(tmp_path, quarter), "--store", store)
    listed = run("tables", "list", "--store", store)
    assert [line.split()[:4] for line in listed.stdout.splitlines()[1:]] == [
        ["2026Q3", "ptp", "medicare", "practitioner"],
        ["2026Q4", "ptp", "medicare", "practitioner"],
    ]
    changed = run("tables", "diff", "2026Q3", "2026Q4", "--store", store)
    assert changed.stdout.splitlines() == [
        "added    29581 97140 2026-10-01: modifier_indicator 1",
        "changed  97140 97124 1996-01-01: deletion_date none -> 2026-09-30",
        "removed  97140 97530 2026-01-01: modifier_indicator 1",
        "3 changes for 97140 from 2026Q3 to 2026Q4.",
    ]


def test_what_is_refused_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    store, file = tmp_path / "store", tmp_path / "letter.txt"
    file.write_text("Dear practice\n")
    refused = run("tables", "import", file, "--store", store)
    assert refused.exit_code == 2
    assert refused.stderr == (
        "palpate: letter.txt: holds neither procedure-to-procedure edits nor medically unlikely edits\n"
    )
    assert not store.exists()
    missing = run("tables", "import", tmp_path / "none.zip", "--store", store)
    assert (missing.exit_code, "none.zip: cannot be read" in missing.stderr) == (2, True)
    quarter = run("tables", "diff", "2026-3", "2026Q4", "--store", store)
    assert (quarter.exit_code, quarter.stderr) == (2, "palpate: a quarter is written like 2026Q3, not '2026-3'\n")
    absent = run("tables", "diff", "2026Q3", "2026Q4", "--store", store)
    assert (absent.exit_code, "ptp medicare practitioner of 2026Q3 is not in" in absent.stderr) == (2, True)


def test_check_judges_by_the_imported_quarter(tmp_path: Path) -> None:
    # The made-up quarter ends the pair 97140 with 97124 before the day of service, 2026-11-16.
    store = tmp_path / "store"
    run("tables", "import", published(tmp_path, "2026Q4"), "--store", store)

    def errors(*options: object) -> list[str]:
        said = json.loads(run("check", FAULTY, "--format", "jsonl", *options).stdout)
        return sorted(each["rule"] for each in said["findings"] if each["severity"] == "error")

    assert errors("--tables", tmp_path / "none") == ["mod-therapy-missing", "ncci-hard", "units-total-over"]
    assert errors("--tables", store) == ["mod-therapy-missing", "units-total-over"]
