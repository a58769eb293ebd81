"""The billing and the manager view: filters, many at once with a preview, CSV, and the numbers."""

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from palpate_notifier.inbox import figures
from palpate_notifier.inbox.csv_export import cell, write
from palpate_notifier.tables import AuditEntry
from tests.inbox.conftest import House
from tests.notifier.verdicts import failed, passed


@pytest.fixture
async def three(house: House) -> House:
    await house.story.fail(1)
    await house.story.fail(2, rule="mod-therapy-missing", fixer="biller")
    await house.story.fail(3, rendering_npi="1003000126")
    return house


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("", {1, 2, 3}),
        ("?rule=units-total-over", {1, 3}),
        ("?person=ben", {3}),
        ("?person=bo", {2}),
        ("?status=disputed", set()),
        ("?status=nonsense", {1, 2, 3}),
        ("?practice=1992000006", set()),
    ],
)
async def test_filters(three: House, query: str, seen: set[int]) -> None:
    text = (await (await three.signed_in("bo")).open(f"/billing{query}")).text
    assert {number for number in (1, 2, 3) if f">CLM-{number}</a>" in text} == seen
    assert ("Nothing fits" in text) == (not seen)


async def test_a_preview_does_nothing_and_what_changed_since_is_left(three: House) -> None:
    browser, references = await three.signed_in("bo"), [await three.reference(number) for number in (1, 2, 3)]
    await browser.open("/billing")
    page = await browser.send("/billing/preview", action="reassign", to="cleo", case=references)
    assert "Give to somebody else: Cleo Park, PT?" in page.text
    assert "3 claims. Nothing is done yet." in page.text
    assert (await three.story.case(1)).assignee == "ada"
    versions = {f"v-{(await three.case_of(n)).reference}": str((await three.case_of(n)).row_version) for n in (1, 2, 3)}
    await three.story.judge(passed(claim_id="CLM-3", version=2))
    done = await browser.send("/billing/apply", action="reassign", to="cleo", case=references, **versions)
    assert done.headers["location"] == "/billing?done=2&left=1"
    assert "2 claims done; 1 left as it is" in (await browser.open(done.headers["location"])).text
    assert [(await three.story.case(number)).assignee for number in (1, 2)] == ["cleo", "cleo"]


@pytest.mark.parametrize(
    "fields",
    [{}, {"case": "NOPE"}, {"case": "1", "action": "delete"}, {"case": "1", "action": "reassign", "to": "rob"}],
)
async def test_what_does_not_fit_is_said(three: House, fields: dict[str, str]) -> None:
    browser = await three.signed_in("bo")
    await browser.open("/billing")
    if fields.get("case") == "1":
        fields = fields | {"case": await three.reference(1)}
    assert (await browser.send("/billing/preview", **fields)).status_code == 422


async def test_csv_is_a_table_of_values_and_in_the_audit(three: House) -> None:
    await three.story.judge(failed("units-total-over", claim_id="=HYPERLINK(1)"))
    browser = await three.signed_in("bo")
    await browser.open("/billing")
    answer = await browser.send("/billing/export", rule="units-total-over")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert answer.headers["content-type"].startswith("text/csv")
    assert rows[0][:3] == ["case", "claim", "version"]
    assert {row[1] for row in rows[1:]} == {"CLM-1", "CLM-3", "'=HYPERLINK(1)"}
    async with three.story.sessions() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "exported"))).one()
    assert (entry.actor, entry.object, entry.detail) == ("bo", "export/billing", {"count": 3})


async def test_an_export_lacks_nothing_without_a_word(three: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The most that is exported is counted of what the filter leaves, and more than that is refused."""
    monkeypatch.setattr("palpate_notifier.inbox.billing.MOST_EXPORTED", 2)
    browser = await three.signed_in("bo")
    await browser.open("/billing")
    answer = await browser.send("/billing/export", rule="units-total-over")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row[1] for row in rows[1:]] == ["CLM-1", "CLM-3"]
    await browser.open("/billing")
    answer = await browser.send("/billing/export")
    assert (answer.status_code, "These are 3 claims; at most 2 at once" in answer.text) == (422, True)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=1"])
def test_a_formula_is_a_word(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell("CLM-1") == "CLM-1"
    assert write(("a",), [("b",)]) == '\ufeff"a"\r\n"b"\r\n'


async def test_the_manager_sees_ages_rules_and_times(three: House) -> None:
    three.story.clock.forward(days=3)
    await three.story.judge(passed(claim_id="CLM-3", version=2))
    page = (await (await three.signed_in("pat")).open("/manager")).text
    bars = [" ".join(words.split()) for words in re.findall(r"<li>(.*?)<svg", page, re.DOTALL)]
    shown = [re.sub("<[^>]+>", "", bar).strip() for bar in bars]
    assert shown == [
        "Today 0", "1 to 2 days 0", "3 to 6 days 2", "A week or more 0",
        "Title of units-total-over units-total-over 2", "Title of mod-therapy-missing mod-therapy-missing 1",
        "This week 72 h",
    ]  # fmt: skip
    assert "3.0 days" in page
    [head, *rows] = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)", row) for row in rows]
    assert re.findall(r"<th[^>]*>([^<]*)", head) == ["Clinician", "units-total-over", "mod-therapy-missing"]
    # The table is the plot: each number has its bar, of which the longest is the largest number of all.
    assert cells == [["Ada Quist, PT", "1", "1"], ["Ben Ruiz, OT", "1", "0"]]
    assert re.findall(r'class="bar" width="([^"]+)%"', rows[1]) == ["100.0", "0.0"]


async def test_a_manager_without_cases_is_told_so(house: House) -> None:
    assert "Nothing to count yet" in (await (await house.signed_in("pat")).open("/manager")).text


@pytest.mark.parametrize(
    ("span", "label"),
    [
        (timedelta(), "Today"),
        (timedelta(hours=23.9), "Today"),
        (timedelta(days=1), "1 to 2 days"),
        (timedelta(days=3), "3 to 6 days"),
        (timedelta(days=6.9), "3 to 6 days"),
        (timedelta(days=7), "A week or more"),
    ],
)
def test_ages(span: timedelta, label: str) -> None:
    assert figures._age(span) == label


@pytest.mark.parametrize(
    ("hours", "words"),
    [([], "none yet"), ([0.5], "30 min"), ([1, 2, 30], "2.0 h"), ([48, 48], "2.0 days")],
)
def test_times_in_words(hours: list[float], words: str) -> None:
    assert figures.in_words(hours) == words


@pytest.mark.parametrize(
    "query",
    ["done=1e400&left=-1", "done=" + "9" * 4_400, "page=-1", "page=99999", "page=%D9%A3", "rule=%00&practice=%ff"],
)
async def test_an_address_that_was_made_up_shows_a_page(three: House, query: str) -> None:
    assert (await (await three.signed_in("bo")).open(f"/billing?{query}")).status_code == 200
