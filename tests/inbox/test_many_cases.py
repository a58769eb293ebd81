"""A list of many cases is shown a page at a time, in a number of questions to the database that does not grow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from bench.inbox import PAGES, measured
from palpate_notifier.tables import CaseMember, CaseRow
from tests.inbox.conftest import TUESDAY, House
from tests.notifier.verdicts import failed

CASES = 1_000


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that any engine executes meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_thousand_cases_ask_the_database_no_more_than_one(house: House) -> None:
    browser = await house.signed_in("ada")
    finding = failed("units-total-over", fixer="clinician").findings[0].model_dump(mode="json", exclude_none=True)
    await _cases(house, finding, range(1))
    with statements() as for_one:
        await browser.open("/")
    await _cases(house, finding, range(1, CASES))
    with statements() as for_many:
        page = await browser.open("/")
    assert "1,000 claims" in page.text
    assert 0 < page.text.count("<article") + page.text.count("<li") + page.text.count("<tr") < 300
    assert len(for_many) <= len(for_one)


async def _cases(house: House, finding: dict[str, Any], numbers: range) -> None:
    async with house.story.sessions.begin() as session:
        for number in numbers:
            case = CaseRow(
                id=str(number), reference=f"R{number:06d}", row_version=1, source="urn:pms:test",
                claim_id=f"CLM-{number}", version=1, practice="1497758544", rendering_npi="1245319599",
                payer_id="P", assignee="ada", status="open", rules=["units-total-over"], findings=[finding],
                lines=[], service_dates=["2026-11-02"], source_event_id=str(number), opened_at=TUESDAY,
                updated_at=TUESDAY, due_at=TUESDAY, reminders=0, escalations=0,
            )  # fmt: skip
            session.add_all([case, CaseMember(case=case, part="clinician", person="ada")])


async def test_the_bench_measures_every_page(tmp_path: Path) -> None:
    seconds = await measured(tmp_path, cases=3, rounds=2)
    assert {name: len(taken) for name, taken in seconds.items()} == dict.fromkeys(PAGES, 2)
