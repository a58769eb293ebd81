"""`palpate doctor`: looks at Redis, the streams and the database for what will hurt one day, and says what to do."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rich.console import Console
from sqlalchemy import text

from palpate_notifier.database import AWAY, open_database
from palpate_runtime.retention import look
from palpate_runtime.servers import Servers, WrongUrl, client_for
from palpate_schemas.streams import READERS, WEBHOOKS, dead, partitioned

FINE, TROUBLE, UNREACHABLE = 0, 1, 2
OLDEST = (6, 2)
CLOCK_MAY_DIFFER_S = 5.0
FULL_FROM = 0.8
OLD_PENDING_S = 300

console, errors = Console(), Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    level: str
    """`ok`, `warning` or `error`."""
    what: str
    found: str
    advice: str = ""


def examine(redis_url: str, database_url: str | None, partitions: tuple[int | None, ...], *, as_json: bool) -> int:
    """Print what was found; returns 0, 1 when something is wrong, 2 when Redis cannot be reached."""
    try:
        with client_for(redis_url) as redis:
            checks = list(_redis(redis, redis_url, partitions))
    except (RedisError, WrongUrl, OSError) as error:
        errors.print(f"[bold red]palpate:[/] cannot reach Redis ({type(error).__name__})")
        return UNREACHABLE
    if database_url is not None:
        checks.append(asyncio.run(_database(database_url)))
    if as_json:
        print(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        _print(checks)
    return TROUBLE if any(check.level == "error" for check in checks) else FINE


def _redis(redis: "Redis", url: str, partitions: Sequence[int | None]) -> Iterator[Check]:
    servers = Servers.of(url)
    if servers.kind == "cluster":
        yield _cluster(redis)
    for name, master in _masters(redis, servers).items():
        for check in _master(master, servers):
            yield replace(check, what=f"{name} {check.what}".strip())
    for stream, groups in READERS.items():
        for partition in partitions:
            name = partitioned(stream, partition)
            for group in groups:
                yield from _group(redis, name, group)
            yield from _left_behind(redis, name, groups)
            yield from _buried(redis, name)
    for partition in partitions:
        name = partitioned(WEBHOOKS, partition)
        yield from _left_behind(redis, name, ())
        yield from _buried(redis, name)


def _buried(redis: "Redis", stream: str) -> Iterator[Check]:
    buried = int(redis.xlen(dead(stream)))
    if buried:
        yield Check("error", dead(stream), f"{buried} entries were given up", "palpate dlq list")


def _masters(redis: "Redis", servers: Servers) -> "dict[str, Redis]":
    """Whoever keeps claims, by name where there are several: each has its own settings."""
    if servers.kind != "cluster":
        return {"": redis}
    primaries: Any = redis.get_primaries()  # type: ignore[attr-defined] # a cluster client has it
    return {
        f"{each.host}:{each.port}": redis.get_redis_connection(each)  # type: ignore[attr-defined]
        for each in sorted(primaries, key=lambda each: (each.host, each.port))
    }


def _master(redis: "Redis", servers: Servers) -> Iterator[Check]:
    info: dict[str, Any] = redis.info()
    yield _version(info)
    config = _config(redis)
    if config is None:
        yield Check("warning", "settings", "this user may not read them", "grant +config|get to see the rest")
    else:
        yield from _memory(info, config)
        yield from _durability(info, config)
    yield _clock(redis)
    yield from _acl(redis)
    yield from _replicas(info, servers)


def _cluster(redis: "Redis") -> Check:
    info: Any = redis.cluster_info()  # type: ignore[attr-defined] # a cluster client has it
    state = info.get("cluster_state")
    if state == "ok":
        return Check("ok", "cluster", f"{info.get('cluster_size')} masters, all slots served")
    return Check("error", "cluster", f"state {state}", "redis-cli --cluster check HOST:PORT")


def _version(info: dict[str, Any]) -> Check:
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version") or info["redis_version"])
    numbers = tuple(int(part) for part in version.split(".")[:2])
    if numbers < OLDEST:
        return Check("error", "version", f"{name} {version}", "Palpate needs XAUTOCLAIM: Redis 6.2 or newer")
    if numbers < (7, 0):
        advice = "before 7.0 nothing counts the entries of a stream: what vanishes unread cannot be detected"
        return Check("warning", "version", f"{name} {version}", advice)
    return Check("ok", "version", f"{name} {version}")


def _config(redis: "Redis") -> dict[str, str] | None:
    try:
        found: Any = redis.config_get("*")
    except ResponseError:
        return None
    return {str(key): str(value) for key, value in found.items()}


def _memory(info: dict[str, Any], config: dict[str, str]) -> Iterator[Check]:
    policy, most = config.get("maxmemory-policy", "?"), int(config.get("maxmemory", 0) or 0)
    if policy != "noeviction":
        advice = "CONFIG SET maxmemory-policy noeviction: a full Redis then refuses new claims, which the PMS sees, "
        yield Check("error", "maxmemory-policy", policy, advice + "instead of dropping old keys, which nobody sees")
    else:
        yield Check("ok", "maxmemory-policy", policy)
    used = int(info["used_memory"])
    if not most:
        advice = "set it below what the machine has, or the kernel ends Redis when memory is out"
        yield Check("warning", "maxmemory", "no limit", advice)
    elif used > FULL_FROM * most:
        advice = "give it more memory, shorten PALPATE_RETAIN_S, or find out what is not being read (palpate status)"
        yield Check("error", "memory", f"{used / most:.0%} of maxmemory", advice)
    else:
        yield Check("ok", "memory", f"{used / most:.0%} of maxmemory")


def _durability(info: dict[str, Any], config: dict[str, str]) -> Iterator[Check]:
    if config.get("appendonly") != "yes":
        advice = "CONFIG SET appendonly yes: without it a crash loses everything since the last snapshot"
        yield Check("error", "append-only file", "off", advice)
        return
    sync = config.get("appendfsync", "?")
    loses = {
        "always": "a power cut loses nothing that was confirmed",
        "everysec": "a power cut loses up to two seconds; a kill of Redis alone loses nothing",
        "no": "a power cut loses what the kernel has not written, often 30 s",
    }.get(sync, "")
    level = "warning" if sync == "no" else "ok"
    yield Check(level, "append-only file", f"appendfsync {sync}", loses)
    if info.get("aof_last_write_status", "ok") != "ok":
        yield Check("error", "append-only file", "the last write failed", "is the disk full?")
    if info.get("aof_last_bgrewrite_status", "ok") != "ok":
        yield Check("warning", "append-only file", "the last rewrite failed", "is the disk nearly full?")


def _clock(redis: "Redis") -> Check:
    before = time.time()
    seconds, micros = redis.time()
    away = abs((before + time.time()) / 2 - (seconds + micros / 1e6))
    if away > CLOCK_MAY_DIFFER_S:
        return Check("warning", "clock", f"Redis differs by {away:.1f} s", "run NTP on both: retention goes by time")
    return Check("ok", "clock", f"Redis differs by {away:.1f} s")


def _acl(redis: "Redis") -> Iterator[Check]:
    try:
        user: Any = redis.acl_whoami()
        rules: Any = redis.acl_getuser(user)
    except (ResponseError, RedisError):
        yield Check("ok", "user", "may not see its own rights: it is limited")
        return
    name = user.decode() if isinstance(user, bytes) else str(user)
    if name == "default" and "nopass" in rules.get("flags", ()):
        advice = "fine on loopback; elsewhere a user for each service (docs/runbooks/redis-users.md), and a password"
        yield Check("warning", "user", "default, without a password", advice)
    elif "+@all" in str(rules.get("commands", "")) or "+@all" in str(rules.get("categories", "")):
        yield Check(
            "warning", "user", f"{name} may do everything", "docs/runbooks/redis-users.md has the least it needs"
        )
    else:
        yield Check("ok", "user", f"{name}, limited")


def _replicas(info: dict[str, Any], servers: Servers) -> Iterator[Check]:
    if info.get("role") not in {"master", None}:
        yield Check("error", "role", str(info["role"]), "services have to write: connect to the master")
    replicas = int(info.get("connected_slaves", 0))
    if servers.kind != "redis" and not replicas:
        yield Check("warning", "replicas", "none at this master", "a failover would have nothing to go to")


def _group(redis: "Redis", stream: str, group: str) -> Iterator[Check]:
    what = f"{stream}, group {group}"
    books = look(redis, stream, group)
    if books is None:
        yield Check("warning", what, "no such group yet", "it is made when the service first starts")
        return
    if books.vanished:
        advice = "a producer trims the stream, or somebody acknowledged by hand: palpate reconcile"
        yield Check("error", what, f"{books.vanished} entries vanished unread", advice)
    oldest: Any = redis.xpending_range(stream, group, "-", "+", 1)
    age = time.time() - int(oldest[0]["message_id"].split(b"-")[0]) / 1000 if oldest else 0
    if age > OLD_PENDING_S:
        yield Check(
            "warning", what, f"an entry has been in hand for {age:.0f} s", "palpate status; is a service stuck?"
        )
    if not books.vanished and age <= OLD_PENDING_S:
        waits = "more than 500" if books.waiting is None else books.waiting
        yield Check("ok", what, f"{waits} waiting, {books.pending} in hand, none vanished")


def _left_behind(redis: "Redis", stream: str, ours: Sequence[str]) -> Iterator[Check]:
    """Groups that hold the stream and that nobody reads with: of the HTTP intake, or of somebody else's."""
    if not redis.xlen(stream):
        return
    groups: Any = redis.xinfo_groups(stream)
    for group in groups:
        name = group["name"].decode()
        if name not in ours and group["consumers"] == 0:
            advice = f"nothing that it has not finished is trimmed: XGROUP DESTROY {stream} {name} if nobody needs it"
            yield Check("warning", f"{stream}, group {name}", "no consumer", advice)


async def _database(url: str) -> Check:
    engine, sessions = open_database(url)
    name = engine.dialect.name
    try:
        async with sessions() as session:
            revision = await session.scalar(text("select version_num from alembic_version"))
    except AWAY as error:
        return Check("error", "case database", type(error).__name__, "is it there, and has the notifier started once?")
    finally:
        await engine.dispose()
    advice = "one notifier only; PostgreSQL for more" if name == "sqlite" else ""
    return Check("ok", "case database", f"{name}, revision {revision}", advice)


_MARKS = {"ok": "[green]ok[/]     ", "warning": "[yellow]warning[/]", "error": "[red]error[/]  "}


def _print(checks: Sequence[Check], show: Callable[..., None] = console.print) -> None:
    for check in checks:
        show(f"{_MARKS[check.level]} {check.what}: {check.found}", highlight=False, soft_wrap=True)
        if check.advice:
            show(f"          [dim]{check.advice}[/]", highlight=False, soft_wrap=True)
    count = {level: sum(check.level == level for check in checks) for level in _MARKS}
    show(f"\n{count['error']} errors, {count['warning']} warnings, {count['ok']} fine.", highlight=False)
