"""Where things are: the data folder of the embedded default, and the URLs that follow from it."""

import json
import os
from pathlib import Path


def data_folder(given: Path | None) -> Path:
    """The embedded default's folder: as given, PALPATE_DATA, or `.palpate` here."""
    return (given or Path(os.environ.get("PALPATE_DATA", ".palpate"))).absolute()


def redis_url(given: str | None, data: Path | None) -> str:
    """Redis: as given, PALPATE_REDIS_URL, that of a running `palpate up`, or the usual port."""
    if url := given or os.environ.get("PALPATE_REDIS_URL"):
        return url
    running = data_folder(data) / "up.json"
    if running.exists():
        url = json.loads(running.read_text("utf-8"))["redis_url"]
        assert isinstance(url, str)  # noqa: S101 - written by us
        return url
    return "redis://127.0.0.1:6379/0"


def database_url(given: str | None, data: Path | None) -> str | None:
    """The notifier's database: as given, PALPATE_DATABASE_URL, or the embedded default's; None where there is none."""
    if url := given or os.environ.get("PALPATE_DATABASE_URL"):
        return url
    file = data_folder(data) / "cases.db"
    return f"sqlite+aiosqlite:///{file}" if file.exists() else None


def directory_file(given: Path | None, data: Path | None) -> Path:
    """Who is who: as given, PALPATE_DIRECTORY, or the embedded default's."""
    if given is not None:
        return given
    if set_ := os.environ.get("PALPATE_DIRECTORY"):
        return Path(set_)
    return data_folder(data) / "directory.toml"


def table_store(given: Path | None, data: Path | None = None) -> Path:
    """CMS's imported tables: as given, PALPATE_TABLES, or `tables` in the embedded default's folder."""
    if given is not None:
        return given
    if set_ := os.environ.get("PALPATE_TABLES"):
        return Path(set_)
    return data_folder(data) / "tables"


def routes_file(given: Path | None) -> Path | None:
    """The routing file: as given, PALPATE_ROUTES, or None for the shipped one."""
    if given is not None:
        return given
    return Path(set_) if (set_ := os.environ.get("PALPATE_ROUTES")) else None


def partitions(url: str) -> tuple[int | None, ...]:
    """The partitions of the streams, as PALPATE_PARTITIONS says; (None,) where the names are plain."""
    from palpate_runtime.settings import all_partitions  # a tenth of a second, which commands on files need not wait

    return all_partitions(url, int(os.environ.get("PALPATE_PARTITIONS", "1")))
