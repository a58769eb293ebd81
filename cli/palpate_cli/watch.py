"""`palpate watch`: a folder that claim files are put into."""

import signal
from pathlib import Path
from threading import Event
from types import FrameType

from pydantic import TypeAdapter, ValidationError
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from rich.console import Console
from rich.markup import escape

from palpate_cli.where import partitions
from palpate_intake.folder import Folder, WrongFolder
from palpate_intake.folder_watch import Watcher
from palpate_intake.publishing import Publisher
from palpate_runtime.logs import configure
from palpate_runtime.servers import Servers, WrongUrl, client_for
from palpate_schemas.events import Reference

ALL_PUBLISHED, SOME_NOT, CANNOT_START = 0, 1, 2

_TIMEOUT_S = 4.0
"""For one answer of Redis; SIGTERM is obeyed after twice that at the latest."""

errors = Console(stderr=True)


class WrongSource(ValueError):
    """A source that no event may have."""


def watch_folder(path: Path, redis_url: str, *, source: str, any_source: bool, settle_s: float, once: bool) -> int:
    """Publish the claims of every file that is put into a folder.

    Returns:
        0; with `once` 1 where some claims could not be read, a file could not be opened, or it was told to stop before
        the end; 2 where the folder or the URL cannot be used.
    """
    configure("folder")
    try:
        Servers.of(redis_url)
        _check_source(source)
        folder = Folder(path, settle_s)
    except (WrongUrl, WrongSource, WrongFolder) as error:
        errors.print(f"[bold red]palpate:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        return CANNOT_START
    watcher = Watcher(folder, lambda: _publisher(redis_url), source, any_source=any_source)
    _stop_on_signals(watcher.stop)
    if once:
        watcher.run_once()
        return SOME_NOT if watcher.unread or folder.untakable or watcher.stop.is_set() else ALL_PUBLISHED
    watcher.run()
    return ALL_PUBLISHED


def _check_source(source: str) -> None:
    try:
        TypeAdapter(Reference).validate_python(source)
    except ValidationError as error:
        raise WrongSource("--source is who sends, as a URI of 1 to 1024 characters: urn:pms:acme:clinic-7") from error


def _publisher(redis_url: str) -> Publisher:
    """Quick to give up: the watcher tries again for good, and looks between whether it is to stop."""
    client = client_for(redis_url, timeout_s=_TIMEOUT_S)
    client.set_retry(Retry(ExponentialBackoff(cap=0.5, base=0.05), 1))
    return Publisher(client, partitions(redis_url))


def _stop_on_signals(stop: Event) -> None:
    """SIGINT and SIGTERM end it after the batch in hand; what is left of the file is done at the next start."""

    def told(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, told)
