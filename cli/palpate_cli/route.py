"""`palpate route`: who would be told of a claim and why, sending nothing; and addresses that are used again."""

import asyncio
import getpass
import json
import socket
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from sqlalchemy import select

from palpate_cli.check import complaint
from palpate_cli.where import table_store
from palpate_intake.files import open_files
from palpate_intake.outcome import Unreadable
from palpate_intake.publishing import event_of
from palpate_intake.reading import read_claims
from palpate_notifier.bounces import enable
from palpate_notifier.cases import Status
from palpate_notifier.database import AWAY, open_database
from palpate_notifier.directory import Directory, WrongDirectory, load_directory
from palpate_notifier.explaining import Would, explain
from palpate_notifier.preferences import Quiet
from palpate_notifier.routing import Route, WrongRoutes, load_routes
from palpate_notifier.silences import in_force
from palpate_notifier.tables import CaseRow
from palpate_schemas.finding import Finding
from palpate_schemas.streams import CLAIMS_REJECTED
from palpate_schemas.values import Program
from palpate_validator.book import load_rule_book
from palpate_validator.verdicts import answer

EXPLAINED, NOT_EXPLAINED = 0, 2
ENABLED, NOTHING_TO_ENABLE, NOT_ENABLED = 0, 1, 2

console, errors = Console(), Console(stderr=True)


@dataclass(frozen=True, slots=True)
class _Claim:
    """As much of a claim as routing looks at."""

    name: str
    findings: tuple[Finding, ...]
    program: Program | None
    practice: str
    rendering_npi: str


def explain_routes(
    what: str,
    *,
    directory: Path,
    routes: Path | None,
    database_url: str | None,
    profile_folders: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Explain every claim of a file, or the open case of a claim number."""
    now = datetime.now(UTC)
    try:
        people = load_directory(directory)
        root = load_routes(routes, people)
        is_file = Path(what).exists()
        claims = list(_in_file(what, profile_folders, now)) if is_file else []
    except (WrongDirectory, WrongRoutes, ValueError, OSError) as error:
        return _refuse(str(error))
    stored, silences = asyncio.run(_stored(what, database_url, now)) if database_url else ([], [])
    claims = claims if is_file else stored
    if not claims and is_file:
        return NOT_EXPLAINED
    if not claims:
        place = "no case of that claim" if database_url else "no case database here (--database URL)"
        return _refuse(f"{what}: no such file, and {place}")
    told = [(claim, _would(claim, root, people, silences, now)) for claim in claims]
    if as_json:
        print(json.dumps([_json(claim, would) for claim, would in told], indent=2, default=_shown))
    else:
        for claim, would in told:
            _print(claim, would, people, now)
    return EXPLAINED


def enable_addresses(person: str, database_url: str) -> int:
    """Use somebody's addresses again that had bounced: 0 when there were any, 1 when not, 2 without a database."""
    try:
        taken_back = asyncio.run(_enable(person, database_url))
    except AWAY as error:
        return _refuse(f"the case database does not answer ({type(error).__name__})")
    for channel, reason, since in taken_back:
        console.print(f"{escape(person)}: {channel} is used again ({reason}, {since:%Y-%m-%d %H:%M} UTC)")
    if not taken_back:
        console.print(f"{escape(person)}: no address of theirs has bounced (an id of the directory is asked for)")
    return ENABLED if taken_back else NOTHING_TO_ENABLE


async def _enable(person: str, database_url: str) -> list[tuple[str, str, datetime]]:
    engine, sessions = open_database(database_url)
    try:
        async with sessions.begin() as session:
            actor = f"{getpass.getuser()}@{socket.gethostname()}"[:64]
            rows = await enable(session, person, actor=actor, now=datetime.now(UTC))
            return [(row.channel, row.reason, row.since) for row in rows]
    finally:
        await engine.dispose()


def _would(claim: _Claim, root: Route, people: Directory, silences: Sequence[Quiet], now: datetime) -> list[Would]:
    return explain(
        root,
        people,
        claim.findings,
        program=claim.program,
        practice=claim.practice,
        rendering_npi=claim.rendering_npi,
        now=now,
        silences=silences,
    )


def _in_file(name: str, profile_folders: tuple[Path, ...], now: datetime) -> Iterator[_Claim]:
    book = load_rule_book(profile_folders, table_store(None))
    for file, stream in open_files([name]):
        with stream:
            for read in read_claims(stream, file):
                if isinstance(read, Unreadable):
                    _refuse(complaint(file, read))
                    continue
                event = event_of(read, "urn:palpate:cli", now)
                found = answer(event.model_dump_json(exclude_none=True, by_alias=True).encode(), "", book, now)
                verdict = found.event.data
                if found.stream != CLAIMS_REJECTED:
                    yield _Claim(
                        f"{verdict.claim_id} version {verdict.version}",
                        verdict.findings,
                        verdict.program,
                        verdict.practice,
                        verdict.rendering_npi,
                    )


async def _stored(claim_id: str, database_url: str, now: datetime) -> tuple[list[_Claim], list[Quiet]]:
    engine, sessions = open_database(database_url)
    try:
        async with sessions() as session:
            cases = (await session.scalars(select(CaseRow).where(CaseRow.claim_id == claim_id))).all()
            silences = await in_force(session, now)
    except AWAY:
        return [], []
    finally:
        await engine.dispose()
    claims = [
        _Claim(
            f"{case.claim_id} version {case.version}, case {case.reference} ({case.status})",
            () if Status(case.status).is_closed else tuple(map(Finding.model_validate, case.findings)),
            Program(case.program) if case.program else None,
            case.practice,
            case.rendering_npi,
        )
        for case in cases
    ]
    return claims, [Quiet(row.ends_at, row.practice, row.person, row.rule, row.family) for row in silences]


def _print(claim: _Claim, would: Sequence[Would], people: Directory, now: datetime) -> None:
    console.print(f"[bold]{escape(claim.name)}[/], {escape(people.practice_name(claim.practice))}", highlight=False)
    if not would:
        console.print("  nobody: no error of it is open\n")
        return
    for each in would:
        part = each.part.value.replace("_", " ")
        console.print(
            f"  [bold]{escape(each.person)}[/] for the {part}'s part: {', '.join(each.rules)}", highlight=False
        )
        console.print(f"    because they are the person who {escape(each.why)}", highlight=False)
        if each.instead:
            console.print(f"    away today: {escape(each.instead)} is told instead", highlight=False)
        channels = " and ".join({"email": "e-mail"}.get(channel, channel) for channel in each.channels)
        held = f" ({each.held_back})" if each.held_back else ""
        minutes = (each.at - now).total_seconds() / 60
        console.print(f"    by {channels}, in {minutes:.0f} minutes at the earliest{held}", highlight=False)
        console.print(f"    [dim]route {escape(each.route)}[/]", highlight=False)
    zone = people.zone_of_practice(claim.practice)
    console.print(f"  due {would[0].due_at.astimezone(zone):%A %Y-%m-%d %H:%M %Z}\n", highlight=False)


def _json(claim: _Claim, would: Sequence[Would]) -> dict[str, Any]:
    return {"claim": claim.name, "practice": claim.practice, "would_be_told": [asdict(each) for each in would]}


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _refuse(text: str) -> int:
    errors.print(f"[bold red]palpate:[/] {escape(text)}", highlight=False, soft_wrap=True)
    return NOT_EXPLAINED
