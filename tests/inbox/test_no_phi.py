"""What a claim says of a person is on no page, in no address, mail, export, log line or table."""

import json
import logging
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from palpate_schemas.events import ClaimFailed
from palpate_schemas.lean import to_json
from palpate_validator.book import load_rule_book
from palpate_validator.verdicts import answer
from tests.end_to_end.test_main_job import PHI, claim_full_of_phi
from tests.inbox.conftest import TUESDAY, House
from tests.processes import event

_LINK = re.compile(r'href="(/[^"]*)"')


async def _judged(house: House) -> None:
    """A claim with a canary in every place where PHI can stand, through the real rule book, told."""
    claim: dict[str, Any] = claim_full_of_phi(lines=[{"modifiers": [], "units": 3}])
    written = to_json(answer(event(claim, event_id="1"), "claims.created/1-0", load_rule_book(), TUESDAY).event)
    found = ClaimFailed.model_validate_json(written).data
    assert len(found.findings) > 1
    await house.story.judge(found)
    await house.story.wait(minutes=2)


async def test_no_page_export_mail_log_or_table_holds_what_the_claim_says_of_a_person(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    await _judged(house)
    seen: list[str] = []
    for person in ("bo", "pat"):
        browser, to_see, looked_at = await house.signed_in(person), ["/"], set[str]()
        while to_see:
            path = to_see.pop()
            if path in looked_at:
                continue
            looked_at.add(path)
            page = await browser.open(path)
            assert page.status_code == 200, path
            seen += [path, page.text]
            to_see += _LINK.findall(page.text)
        assert any(path.startswith("/cases/") for path in looked_at)
    await browser.open("/billing")
    seen.append((await browser.send("/billing/export")).text)
    deliveries = await house.story.deliveries()
    assert deliveries
    seen += [f"{each.subject} {each.text} {each.html}" for each in deliveries]
    seen += [step.model_dump_json() for step in await house.story.steps()]
    seen += [record.getMessage() for record in caplog.records if record.name != "aiosqlite"]
    out = capfd.readouterr()
    seen += [out.out, out.err, *_every_cell(tmp_path / "cases.db")]
    assert "97140" in "".join(seen)
    for what, canary in PHI.items():
        assert canary not in "".join(seen), what


async def test_titles_and_addresses_name_no_claim(house: House) -> None:
    await _judged(house)
    browser = await house.signed_in("pat")
    for path in ("/", "/billing", "/manager", f"/cases/{(await _reference(house))}"):
        page = (await browser.open(path)).text
        claim = await _claim(house)
        assert claim not in page.partition("<title>")[2].partition("</title>")[0]
        assert not [link for link in _LINK.findall(page) if claim in link]


async def _reference(house: House) -> str:
    return str(_one(house, "reference"))


async def _claim(house: House) -> str:
    return str(_one(house, "claim_id"))


def _one(house: House, column: str) -> Any:
    path = house.story.sessions.kw["bind"].url.database
    with sqlite3.connect(path) as database:
        [(value,)] = database.execute(f"SELECT {column} FROM cases")
    return value


def _every_cell(path: Path) -> list[str]:
    with sqlite3.connect(path) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [json.dumps(row, default=str) for name in tables for row in database.execute(f"SELECT * FROM {name}")]
