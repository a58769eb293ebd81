"""`palpate up`: everything on this machine until Ctrl-C."""

import asyncio
import contextlib
import json
import signal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from palpate_cli.local_intake import LocalIntake
from palpate_cli.stack import AlreadyRunning, NotReady, Stack
from palpate_intake.http.sources import WrongSources
from palpate_runtime.embedded import NoServer

console, errors = Console(), Console(stderr=True)

# What somebody who watches wants to see; the rest is there with --verbose.
_SHOWN = {
    "claim_judged", "event_rejected", "verdict_recorded", "message_sent", "message_not_sent", "entry_buried",
    "entries_reclaimed", "rule_failed", "waiting_for_redis", "consuming_again", "entry_failed",
    "case_minded", "nobody_to_tell", "claims_taken_in", "sources_read", "webhook_delivered",
}  # fmt: skip


async def run_up(folder: Path, *, redis_port: int | None, verbose: bool) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    try:
        async with Stack(
            folder,
            lambda name, line: _tell(name, line, verbose=verbose),
            redis_port=redis_port,
            inbox=True,
            intake=True,
        ) as stack:
            _welcome(stack)
            await stop.wait()
            console.print("stopping ...")
    except (AlreadyRunning, NotReady, NoServer, WrongSources) as error:
        errors.print(f"[bold red]palpate:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        return 2
    console.print("stopped; nothing is lost, `palpate up` goes on where it was")
    return 0


def _welcome(stack: Stack) -> None:
    rows = [
        ("Redis", f"{stack.redis_url}   XADD claims.created '*' event '<json>'"),
        ("inbox", f"{stack.inbox_url}   the mail with the link to sign in by is in mails, too"),
        *_intake_row(stack.intake),
        ("mails", str(stack.mail)),
        ("who is who", str(stack.directory)),
        ("validator", f"http://127.0.0.1:{stack.ports.validator}/readyz"),
        ("notifier", f"http://127.0.0.1:{stack.ports.notifier}/readyz"),
    ]
    console.print("[bold]Palpate is up.[/] Ctrl-C stops everything.")
    for name, value in rows:
        console.print(f"  {name:<11} {escape(value)}", highlight=False, soft_wrap=True)
    console.print("Try: [bold]palpate send samples/json[/]   and: [bold]palpate status[/]\n")


def _intake_row(intake: LocalIntake | None) -> list[tuple[str, str]]:
    """Where claims go in over HTTP, and where the key is: never the key."""
    if intake is None:
        return []
    who = f"the key is in {intake.key_file}" if intake.has_key() else f"who may send is in {intake.sources}"
    return [("HTTP", f"{intake.url}   {who}")]


def _tell(name: str, line: str, *, verbose: bool) -> None:
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        console.print(f"[dim]{name:<9}[/] {escape(line)}", highlight=False, soft_wrap=True)
        return
    grave = said.get("level") in {"warning", "error", "critical"}
    if not verbose and not grave and said.get("event") not in _SHOWN:
        return
    fields = " ".join(
        f"{key}={value}" for key, value in said.items() if key not in _DULL and value not in (None, 0, [])
    )
    colour = "red" if grave else "default"
    console.print(
        f"[dim]{name:<9}[/] [{colour}]{escape(str(said.get('event', '')))}[/] [dim]{escape(fields)}[/]",
        highlight=False,
        soft_wrap=True,
    )


_DULL = {"event", "level", "timestamp", "service", "logger", "outcome_event_id", "correlation_id", "entry_id", "stream"}
