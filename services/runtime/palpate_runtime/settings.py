"""What can be set from the environment (`PALPATE_...`) or from files under `/run/secrets`."""

import os
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")


def is_cluster(url: str) -> bool:
    """Whether a Redis URL names a Redis Cluster."""
    return url.partition("://")[0] in {"redis+cluster", "rediss+cluster"}


def all_partitions(url: str, count: int) -> tuple[int | None, ...]:
    """Every partition; (None,) where the names are plain.  A cluster needs the tag even with one."""
    return tuple(range(count)) if count > 1 or is_cluster(url) else (None,)


class RuntimeSettings(BaseSettings):
    """Settings that every service has."""

    model_config = SettingsConfigDict(
        env_prefix="PALPATE_",
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    redis_url: str = "redis://127.0.0.1:6379/0"
    """Where the streams are; a password belongs into a secret file, not on a command line.  `rediss://` is TLS;
    `redis+cluster://host:port,host:port` a Redis Cluster; `redis+sentinel://host:port,host:port/NAME` a master that
    Sentinels name (`rediss+...` likewise)."""
    partitions: Annotated[int, Field(ge=1, le=256)] = 1
    """Into how many partitions the streams are split; every publisher and every service needs the same number."""
    redis_timeout_s: Annotated[float, Field(gt=0)] = 5.0
    """A Redis that says nothing for this long counts as away: a connection may be dead without being closed."""
    batch_size: Annotated[int, Field(ge=1, le=5000)] = 500
    """The most entries read at once."""
    block_ms: Annotated[int, Field(ge=10, le=4_000)] = 2_000
    """How long a read waits for the next entry; an idle service does nothing in between.  It stays below the five
    seconds after which the client takes a silent connection for a dead one."""
    reclaim_idle_ms: Annotated[int, Field(ge=100)] = 30_000
    """An entry that a consumer has held this long without acknowledging it is taken over by another one."""
    reclaim_every_ms: Annotated[int, Field(ge=50)] = 5_000
    """How often to look for such entries."""
    max_deliveries: Annotated[int, Field(ge=1)] = 5
    """After this many attempts an entry goes to the stream's `.dead`."""
    stop_within_s: Annotated[float, Field(gt=0, le=60)] = 6.0
    """After SIGTERM, how long the batch in hand may take; what is not done by then is handed back, and three seconds
    later the process is gone, whatever it waits for."""
    retain_s: Annotated[int, Field(ge=0)] = 7 * 86_400
    """How long an entry stays after every group has finished it; then its stream is trimmed."""
    trim_every_s: Annotated[float, Field(gt=0)] = 30.0
    """How often to look for what can be trimmed."""
    dedupe_ttl_s: Annotated[int, Field(ge=60)] = 7 * 86_400
    """How long a `(source, id)` is remembered."""
    version_ttl_s: Annotated[int, Field(ge=60)] = 90 * 86_400
    """How long a claim's last judged version is remembered."""
    http_host: str = "127.0.0.1"
    """Where `/livez`, `/readyz` and `/metrics` listen."""
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """0 takes a free port and logs it."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """`auto`: pretty on a terminal, JSON elsewhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    consumer: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    """This process's name in its consumer groups."""

    @property
    def all_partitions(self) -> tuple[int | None, ...]:
        """Every partition; (None,) where the names are plain."""
        return all_partitions(self.redis_url, self.partitions)
