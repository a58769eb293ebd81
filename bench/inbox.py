"""How long the inbox takes for a page of somebody who has 1,000 cases, next to the same page of somebody who has none.

    .venv/bin/python -m bench.inbox [--cases N] [--rounds N]

The time is the server's: from the request to the last byte of the answer, over a real SQLite file, each look audited.
Rounds measure all pages in turn, so that whatever else the machine does falls on all of them; medians are compared.
"""

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import httpx

from palpate_notifier.database import Sessions, migrate, open_database
from palpate_notifier.directory import load_directory
from palpate_notifier.inbox.app import inbox_app
from palpate_notifier.inbox.sign_in import hash_of
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import CaseMember, CaseRow, SignedIn
from tests.notifier.verdicts import failed

ADDRESS = "http://127.0.0.1"
NOW = datetime(2026, 11, 3, 15, tzinfo=UTC)
EMPTY = "my cases, none"
PAGES = {
    EMPTY: ("zoe", "/"),
    "my cases": ("ada", "/"),
    "my cases, last page": ("ada", "/?page={last}"),
    "one case": ("ada", "/cases/R000001"),
    "billing": ("pat", "/billing"),
    "billing by rule": ("pat", "/billing?rule=units-total-over"),
    "manager": ("pat", "/manager"),
}
TEAM = """\
manager = "pat"
[[practice]]
npi = "1497758544"
name = "Harbor Physical Therapy"
manager = "pat"
[[person]]
id = "pat"
name = "Pat Okafor"
email = "pat@harbor.example"
[[person]]
id = "ada"
npi = "1245319599"
name = "Ada Quist, PT"
email = "ada@harbor.example"
practice = "1497758544"
[[person]]
id = "zoe"
name = "Zoe Lund, PT"
email = "zoe@harbor.example"
practice = "1497758544"
"""


def main() -> None:
    """Fill a database, measure, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--cases", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=31)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds = asyncio.run(measured(Path(folder), asked.cases, asked.rounds))
    report(asked.cases, seconds)


async def measured(folder: Path, cases: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of every round, by page."""
    (folder / "team.toml").write_text(TEAM, "utf-8")
    engine, sessions = open_database(f"sqlite+aiosqlite:///{folder / 'cases.db'}")
    await migrate(engine)
    await fill(sessions, cases)
    settings = NotifierSettings(inbox_url=ADDRESS)
    app = inbox_app(sessions, load_directory(folder / "team.toml"), settings, lambda: NOW, ADDRESS)
    seconds: dict[str, list[float]] = {name: [] for name in PAGES}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS) as client:
        for number in range(rounds + 1):
            for name, (person, path) in PAGES.items():
                taken = await one_page(client, person, path.format(last=-(-cases // 50)))
                if number:  # the first round fills caches
                    seconds[name].append(taken)
    await engine.dispose()
    return seconds


async def one_page(client: httpx.AsyncClient, person: str, path: str) -> float:
    """Seconds for one page."""
    started = time.perf_counter()
    answer = await client.get(path, headers={"Cookie": f"palpate={person}"})
    taken = time.perf_counter() - started
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return taken


async def fill(sessions: Sessions, cases: int) -> None:
    """The cases, all of them Ada's, and everybody signed in."""
    findings = [
        failed(rule, fixer="clinician").findings[0].model_dump(mode="json", exclude_none=True)
        for rule in ("units-total-over", "mod-therapy-missing", "ncci-hard")
    ]
    async with sessions.begin() as session:
        for person in ("ada", "pat", "zoe"):
            session.add(SignedIn(cookie_hash=hash_of(person), person=person, since=NOW, last_seen_at=NOW))
        for number in range(1, cases + 1):
            case = CaseRow(
                id=str(number), reference=f"R{number:06d}", row_version=1, source="urn:pms:bench",
                claim_id=f"CLM-{number}", version=1, practice="1497758544", rendering_npi="1245319599",
                payer_id="P", assignee="ada", status="open", rules=[each["rule"] for each in findings],
                findings=findings, lines=[], service_dates=["2026-11-02"], source_event_id=str(number),
                opened_at=NOW, updated_at=NOW, due_at=NOW, reminders=0, escalations=0,
            )  # fmt: skip
            session.add_all([case, CaseMember(case=case, part="clinician", person="ada")])


def report(cases: int, seconds: dict[str, list[float]]) -> None:
    """Medians, spread and ratios to the empty page."""
    print(f"{cases:,} cases, {len(seconds[EMPTY])} rounds")
    print(f"{'':22}{'median':>10}{'slowest':>10}{'ratio to the empty page':>26}")
    for name, taken in seconds.items():
        ratio = median(each / empty for each, empty in zip(taken, seconds[EMPTY], strict=True))
        print(f"{name:22}{median(taken) * 1e3:8.1f}ms{max(taken) * 1e3:8.1f}ms{ratio:26.1f}")


if __name__ == "__main__":
    main()
