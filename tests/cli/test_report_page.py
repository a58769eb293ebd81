"""`palpate check --report`: what the page says, that it stays small and names nobody, and is written whole or not."""

import json
import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from palpate_cli.main import app
from palpate_cli.reports.page import render_page
from palpate_cli.reports.tally import MOST_CLAIMS, MOST_GROUPS, Tally
from palpate_cli.reports.whole_file import write_whole
from palpate_schemas.values import Severity
from palpate_validator.book import shipped_rule_book
from tests.end_to_end.test_main_job import PHI, claim_full_of_phi
from tests.intake.replies.answering import judged

SAMPLES = Path(__file__).parents[2] / "samples"
FAULTY, CLEAN = SAMPLES / "json" / "three-faults.json", SAMPLES / "json" / "clean-pt-medicare.json"
AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PALPATE_PROFILES", "PALPATE_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PALPATE_DATA", str(tmp_path / "data"))


def check(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


class Page(HTMLParser):
    """A page as elements and as the words of each row, item and sentence."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._style = tag == "style"
        if tag in {"h1", "h2", "h3", "h4", "p", "li", "tr", "div", "article"}:
            self.words.append("")

    def handle_data(self, data: str) -> None:
        if not self._style and self.words:
            self.words[-1] += data + " "

    @property
    def lines(self) -> list[str]:
        return [" ".join(each.split()) for each in self.words if each.strip()]


def report(tmp_path: Path, *files: Path) -> Page:
    page = tmp_path / "report.html"
    check(*files, "--report", page)
    return Page(page.read_text("utf-8"))


def test_what_the_page_says_of_a_claim_that_fails(tmp_path: Path) -> None:
    lines = report(tmp_path, FAULTY, CLEAN).lines
    assert "1 of 2 claims needs correcting." in lines
    assert "Claims that fail 1" in lines
    assert "Errors to correct 3" in lines
    place = f"payer 00882 (medicare-part-b) · {FAULTY}, line 1"
    assert any(line.startswith("Service Nov 16, 2026 · clinician 1245319599 · ") and place in line for line in lines)
    assert "A 97140 line lacks the modifier that names its therapy plan" in lines
    assert "Line 1 bills 97140 without GP or GO." in lines
    assert "Billing: Add GP or GO, whichever plan of care the service was given under." in lines
    assert any(line.startswith("mod-therapy-missing Denial CO-4 N822 Line 1, line 51 ") for line in lines)
    assert any(line.startswith("1245319599 2 1 50% $") for line in lines)


def test_without_a_fault_the_page_says_so(tmp_path: Path) -> None:
    lines = report(tmp_path, CLEAN).lines
    assert "The claim passes." in lines
    assert not any("Claims to correct" in line for line in lines)


def test_what_could_not_be_checked_or_read_is_told_with_the_reason(tmp_path: Path) -> None:
    lines = report(tmp_path, SAMPLES / "837p" / "cut-off.837", tmp_path / "nowhere.json").lines
    assert "2 could not be read." in " ".join(lines)
    assert "SYN-2006" in " ".join(line for line in lines if "segment 37" in line)
    assert any(line.startswith("The transaction breaks off without its SE segment") for line in lines)
    assert f"{tmp_path / 'nowhere.json'} is not there: check the path" in lines
    assert any(line.startswith("Documentation") for line in lines)
    assert any(line.startswith("The transaction has no SE. transaction-unclosed 1 ") for line in lines)


def test_no_claim_at_all_is_said(tmp_path: Path) -> None:
    lines = report(tmp_path, SAMPLES / "json" / "unreadable.json").lines
    assert "No claim could be judged." in lines


def test_stdout_and_the_exit_code_are_those_without_a_report(tmp_path: Path) -> None:
    plain, with_page = check(FAULTY), check(FAULTY, "--report", tmp_path / "r.html")
    assert (with_page.stdout, with_page.exit_code) == (plain.stdout, plain.exit_code)
    assert with_page.stderr == plain.stderr + f"report: {tmp_path / 'r.html'}\n"


def test_nothing_is_fetched_and_nothing_runs(tmp_path: Path) -> None:
    page = report(tmp_path, FAULTY)
    assert {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "form", "base"} == set()
    attributes = [(name, value) for _, each in page.elements for name, value in each.items()]
    assert [name for name, _ in attributes if name.startswith("on") or name in {"style", "src"}] == []
    assert [value for name, value in attributes if name == "href" and not (value or "").startswith("#")] == []
    [policy] = [each["content"] for tag, each in page.elements if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_what_a_claim_says_is_text_and_never_markup(tmp_path: Path) -> None:
    claim = json.loads(FAULTY.read_text())["data"]
    claim["claim_id"], claim["payer"]["id"] = "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'
    file = tmp_path / "<b>claim.json"
    file.write_text(json.dumps(claim))
    page = report(tmp_path, file)
    assert {tag for tag, _ in page.elements} & {"script", "img", "b"} == set()
    assert any("<script>alert(1)</script>" in line for line in page.lines)


def test_the_page_names_nobody(tmp_path: Path) -> None:
    file = tmp_path / "claim.json"
    file.write_text(json.dumps(claim_full_of_phi(lines=[{"modifiers": [], "units": 3}])))
    page = tmp_path / "report.html"
    assert check(file, "--report", page).exit_code == 1
    text = page.read_text("utf-8")
    assert "mod-therapy-missing" in text
    assert {what for what, word in PHI.items() if word in text} == set()


# -- counting ----------------------------------------------------------------------------------------------------------


def many(count: int, file: Path = FAULTY, **changes: Any) -> Iterator[tuple[Any, Any]]:
    """The same claim under many numbers, judged once."""
    from palpate_intake.outcome import ReadClaim
    from palpate_validator.engine import judge

    [(read, _)] = judged(file.read_bytes(), file.name)
    assert isinstance(read, ReadClaim)
    judgement = judge(read.claim, read.claim.submitted_on, shipped_rule_book())
    for number in range(count):
        changed = {name: make(number, getattr(read.claim, name)) for name, make in changes.items()}
        claim = read.claim.model_copy(update={"claim_id": f"C-{number}", **changed})
        yield ReadClaim(claim, read.file, read.position, locate=read.locate), judgement


def test_twenty_thousand_claims_are_counted_and_only_the_first_are_kept() -> None:
    tally = Tally()
    for read, judgement in many(20_000):
        tally.claim("claims.jsonl", read, judgement)
    assert (tally.claims, tally.failed, len(tally.listed)) == (20_000, 20_000, MOST_CLAIMS)
    assert tally.by_rule["ncci-hard", Severity.ERROR].claims == 20_000
    assert tally.held == tally.listed[0].charge * 20_000
    text = render_page(tally, shipped_rule_book().ruleset, AT)
    assert f"The first {MOST_CLAIMS} of 20,000, in the order of the files" in text
    assert len(text) < 1_000_000


def test_however_many_clinicians_there_are_the_table_is_bounded_and_says_what_it_leaves_out() -> None:
    tally = Tally()

    def npi(number: int, provider: Any) -> Any:
        return provider.model_copy(update={"npi": f"{number:010d}"})

    for read, judgement in many(MOST_GROUPS + 5, rendering_provider=npi):
        tally.claim("claims.jsonl", read, judgement)
    assert len(tally.by_clinician) == MOST_GROUPS + 1
    assert sum(count.claims for count in tally.by_clinician.values()) == MOST_GROUPS + 5
    text = render_page(tally, shipped_rule_book().ruleset, AT)
    assert f"And {MOST_GROUPS + 1 - 50:,} more." in text


def test_a_rule_that_warns_of_one_claim_and_fails_another_is_counted_apart() -> None:
    tally = Tally()
    [(read, judgement)] = many(1)
    soft = [each.model_copy(update={"severity": Severity.WARNING}) for each in judgement.findings]
    tally.claim("f", read, judgement)
    tally.claim("f", read, type(judgement)(judgement.verdict, True, "p", tuple(soft), judgement.counts))
    counts = {severity: count.claims for (rule, severity), count in tally.by_rule.items() if rule == "ncci-hard"}
    assert counts == {Severity.ERROR: 1, Severity.WARNING: 1}


def test_what_cannot_be_told_is_counted_once_a_claim_for_each_fact() -> None:
    tally = Tally()
    for read, judgement in many(3, SAMPLES / "837p" / "missing-gp.837"):
        tally.claim("f", read, judgement)
    assert len(tally.open) > 3
    assert {count.claims for count in tally.open.values()} == {3}
    assert max(len(count.rules) for count in tally.open.values()) > 3
    assert tally.held == tally.listed[0].charge * 3 > Decimal(0)


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_report_is_refused_before_anything_is_judged(tmp_path: Path) -> None:
    for wrong, why in (
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "r.html", "the folder of the report is not there"),
    ):
        result = check(FAULTY, "--report", wrong)
        assert (result.exit_code, result.stdout) == (2, "")
        assert why in result.stderr
    own = tmp_path / "claims.json"
    own.write_bytes(FAULTY.read_bytes())
    assert "is there and is no report" in check(own, "--report", own).stderr
    assert own.read_bytes() == FAULTY.read_bytes()
    os.mkfifo(tmp_path / "pipe")
    assert "is no file that could be replaced" in check(FAULTY, "--report", tmp_path / "pipe").stderr


def test_an_earlier_report_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    for file, said in ((FAULTY, "1 of 1 claim"), (CLEAN, "The claim passes.")):
        check(file, "--report", page)
        assert said in page.read_text("utf-8")


def test_a_page_that_cannot_be_written_leaves_the_old_one_and_no_rest(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_whole(page, "the old one")
    with pytest.raises(UnicodeEncodeError):
        write_whole(page, "half \ud800")
    assert page.read_text() == "the old one"
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_page_is_as_readable_as_any_other_file_of_its_owner(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_whole(tmp_path / "page", "text")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "page")}
    assert len(modes) == 1


def test_days_become_months_and_months_years_where_there_are_too_many() -> None:
    from datetime import date, timedelta

    for days, first, last in (
        (10, "Nov 16, 2026", "Nov 25, 2026"),
        (100, "Nov 2026", "Feb 2027"),
        (3000, "2026", "2034"),
    ):
        tally = Tally()
        for number in range(0, days, max(1, days // 50)):
            tally.by_day[date(2026, 11, 16) + timedelta(days=number)] = _one()
        tally.failed = tally.claims = 1
        text = render_page(tally, shipped_rule_book().ruleset, AT)
        [scale] = re.findall(r'<p class="scale"><span>(.*?)</span><span>(.*?)</span>', text)
        assert scale == (first, last)


def test_one_day_is_no_figure(tmp_path: Path) -> None:
    assert "By date of service" not in report(tmp_path, FAULTY).lines


def _one() -> Any:
    from palpate_cli.reports.tally import Count

    return Count(claims=1, failed=1)
