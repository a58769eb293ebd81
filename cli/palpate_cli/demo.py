"""`palpate demo`: the main job on one screen.  It fails when any part of it did not happen."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from redis import Redis
from rich.console import Console
from rich.markup import escape

from palpate_cli.reports.text import WHO, denial_code
from palpate_cli.send import Answer, answers_since
from palpate_cli.stack import AlreadyRunning, NotReady, Stack
from palpate_intake.files import open_files
from palpate_intake.outcome import ReadClaim, Unreadable
from palpate_intake.publishing import Publisher, event_of
from palpate_intake.reading import read_claims
from palpate_runtime.embedded import NoServer
from palpate_schemas.events import ClaimEvent, ClaimFailed, ClaimPassed, ClaimRejected, CorrectionEvent
from palpate_schemas.streams import (
    CLAIMS_CREATED,
    CLAIMS_FAILED,
    CLAIMS_PASSED,
    CLAIMS_REJECTED,
    CORRECTIONS,
    EVENT_FIELD,
)
from palpate_schemas.values import Severity

WITHIN_S = 45.0
SOURCE = "urn:palpate:demo"
CORRECTIONS_FOLDER = "corrections"

console = Console()


@dataclass(slots=True)
class Seen:
    """What happened, to be held against what had to happen."""

    sent: dict[tuple[str, str], str] = field(default_factory=dict)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    rejected: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    steps: list[CorrectionEvent] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


async def run_demo(samples: Path, keep: Path | None) -> int:
    """Run it; returns 0 only if everything happened."""
    folder = keep or Path(tempfile.mkdtemp(prefix="palpate-demo-"))
    if keep is not None and _has_content(keep):
        console.print(f"[bold red]palpate:[/] {escape(str(keep))} is not empty; the demo needs a folder of its own")
        return 2
    seen = Seen()
    try:
        async with Stack(
            folder,
            lambda name, line: seen.lines.append(f"{name}: {line}"),
            # In earnest what comes within two minutes is one mail; nobody watches a demo for two minutes.
            settings={"PALPATE_GROUP_WAIT_S": "1"},
        ) as stack:
            code = await asyncio.to_thread(_play, stack, samples, seen)
    except (AlreadyRunning, NotReady, NoServer) as error:
        console.print(f"[bold red]palpate:[/] {escape(str(error))}")
        for line in seen.lines[-20:]:
            console.print(f"  [dim]{escape(line)}[/]", highlight=False)
        code = 2
    if keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    elif code == 0:
        console.print(f"The data are kept in {keep}: `palpate up --data {keep}` goes on from there.")
    return code


def _has_content(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def _play(stack: Stack, samples: Path, seen: Seen) -> int:
    console.print("[bold]Palpate demo[/]: synthetic claims, a real Redis, both services, real mail on loopback.\n")
    with Redis.from_url(stack.redis_url) as redis:
        cursors = dict.fromkeys((CLAIMS_PASSED, CLAIMS_FAILED, CLAIMS_REJECTED), b"0")
        console.print("[bold]1. Claims go in[/]")
        corrections = _send_samples(redis, samples, seen)
        console.print("\n[bold]2. Each one is judged[/]")
        judged = _until(lambda: _watch_verdicts(redis, cursors, seen))
        console.print("\n[bold]3. The clinicians are told[/]")
        told = _until(lambda: _watch_mail(stack.mail, seen) >= len(_failing(seen)))
        console.print("\n[bold]4. A claim is corrected and sent again[/]")
        for event in corrections:
            Publisher(redis).publish([event])
            seen.sent[event.source, event.id] = event.data.claim_id
            console.print(
                f"  sent {event.type} {escape(event.data.claim_id)} version {event.data.version}", highlight=False
            )
        closed = _until(lambda: _watch_verdicts(redis, cursors, seen)) and _until(
            lambda: _resolved(redis, seen) >= {event.data.claim_id for event in corrections}
        )
        for step in seen.steps:
            if step.type == "correction.resolved":
                console.print(
                    f"  [green]case closed[/] for {escape(step.data.claim_id)}, version {step.data.version} passes",
                    highlight=False,
                )
    return _summary(seen, judged=judged, told=told, closed=closed and bool(corrections))


def _send_samples(redis: "Redis", samples: Path, seen: Seen) -> list[ClaimEvent]:
    """Send every sample; returns the corrected versions, which are sent later."""
    for name, read in _claims_in(*(samples / kind for kind in ("json", "837p", "fhir"))):
        if isinstance(read, Unreadable):
            console.print(f"  [yellow]unreadable[/]{'':<19} [dim]{escape(name)}[/]", highlight=False)
            continue
        event = event_of(read, SOURCE, datetime.now(UTC))
        Publisher(redis).publish([event])
        seen.sent[event.source, event.id] = event.data.claim_id
        console.print(f"  sent {escape(event.data.claim_id):<24} [dim]{escape(name)}[/]", highlight=False)
    redis.xadd(CLAIMS_CREATED, {EVENT_FIELD: b'{"specversion": "1.0", "id": "broken", "source": "urn:palpate:demo"'})
    seen.sent["", ""] = "(cut off)"
    console.print("  sent an event that is cut off in the middle", highlight=False)
    later = (read for _, read in _claims_in(samples / CORRECTIONS_FOLDER) if isinstance(read, ReadClaim))
    return [event_of(read, SOURCE, datetime.now(UTC)) for read in later]


def _claims_in(*folders: Path) -> Iterator[tuple[str, ReadClaim | Unreadable]]:
    for name, stream in open_files(str(folder) for folder in folders):
        with stream:
            for read in read_claims(stream, name):
                yield name, read


def _watch_verdicts(redis: "Redis", cursors: dict[str, bytes], seen: Seen) -> bool:
    for answer in answers_since(redis, cursors, block_ms=200):
        source = answer.data.source_event
        seen.answers[(source.source, source.id) if source else ("", "")] = answer
        _show_answer(answer)
    return seen.sent.keys() <= seen.answers.keys()


def _show_answer(answer: Answer) -> None:
    if isinstance(answer, ClaimRejected):
        console.print(
            f"  [yellow]rejected[/] {escape(answer.subject or 'unreadable')}: {escape(answer.data.errors[0].reason)}",
            highlight=False,
        )
        return
    verdict = answer.data
    name = f"{verdict.claim_id} version {verdict.version}"
    if isinstance(answer, ClaimPassed):
        console.print(f"  [green]passes[/]   {escape(name)}", highlight=False)
        return
    console.print(f"  [red]fails[/]    {escape(name)}", highlight=False)
    for finding in verdict.findings:
        if finding.severity is Severity.ERROR:
            denial = f", would be denied {denial_code(finding.denial)}" if finding.denial else ""
            console.print(f"             [bold]{finding.rule}[/]: {escape(finding.message)}", highlight=False)
            console.print(
                f"             [dim]do: {escape(finding.remedy)} ({WHO[finding.fixer]}{denial})[/]", highlight=False
            )


def _watch_mail(folder: Path, seen: Seen) -> int:
    for path in sorted(folder.glob("*.eml"))[len(seen.mails) :]:
        message = message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage)  # noqa: S101 - what this policy makes
        seen.mails.append(message)
        console.print(f"  mail to [bold]{escape(message['To'])}[/]: {escape(message['Subject'])}", highlight=False)
    # "3 claims need correcting ...": one mail a person, whatever waits for them.
    return sum(int(mail["Subject"].split()[0]) for mail in seen.mails)


def _failing(seen: Seen) -> set[str]:
    return {answer.data.claim_id for answer in seen.answers.values() if isinstance(answer, ClaimFailed)}


def _failed(seen: Seen) -> int:
    return sum(isinstance(answer, ClaimFailed) for answer in seen.answers.values())


def _resolved(redis: "Redis", seen: Seen) -> set[str]:
    entries: Any = redis.xrange(CORRECTIONS)
    seen.steps = [CorrectionEvent.model_validate_json(fields[EVENT_FIELD]) for _, fields in entries]
    return {step.data.claim_id for step in seen.steps if step.type == "correction.resolved"}


def _until(happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.05)
    return False


def _summary(seen: Seen, *, judged: bool, told: bool, closed: bool) -> int:
    passed = sum(isinstance(answer, ClaimPassed) for answer in seen.answers.values())
    rejected = sum(isinstance(answer, ClaimRejected) for answer in seen.answers.values())
    opened = sum(step.type == "correction.requested" for step in seen.steps)
    resolved = sum(step.type == "correction.resolved" for step in seen.steps)
    console.print(
        f"\n[bold]In all[/]: {len(seen.sent)} events sent, {passed} passed, {_failed(seen)} failed, "
        f"{rejected} rejected; {len(seen.mails)} mails; {opened} corrections requested, {resolved} resolved."
    )
    checks = [
        ("every event was answered", judged),
        ("every failed claim was told", told),
        ("the corrected claim closed its case", closed),
    ]
    for what, happened in checks:
        console.print(f"  {'[green]yes[/]' if happened else '[bold red]NO [/]'}  {what}")
    if not all(happened for _, happened in checks):
        console.print("\nThe last log lines:")
        for line in seen.lines[-20:]:
            console.print(f"  [dim]{escape(line)}[/]", highlight=False)
        return 1
    return 0
