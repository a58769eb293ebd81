"""What can be set for the notifier."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from palpate_runtime.settings import RuntimeSettings


class NotifierSettings(RuntimeSettings):
    """Settings of the notifier, from `PALPATE_...`."""

    database_url: str = "sqlite+aiosqlite:///palpate.db"
    """Where the correction cases are kept, as an async SQLAlchemy URL."""
    directory: Path = Path("directory.toml")
    """Who is who: practices and people, by NPI."""
    routes: Path | None = None
    """Who is told of what; the shipped routes without it."""
    inbox_url: Annotated[str | None, Field(pattern=r"^https?://[^\s]+$")] = None
    """Where people open the inbox.  With it, messages say only how many and by when, and link there; without it, a mail
    names the claims and says what to do, since there is nowhere else to read it."""
    inbox_idle_s: Annotated[float, Field(gt=0)] = 1_800.0
    """Who does nothing in the inbox for this long is signed out."""
    inbox_longest_s: Annotated[float, Field(gt=0)] = 43_200.0
    """Who has been signed in to the inbox for this long signs in anew, however busy they were."""
    group_wait_s: Annotated[float | None, Field(ge=0)] = None
    """What comes within this time is one message a person; by default as the routes say, two minutes."""
    mails_per_hour: Annotated[int, Field(ge=1)] = 12
    """The most messages an hour to one address, reminders and all; the rest waits and becomes one."""
    storm_cases: Annotated[int, Field(ge=2)] = 20
    """So many cases of one rule for one person within an hour are a storm: one message, the rest in the morning."""
    webhook_private_addresses: bool = False
    """Whether webhooks may go to private and loopback addresses."""
    webhook_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    smtp_host: str = "127.0.0.1"
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = 25
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    """How the connection is protected; anything but a server on this machine wants `starttls` or `tls`."""
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout_s: Annotated[float, Field(gt=0)] = 20.0
    mail_from: str = "Palpate <palpate@localhost>"
    mail_domain: str = "palpate.localhost"
    """The right-hand side of every Message-ID."""
    retry_first_s: Annotated[float, Field(gt=0)] = 5.0
    """Wait before the second attempt; it doubles from there."""
    retry_longest_s: Annotated[float, Field(gt=0)] = 3_600.0
    give_up_after_s: Annotated[float, Field(gt=0)] = 3 * 86_400.0
    """A message that no server has taken for this long is given up, and the manager is told."""
    lease_s: Annotated[float, Field(gt=0)] = 120.0
    """How long one sender may hold a message; longer than the slowest SMTP conversation."""
