"""What can be set for the notifier."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from palpate_runtime.settings import RuntimeSettings

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def is_safe_address(url: str) -> bool:
    """Whether nobody on the way can read or change what goes there: HTTPS, or this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


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
    oidc_issuer: str | None = None
    """The OpenID provider by which people sign in to the inbox, exactly as its discovery document names itself."""
    oidc_client_id: str | None = None
    """As what the inbox is registered there; `<inbox_url>/sign-in/openid/return` is its redirect URI."""
    oidc_client_secret: SecretStr | None = None
    """Without it the inbox is a public client: PKCE alone."""
    oidc_name: Annotated[str, Field(min_length=1, max_length=60)] = "your work account"
    """What people call it: the button says "Sign in with ..."."""
    oidc_verified_claim: Annotated[str, Field(min_length=1)] = "email_verified"
    """The claim that must be true before the provider's e-mail address counts as theirs."""
    magic_links: bool | None = None
    """Whether people may sign in by a link that is mailed to them; by default only where there is no provider."""
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

    @property
    def mails_links(self) -> bool:
        """Whether the inbox mails links to sign in by."""
        return self.oidc_issuer is None if self.magic_links is None else self.magic_links

    @model_validator(mode="after")
    def _somebody_can_sign_in(self) -> Self:
        if self.oidc_issuer is None:
            if self.inbox_url is not None and not self.mails_links:
                raise ValueError("PALPATE_MAGIC_LINKS is off and there is no PALPATE_OIDC_ISSUER: nobody could sign in")
            return self
        if not is_safe_address(self.oidc_issuer):
            raise ValueError("PALPATE_OIDC_ISSUER must begin with https:// (http:// on this machine alone)")
        for name in ("oidc_client_id", "inbox_url"):
            if getattr(self, name) is None:
                raise ValueError(f"PALPATE_OIDC_ISSUER needs PALPATE_{name.upper()}")
        return self
