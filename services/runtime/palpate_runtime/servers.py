"""Which Redis a URL names: one server, a cluster, or a master that Sentinels know."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from faststream.redis import RedisBroker, RedisClusterBroker, RedisSentinelBroker
from redis import Redis, RedisCluster, Sentinel
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.cluster import ClusterNode

from palpate_runtime.settings import RuntimeSettings

_PORT, _SENTINEL_PORT = 6379, 26_379


class WrongUrl(ValueError):
    """A Redis URL that cannot be understood; the text says what is missing, without the password."""


@dataclass(frozen=True, slots=True)
class Servers:
    """What a URL says."""

    kind: str
    """`redis`, `cluster` or `sentinel`."""
    nodes: tuple[tuple[str, int], ...]
    tls: bool
    username: str | None
    password: str | None
    master: str = ""
    """Sentinel's name of the master."""
    db: int = 0
    options: Mapping[str, str] | None = None

    @classmethod
    def of(cls, url: str) -> "Servers":
        """Read a URL.

        Raises:
            WrongUrl: it has no hosts, or no master's name.
        """
        scheme, _, kind = urlsplit(url).scheme.partition("+")
        parts = urlsplit(url)
        if scheme not in {"redis", "rediss"} or kind not in {"", "cluster", "sentinel"}:
            raise WrongUrl(f"no such kind of Redis URL: {parts.scheme}://")
        login, _, hosts = parts.netloc.rpartition("@")
        username, _, password = login.partition(":")
        default = _SENTINEL_PORT if kind == "sentinel" else _PORT
        nodes = tuple(_node(host, default) for host in hosts.split(",") if host)
        if not nodes:
            raise WrongUrl(f"{parts.scheme}:// needs a host")
        master, _, db = parts.path.strip("/").partition("/") if kind == "sentinel" else ("", "", parts.path.strip("/"))
        if kind == "sentinel" and not master:
            raise WrongUrl("redis+sentinel://host:port/NAME needs the master's name")
        return cls(
            kind=kind or "redis",
            nodes=nodes,
            tls=scheme == "rediss",
            username=unquote(username) or None,
            password=unquote(password) or None,
            master=master,
            db=int(db or 0),
            options=dict(parse_qsl(parts.query)),
        )

    @property
    def login(self) -> dict[str, Any]:
        """User, password and TLS, as redis-py calls them."""
        found = {"username": self.username, "password": self.password}
        return {key: value for key, value in found.items() if value is not None}


def _node(text: str, default: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if colon and port.isdigit() else (text.strip("[]"), default)


def broker_for(settings: RuntimeSettings) -> RedisBroker:
    """FastStream's broker for what the URL names.

    Raises:
        WrongUrl: the URL cannot be understood.
    """
    servers = Servers.of(settings.redis_url)
    # Our consumer says once what FastStream would say every five seconds, and with the texts of errors.
    unheard = logging.getLogger("palpate.faststream")
    unheard.setLevel(logging.CRITICAL + 1)
    common: dict[str, Any] = {
        "logger": unheard,
        "log_level": logging.DEBUG,
        # FastStream waits this long for the batch in hand when a subscriber stops.
        "graceful_timeout": settings.stop_within_s,
        # A read may lie as long as it blocks; beyond that the connection is dead, whether it says so or not.
        "socket_timeout": settings.block_ms / 1000 + settings.redis_timeout_s,
        "socket_connect_timeout": settings.redis_timeout_s,
        "socket_keepalive": True,
        # Few and quick: the loops above try again for good, and say so.
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
    }
    if servers.kind == "cluster":
        first, *others = servers.nodes
        scheme = "rediss" if servers.tls else "redis"
        url = f"{scheme}://{first[0]}:{first[1]}"
        return RedisClusterBroker(url, startup_nodes=others, **servers.login, **common)
    if servers.kind == "sentinel":
        scheme = "rediss" if servers.tls else "redis"
        return RedisSentinelBroker(
            f"{scheme}://{servers.nodes[0][0]}/{servers.db}",
            sentinels=list(servers.nodes),
            sentinel_master_name=servers.master,
            sentinel_kwargs={"socket_timeout": settings.redis_timeout_s, "ssl": servers.tls},
            **servers.login,
            **common,
        )
    return RedisBroker(settings.redis_url, **common)


def client_for(url: str, *, timeout_s: float = 10.0) -> "Redis":
    """A plain client for the command line.  A cluster's has the same methods for what we ask of it.

    Raises:
        WrongUrl: the URL cannot be understood.
        redis.exceptions.RedisError: a cluster or Sentinel that does not answer.
    """
    servers = Servers.of(url)
    timeouts: dict[str, Any] = {"socket_timeout": timeout_s, "socket_connect_timeout": min(timeout_s, 5.0)}
    if servers.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in servers.nodes]  # type: ignore[no-untyped-call] # redis-py's
        cluster = RedisCluster(startup_nodes=nodes, ssl=servers.tls, **servers.login, **timeouts)
        return cast("Redis", cluster)
    if servers.kind == "sentinel":
        sentinels = Sentinel(  # type: ignore[no-untyped-call] # redis-py's
            list(servers.nodes), sentinel_kwargs={**timeouts, "ssl": servers.tls}
        )
        master = sentinels.master_for(  # type: ignore[no-untyped-call] # redis-py's
            servers.master, db=servers.db, ssl=servers.tls, **servers.login, **timeouts
        )
        return cast("Redis", master)
    return Redis.from_url(url, **timeouts)
