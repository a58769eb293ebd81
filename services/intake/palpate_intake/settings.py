"""What can be set for the HTTP intake."""

from pathlib import Path
from typing import Annotated

from limits import RateLimitItem, parse
from pydantic import Field, field_validator

from palpate_runtime.settings import RuntimeSettings


class IntakeSettings(RuntimeSettings):
    """Settings of the HTTP intake, from `PALPATE_...`."""

    sources: Path = Path("sources.toml")
    """Who may send: each source with its keys and its webhook.  Read again when it changes."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024 * 1024
    """The most that an 837P may have; a claim in it has about a kilobyte, and is read while it arrives."""
    max_json_bytes: Annotated[int, Field(ge=1024)] = 16 * 1024 * 1024
    """The most that JSON may have: a Bundle is read as a whole, and needs some eight times its size meanwhile."""
    max_claims: Annotated[int, Field(ge=1)] = 20_000
    """The most claims of one request, since the answer names each of them."""
    body_pause_s: Annotated[float, Field(gt=0)] = 30.0
    """A sender that sends nothing for this long in the middle of a body is given up."""
    body_grace_s: Annotated[float, Field(gt=0)] = 30.0
    """How long a body may take in all, besides a second for each 64 KiB: many small pauses are a long one."""
    turn_wait_s: Annotated[float, Field(gt=0)] = 45.0
    """How long a body waits for a reader; longer than `body_grace_s`, so that a slow sender's turn ends first."""
    readers: Annotated[int, Field(ge=1, le=256)] = 8
    """How many bodies are read at once; more wait their turn."""
    rate: str = "600/minute"
    """How many requests each source may make, as the library `limits` writes it.  Each process counts for itself."""
    webhook_private_addresses: bool = False
    """Whether webhooks may go to private and loopback addresses."""
    webhook_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    retry_first_s: Annotated[float, Field(gt=0)] = 5.0
    """Wait before the second attempt at a webhook; it doubles from there."""
    retry_longest_s: Annotated[float, Field(gt=0)] = 3_600.0
    give_up_after_s: Annotated[float, Field(gt=0)] = 3 * 86_400.0
    """An event that no webhook has taken for this long goes to `webhooks.dead`."""

    @field_validator("rate")
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        try:
            parse(value)
        except ValueError as error:
            raise ValueError("write a rate like 600/minute or 10/second") from error
        return value

    @property
    def rate_limit(self) -> RateLimitItem:
        """The rate, understood."""
        return parse(self.rate)
