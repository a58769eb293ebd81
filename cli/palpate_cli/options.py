"""Options that several commands take, each said once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

RedisUrl = Annotated[
    str | None,
    typer.Option("--redis", help="Redis URL; by default that of a running `palpate up`, or PALPATE_REDIS_URL."),
]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Where the embedded default keeps its data; by default PALPATE_DATA or ./.palpate."),
]


class TextOrJson(StrEnum):
    """How most commands print."""

    TEXT = "text"
    JSON = "json"


Output = Annotated[TextOrJson, typer.Option("--format", help="How to print.")]
