"""What can be set from the environment (`PALPATE_...`) or from files under `/run/secrets`."""

import os
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")


class RuntimeSettings(BaseSettings):
    """Settings that every service has."""

    model_config = SettingsConfigDict(
        env_prefix="PALPATE_",
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    redis_url: str = "redis://127.0.0.1:6379/0"
    """Where the streams are; a password belongs into a secret file, not on a command line."""
    batch_size: Annotated[int, Field(ge=1, le=5000)] = 500
    """The most entries read at once."""
    block_ms: Annotated[int, Field(ge=10, le=60_000)] = 2_000
    """How long a read waits for the next entry; an idle service does nothing in between."""
    reclaim_idle_ms: Annotated[int, Field(ge=100)] = 30_000
    """An entry that a consumer has held this long without acknowledging it is taken over by another one."""
    reclaim_every_ms: Annotated[int, Field(ge=50)] = 5_000
    """How often to look for such entries."""
    max_deliveries: Annotated[int, Field(ge=1)] = 5
    """After this many attempts an entry goes to the stream's `.dead`."""
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
