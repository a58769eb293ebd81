"""`palpate status`: what flows, what waits, what is stuck, and who has been told."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from palpate_cli.where import partitions
from palpate_notifier.cases import LIVE
from palpate_notifier.database import open_database
from palpate_notifier.tables import CaseRow, Delivery
from palpate_runtime.servers import WrongUrl, client_for
from palpate_schemas.streams import CORRECTIONS, READERS, dead, partitioned

FINE, STUCK, UNREACHABLE = 0, 1, 2
SAMPLE_S = 1.0
COLUMNS = ("stream", "entries", "per s", "group", "waiting", "pending", "oldest", "readers", "dead")

console, errors = Console(), Console(stderr=True)


def show_status(redis_url: str, database_url: str | None, *, as_json: bool) -> int:
    """Print the state; returns 0, 1 when something needs a person, 2 when Redis cannot be reached."""
    try:
        with client_for(redis_url) as redis:
            streams = _streams(redis, partitions(redis_url))
    except (RedisError, WrongUrl, OSError) as error:
        errors.print(
            f"[bold red]palpate:[/] cannot reach Redis ({type(error).__name__}): is `palpate up` running here?"
        )
        return UNREACHABLE
    cases = asyncio.run(_cases(database_url)) if database_url else None
    if as_json:
        print(json.dumps({"streams": streams, "cases": cases}, indent=2))
    else:
        _print(streams, cases)
    buried = any(stream["dead"] for stream in streams)
    return STUCK if buried or (cases and cases["undelivered"]) else FINE


def _streams(redis: "Redis", parts: Sequence[int | None]) -> list[dict[str, Any]]:
    readers = {
        partitioned(stream, part): groups
        for stream, groups in READERS.items()
        for part in (parts if stream != CORRECTIONS else (None,))
    }
    before = {stream: _added(redis, stream) for stream in readers}
    started = time.monotonic()
    time.sleep(SAMPLE_S)
    elapsed = time.monotonic() - started
    return [
        {
            "stream": stream,
            "length": redis.xlen(stream),
            "per_second": round(max(0, _added(redis, stream) - before[stream]) / elapsed, 1),
            "dead": redis.xlen(dead(stream)),
            "groups": [_group(redis, stream, group) for group in groups],
        }
        for stream, groups in readers.items()
    ]


def _added(redis: "Redis", stream: str) -> int:
    try:
        info: dict[str, Any] = redis.xinfo_stream(stream)
    except ResponseError:
        return 0
    return int(info.get("entries-added", info["length"]))


def _group(redis: "Redis", stream: str, name: str) -> dict[str, Any]:
    try:
        found = next((g for g in redis.xinfo_groups(stream) if g["name"] == name.encode()), None)
    except ResponseError:
        found = None
    if found is None:
        return {"group": name, "exists": False, "lag": None, "pending": 0, "consumers": 0, "oldest_pending_s": 0}
    oldest: Any = redis.xpending_range(stream, name, "-", "+", 1)
    waited_ms = time.time() * 1000 - int(oldest[0]["message_id"].split(b"-")[0]) if oldest else 0
    return {
        "group": name,
        "exists": True,
        "lag": found.get("lag"),
        "pending": found["pending"],
        "consumers": found["consumers"],
        "oldest_pending_s": round(max(0.0, waited_ms) / 1000, 1),
    }


async def _cases(database_url: str) -> dict[str, Any] | None:
    engine, sessions = open_database(database_url)
    try:
        async with sessions() as session:
            by_status = (await session.execute(select(CaseRow.status, func.count()).group_by(CaseRow.status))).all()
            oldest = await session.scalar(select(func.min(CaseRow.opened_at)).where(CaseRow.status.in_(LIVE)))
            mails = (await session.execute(select(Delivery.status, func.count()).group_by(Delivery.status))).all()
    except DBAPIError:
        return None
    finally:
        await engine.dispose()
    deliveries = {str(status): int(count) for status, count in mails}
    return {
        "by_status": {str(status): int(count) for status, count in by_status},
        "oldest_open": oldest.isoformat() if oldest else None,
        "messages": deliveries,
        "undelivered": deliveries.get("failed", 0) + deliveries.get("unknown", 0),
    }


def _print(streams: list[dict[str, Any]], cases: dict[str, Any] | None) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    for title in COLUMNS:
        table.add_column(title, justify="left" if title in {"stream", "group"} else "right", no_wrap=True)
    for stream in streams:
        group = stream["groups"][0] if stream["groups"] else None
        table.add_row(
            stream["stream"],
            str(stream["length"]),
            f"{stream['per_second']:g}",
            *(_group_cells(group) if group else ("", "", "", "", "")),
            f"[red]{stream['dead']}[/]" if stream["dead"] else "0",
        )
    console.print(table)
    if cases is None:
        console.print("\nNo case database here (--database URL shows cases and messages).")
        return
    live = sum(cases["by_status"].get(status, 0) for status in LIVE)
    since = f", the oldest since {cases['oldest_open'][:16].replace('T', ' ')} UTC" if cases["oldest_open"] else ""
    console.print(f"\nCases: {live} to correct{since}; {_others(cases['by_status'], '')}.")
    console.print(f"Messages: {_others(cases['messages'], '')}.")


def _group_cells(group: dict[str, Any]) -> tuple[str, ...]:
    if not group["exists"]:
        return (group["group"], "[red]no such group yet[/]", "", "", "")
    lag = group["lag"]
    return (
        group["group"],
        "?" if lag is None else str(lag),
        str(group["pending"]),
        f"{group['oldest_pending_s']:g} s" if group["pending"] else "",
        str(group["consumers"]) if group["consumers"] else "[red]0[/]",
    )


def _others(counts: dict[str, int], besides: str) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()) if status != besides) or "none yet"
