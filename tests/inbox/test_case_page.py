"""My cases and the page of a case: what they show, what can be done there, and what happens in a race."""

import pytest
from sqlalchemy import select

from palpate_notifier.inbox.app import inbox_app
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import AuditEntry, Dispute
from tests.inbox.conftest import ADDRESS, House
from tests.notifier.verdicts import failed, passed


@pytest.fixture
async def one(house: House) -> House:
    await house.story.fail(1)
    return house


async def test_nothing_waits_says_so(house: House) -> None:
    page = await (await house.signed_in("ada")).open("/")
    assert "Nothing waits for you" in page.text


async def test_what_waits_links_to_its_page(one: House) -> None:
    page = await (await one.signed_in("ada")).open("/")
    assert f'href="/cases/{await one.reference()}"' in page.text
    assert "Title of units-total-over" in page.text


async def test_a_case_shows_what_is_wrong_and_what_to_do(one: House) -> None:
    page = await (await one.signed_in("ada")).open(f"/cases/{await one.reference()}")
    for words in ("CLM-1", "Mar 3, 2025", "Message of units-total-over", "Mend units-total-over.", "97140", "GP"):
        assert words in page.text, words
    title = page.text.partition("<title>")[2].partition("</title>")[0]
    assert title == f"Case {await one.reference()} · Palpate"


@pytest.mark.parametrize(
    ("action", "fields", "status", "last"),
    [
        ("acknowledge", {}, "acknowledged", "acknowledged"),
        ("fixed", {}, "acknowledged", "fixed in their system"),
        ("reassign", {"to": "ben"}, "open", "reassigned"),
        ("snooze", {"days": "3"}, "open", "snoozed"),
        ("note", {"text": "Asked the front desk."}, "open", "note"),
        ("cannot-determine", {"comment": "No minutes written."}, "escalated", "cannot determine"),
        (
            "dispute",
            {"rule": "units-total-over", "reason": "payer_differs", "comment": "See the bulletin."},
            "disputed",
            "disputed",
        ),
    ],
)
async def test_an_action_is_done_and_said(
    one: House, action: str, fields: dict[str, str], status: str, last: str
) -> None:
    browser = await one.signed_in("ada")
    path = f"/cases/{await one.reference()}"
    await browser.open(path)
    answer = await browser.send(f"{path}/{action}", **fields)
    # Who gives a case away does not see it any more.
    where = "/" if action == "reassign" else path
    assert (answer.status_code, answer.headers["location"]) == (303, f"{where}?done={action}")
    assert ((await one.story.case()).status, (await one.story.timeline())[-1]) == (status, ("ada", last))
    assert 'role="status"' in (await browser.open(answer.headers["location"])).text


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("reassign", {"to": "rob"}),
        ("reassign", {"to": "nobody"}),
        ("snooze", {"days": "400"}),
        ("note", {"text": "  "}),
        ("note", {"text": "x" * 1001}),
        ("dispute", {"rule": "other-rule", "reason": "other", "comment": "No."}),
        ("dispute", {"rule": "units-total-over", "reason": "bad", "comment": "No."}),
        ("acknowledge", {"row_version": "one"}),
    ],
)
async def test_what_does_not_fit_is_said_and_changes_nothing(one: House, action: str, fields: dict[str, str]) -> None:
    browser = await one.signed_in("ada")
    path = f"/cases/{await one.reference()}"
    await browser.open(path)
    before = await one.story.timeline()
    assert (await browser.send(f"{path}/{action}", **fields)).status_code == 422
    assert await one.story.timeline() == before


async def test_the_second_of_two_is_told_and_keeps_what_they_typed(one: House) -> None:
    path = f"/cases/{await one.reference()}"
    ada, pat = await one.signed_in("ada"), await one.signed_in("pat")
    await ada.open(path)
    await pat.open(path)
    await ada.send(f"{path}/acknowledge")
    late = await pat.send(f"{path}/note", text="I ring the payer.")
    assert late.status_code == 409
    assert "I ring the payer." in late.text
    assert ("pat", "note") not in await one.story.timeline()


async def test_what_was_typed_comes_back_when_the_case_has_gone_to_somebody_else(one: House) -> None:
    ada, path = await one.signed_in("ada"), f"/cases/{await one.reference()}"
    await ada.open(path)
    # The newer version has another fault, and that is the biller's.
    await one.story.judge(failed("mod-therapy-missing", fixer="biller", claim_id="CLM-1", version=2))
    late = await ada.send(f"{path}/note", text="I ring the <payer>.")
    assert (late.status_code, "I ring the &lt;payer&gt;." in late.text, "CLM-1" in late.text) == (404, True, False)


async def test_a_form_without_its_token_changes_nothing(one: House) -> None:
    browser = await one.signed_in("ada")
    path = f"/cases/{await one.reference()}"
    await browser.open(path)
    for token in ("", "0" * 64, "\u00e9"):
        assert (await browser.send(f"{path}/acknowledge", form_token=token)).status_code == 403
    assert (await one.story.case()).status == "open"


async def test_words_are_shown_as_words(one: House) -> None:
    browser = await one.signed_in("ada")
    path = f"/cases/{await one.reference()}"
    await browser.open(path)
    await browser.send(f"{path}/note", text="<script>alert(1)</script>")
    page = await browser.open(path)
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_a_corrected_claim_is_shown_as_corrected(one: House) -> None:
    browser = await one.signed_in("ada")
    await one.story.judge(passed(version=2))
    assert "Corrected" in (await browser.open(f"/cases/{await one.reference()}")).text
    assert "CLM-1" not in (await browser.open("/")).text
    assert "CLM-1" in (await browser.open("/?show=closed")).text


async def test_every_look_is_in_the_audit(one: House) -> None:
    browser = await one.signed_in("ada")
    await browser.open("/")
    await browser.open(f"/cases/{await one.reference()}")
    async with one.story.sessions() as session:
        seen = [
            (each.actor, each.action, each.object)
            for each in await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))
        ]
    assert seen == [
        ("ada", "viewed", "list/mine"),
        ("ada", "viewed", f"case/{await one.reference()}"),
    ]


async def test_a_case_links_to_what_the_rule_says(one: House) -> None:
    browser = await one.signed_in("ada")
    assert 'href="/rules/units-total-over"' in (await browser.open(f"/cases/{await one.reference()}")).text
    page = (await browser.open("/rules/units-total-over")).text
    for heading in ("What it checks", "Why it matters", "How to fix", "Limits", "Sources"):
        assert f"<h2>{heading}</h2>" in page
    # Pages link to each other by file name.
    assert (await browser.open("/rules/ncci-hard.md")).status_code == 200
    for nothing in ("no-such-rule", "README", "..%2F..%2Fetc%2Fpasswd"):
        assert (await browser.open(f"/rules/{nothing}")).status_code == 404


async def test_a_rules_page_runs_no_html(one: House) -> None:
    def hostile(rule: str) -> str:
        return f"# {rule}\n<script>alert(1)</script>\n\n[x](javascript:alert(1))"

    one.app = inbox_app(
        one.story.sessions, one.directory, NotifierSettings(), one.story.clock, ADDRESS, rule_page=hostile
    )
    page = (await (await one.signed_in("ada")).open("/rules/x")).text
    assert "<script" not in page
    assert 'href="javascript' not in page


async def test_a_dispute_is_counted(one: House) -> None:
    browser = await one.signed_in("ada")
    path = f"/cases/{await one.reference()}"
    await browser.open(path)
    await browser.send(f"{path}/dispute", rule="units-total-over", reason="other", comment="Why?")
    async with one.story.sessions() as session:
        assert [row.rule for row in await session.scalars(select(Dispute))] == ["units-total-over"]


async def test_a_long_list_has_pages(house: House) -> None:
    for number in range(1, 53):
        await house.story.fail(number)
    browser = await house.signed_in("ada")
    first, second = (await browser.open("/")).text, (await browser.open("/?page=2")).text
    assert (first.count('class="claim"'), second.count('class="claim"')) == (50, 2)
    assert "Page 1 of 2" in first
