"""The pictures of the inbox in `docs/screenshots`, taken from the running thing: `make screenshots`.

Claims made from a sample go through validator and notifier as any claim does; somebody signs in by the link in the mail.
"""

import asyncio
import copy
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from palpate_cli.stack import Stack

HERE = Path(__file__).parent
PICTURES = HERE / "screenshots"
SIZES: dict[str, Any] = {"desk": {"width": 1180, "height": 860}, "phone": {"width": 360, "height": 760}}


async def take(chromium: str) -> None:
    """Take them all."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with Stack(Path(folder), lambda _name, _line: None, inbox=True) as stack:
            await _send_samples(stack, Path(folder))
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
                )
                context = await browser.new_context(viewport=SIZES["desk"])
                page = await context.new_page()
                await _pictures(page, stack)
                await browser.close()


FAULTS: dict[str, Any] = {
    "units": lambda data: None,  # the sample bills four units of 45 minutes
    "modifier": lambda data: [line["modifiers"].clear() for line in data["lines"]],
    "twenty-five": lambda data: data["lines"][0]["modifiers"].append("25"),
    "threshold": lambda data: data["therapy_accrual"].update(pt_slp="2610.00"),
}
"""What is put into a claim beside what the sample has wrong already."""
WEEK = [("units", "ada"), ("modifier", "ben"), ("threshold", "ada"), ("twenty-five", "ben"), ("units", "ben")]
PEOPLE = {"ada": ("1245319599", "PT"), "ben": ("1003000126", "PT")}
WEEKS, CORRECTED_PER_WEEK = 5, 4


def _claims(sample: dict[str, Any]) -> list[dict[str, Any]]:
    """Five claims a week, each with one fault, and for all but the last week's the corrected ones that pass."""
    events = []
    for number in range(WEEKS * len(WEEK)):
        fault, person = WEEK[number % len(WEEK)]
        events.append(_event(sample, number, person, fault))
        if number % len(WEEK) < CORRECTED_PER_WEEK and number < (WEEKS - 1) * len(WEEK):
            events.append(_event(sample, number, person, None))
    return events


def _event(sample: dict[str, Any], number: int, person: str, fault: str | None) -> dict[str, Any]:
    event = copy.deepcopy(sample)
    data, claim = event["data"], f"H-{2050 + number}"
    data |= {"claim_id": claim, "version": 2 if fault is None else 1}
    event |= {"id": f"{claim}-{data['version']}", "subject": claim}
    event["type"] = "claim.corrected" if fault is None else "claim.created"
    npi, profession = PEOPLE[person]
    for each in (data["rendering_provider"], *(doer for line in data["lines"] for doer in line["performed_by"])):
        each |= {"npi": npi, "profession": profession}
    data["documentation"][0]["clinician"] |= {"npi": npi, "profession": profession}
    if fault != "units":
        data["lines"][1]["units"] = 1
    if fault is not None:
        FAULTS[fault](data)
    return event


async def _send_samples(stack: Stack, folder: Path) -> None:
    sample = json.loads((HERE.parent / "samples" / "json" / "units-total-over.json").read_text("utf-8"))
    events = _claims(sample)
    for kind, closed in (("claim.created", False), ("claim.corrected", True)):
        # One after the other: a correction that is judged before the claim that it corrects needs no case.
        chosen = [each for each in events if each["type"] == kind]
        await _send(stack, folder, chosen)
        for _ in range(300):
            if _cases(folder, closed=closed) == len(chosen) and any(stack.mail.glob("*.eml")):
                break
            await asyncio.sleep(0.1)
        else:
            raise SystemExit(f"{_cases(folder, closed=closed)} of {len(chosen)} cases are there")
    _spread_over_weeks(folder)


async def _send(stack: Stack, folder: Path, events: list[dict[str, Any]]) -> None:
    (folder / "claims.jsonl").write_text("".join(json.dumps(each) + "\n" for each in events), "utf-8")
    command = [sys.executable, "-m", "palpate_cli", "send", str(folder / "claims.jsonl"), "--redis", stack.redis_url]
    # Most of them fail, which is what they are for: its exit code says so.
    await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True)


def _cases(folder: Path, *, closed: bool) -> int:
    condition = "IS NOT NULL" if closed else "IS NULL"
    with closing(sqlite3.connect(folder / "cases.db")) as database:
        return int(database.execute(f"SELECT count(*) FROM cases WHERE closed_at {condition}").fetchone()[0])


def _spread_over_weeks(folder: Path) -> None:
    """What took seconds here took days there: the pictures show weeks, of which a screenshot cannot wait for one."""
    with closing(sqlite3.connect(folder / "cases.db")) as database, database:
        cases = database.execute("SELECT id, claim_id, closed_at FROM cases ORDER BY claim_id").fetchall()
        now = datetime.now(UTC)
        for number, (case, _claim, closed) in enumerate(cases):
            week, of_week = divmod(number, len(WEEK))
            opened = now - timedelta(days=7 * (WEEKS - 1 - week) + of_week * 1.3, hours=2)
            took = timedelta(hours=5 + 9 * (WEEKS - 1 - week) + 3 * of_week)
            database.execute("UPDATE cases SET opened_at = ? WHERE id = ?", (_sql(opened), case))
            if closed is not None:
                database.execute("UPDATE cases SET closed_at = ? WHERE id = ?", (_sql(opened + took), case))


def _sql(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"


async def _pictures(page: Page, stack: Stack) -> None:
    await page.goto(f"{stack.inbox_url}/sign-in")
    await _picture(page, "sign-in")
    await _enter(page, stack, "ada@harbor.example")
    await _picture(page, "my-cases")
    await page.locator(".cases a").first.click()
    await _picture(page, "case")
    await page.emulate_media(color_scheme="dark")
    await _picture(page, "case-dark")
    await page.emulate_media(color_scheme="light")
    await page.get_by_role("button", name="Sign out").click()
    await _enter(page, stack, "pat@harbor.example")
    for name, path in {"billing": "billing", "manager": "manager", "rule": "rules/units-total-over"}.items():
        await page.goto(f"{stack.inbox_url}/{path}")
        await _picture(page, name)


async def _picture(page: Page, name: str) -> None:
    for size, viewport in SIZES.items():
        await page.set_viewport_size(viewport)
        await page.screenshot(path=PICTURES / f"{name}-{size}.png", full_page=size == "desk")
    await page.set_viewport_size(SIZES["desk"])


async def _enter(page: Page, stack: Stack, address: str) -> None:
    await page.goto(f"{stack.inbox_url}/sign-in")
    await page.get_by_label("Your e-mail address").fill(address)
    await page.get_by_role("button", name="Mail me a link").click()
    for _ in range(100):
        for path in sorted(stack.mail.glob("*.eml"), reverse=True):
            mail = message_from_bytes(path.read_bytes(), policy=default)
            text = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
            found = re.search(r"http\S+/sign-in/\S+", text)
            if mail["To"] == address and found:
                await page.goto(found[0])
                await page.get_by_role("button", name="Sign in").click()
                await page.get_by_role("heading", name="My cases").wait_for()
                return
        await asyncio.sleep(0.1)
    raise SystemExit(f"no link was mailed to {address}")


if __name__ == "__main__":
    found = os.environ.get("PALPATE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise SystemExit("there is no Chromium; `make browser` installs one")
    asyncio.run(take(found))
