"""What can be set for the validator."""

from pathlib import Path

from pydantic import Field

from palpate_runtime.settings import RuntimeSettings


class ValidatorSettings(RuntimeSettings):
    """Settings of the validator, from `PALPATE_...`."""

    profiles: tuple[Path, ...] = Field(default=())
    """Folders with payer profiles of the site's own (JSON list), laid over the shipped ones."""
