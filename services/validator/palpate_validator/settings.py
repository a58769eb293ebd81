"""What can be set for the validator."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from palpate_runtime.settings import RuntimeSettings


class ValidatorSettings(RuntimeSettings):
    """Settings of the validator, from `PALPATE_...`."""

    profiles: Annotated[tuple[Path, ...], NoDecode] = Field(default=())
    """Folders with payer profiles of the site's own, laid over the shipped ones; written like PATH, `a:b`."""

    tables: Path = Field(default_factory=lambda: Path(os.environ.get("PALPATE_DATA", ".palpate")) / "tables")
    """The store that `palpate tables import` writes; where it is not there, the shipped tables alone decide."""

    @field_validator("profiles", mode="before")
    @classmethod
    def _folders(cls, value: object) -> object:
        return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value
