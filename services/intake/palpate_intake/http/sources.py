"""Who may send claims over HTTP: a TOML file of sources, read again a second after it changes.

[[source]]
name = "acme"
source = "urn:pms:acme:clinic-7"
keys = ["sha256:..."]
practices = ["1497758544"]
webhook = { url = "https://pms.acme.example/palpate", secret_file = "acme.secret" }
"""

import hmac
import os
import time
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import httpx
import structlog
from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from palpate_intake.http.keys import HashedKey, hashed
from palpate_runtime.webhooks import plain_url
from palpate_schemas.events import Reference
from palpate_schemas.values import Wire

log = structlog.stdlib.get_logger()

SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


SETTLE_S = 1.0
"""A change of the file counts when nobody has written to it for so long."""


class WrongSources(ValueError):
    """A sources file that is not accepted; the text names file and entry, and never a key."""


class _Entry(Wire, extra="forbid"):
    """A part of the file.  A misspelt key is a mistake, not something to pass over."""


def _plain(url: str) -> str:
    """A webhook's URL, unless it is none that could ever be called."""
    try:
        plain_url(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"not a URL: {error}") from error
    return url


class Webhook(_Entry):
    """Where a source is told of its verdicts (Standard Webhooks)."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=1024), AfterValidator(_plain)]
    secret_file: Path
    """Holds `whsec_` and the secret in base64."""

    def secret(self) -> str:
        """The secret, as it is now.

        Raises:
            OSError: the file is not there.
        """
        return self.secret_file.read_text("utf-8").strip()


class Source(_Entry):
    """One sender."""

    name: SourceName
    source: Reference
    """The `source` of its CloudEvents; it may send no other's."""
    keys: tuple[HashedKey, ...] = Field(min_length=1)
    """Two while a key is being replaced."""
    practices: tuple[str, ...] | None = None
    """The billing NPIs that it may send for; every practice without it."""
    webhook: Webhook | None = None

    def may_send_for(self, practice: str) -> bool:
        """Whether claims of this billing NPI are its to send."""
        return self.practices is None or practice in self.practices


class Book(_Entry):
    """All of them."""

    source: tuple[Source, ...] = ()

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        keys = [key for each in self.source for key in each.keys]
        for what, values in (
            ("name", [each.name for each in self.source]),
            ("source", [each.source for each in self.source]),
        ):
            if twice := [value for value, count in Counter(values).items() if count > 1]:
                raise ValueError(f"the {what} {twice[0]!r} is there twice")
        if len(set(keys)) < len(keys):
            raise ValueError("one key is there twice; each source has keys of its own")
        return self

    def holder_of(self, key: str) -> Source | None:
        """Whose key this is.  Every key is compared, in constant time, whichever it is."""
        given, holder = hashed(key).encode(), None
        for source in self.source:
            for kept in source.keys:
                if hmac.compare_digest(given, kept.encode()):
                    holder = source
        return holder

    def by_uri(self, uri: str) -> Source | None:
        """The source of a CloudEvents `source`."""
        return next((each for each in self.source if each.source == uri), None)


def load_sources(path: Path) -> Book:
    """Read the file.

    Raises:
        WrongSources: it is not there, or has a fault.
    """
    try:
        text = path.read_text("utf-8")
        book = Book.model_validate(tomllib.loads(text))
    except OSError as error:
        raise WrongSources(
            f"{path}: cannot be read ({type(error).__name__}); `palpate intake key NAME` prints lines to begin it with"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSources(f"{path}: {error}") from error
    except ValidationError as error:
        raise WrongSources(f"{path}: {_first_fault(error)}") from error
    return _with_absolute_secrets(book, path.parent)


def _first_fault(error: ValidationError) -> str:
    """Which entry and what; the value is not repeated, since it may be a key that was pasted in the wrong place."""
    fault = error.errors(include_url=False, include_input=False)[0]
    where = fault["loc"]
    message = fault["msg"].removeprefix("Value error, ")
    if len(where) < 2:
        return f"{'.'.join(map(str, where)) + ': ' if where else ''}{message}"
    entry = f"source number {int(where[1]) + 1}"
    key = ".".join(str(part) for part in where[2:])
    return f"{entry}{', ' + key if key else ''}: {message}"


def _with_absolute_secrets(book: Book, folder: Path) -> Book:
    """A secret's file is looked for beside the file that names it."""
    return Book(
        source=tuple(
            each
            if each.webhook is None
            else each.model_copy(
                update={"webhook": each.webhook.model_copy(update={"secret_file": folder / each.webhook.secret_file})}
            )
            for each in book.source
        )
    )


def _not_emptied(book: Book, before: Book, path: Path) -> Book:
    """The same, unless there were sources before and are none now.

    Raises:
        WrongSources: then.
    """
    if before.source and not book.source:
        raise WrongSources(f"{path}: names no source any more; to let nobody in, stop the service")
    return book


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What changes when a file does."""

    modified_ns: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> "_Stamp | None":
        try:
            found = os.stat(path)  # noqa: PTH116 - asked for every request
        except OSError:
            return None
        return cls(found.st_mtime_ns, found.st_size, found.st_ino)


class Sources:
    """The file as it is now.  While it has a fault, what it said before stands, and the log says so.

    An editor that writes in place leaves the file empty or half written for a moment, and half a file can be a valid
    one with fewer sources: their keys would be refused, and their verdicts would pass their webhooks by for good.  So
    a change counts once the file has rested.  Whoever writes beside it and renames has the same second to wait.
    """

    def __init__(self, path: Path, *, settle_s: float = SETTLE_S) -> None:
        """Read it.

        Raises:
            WrongSources: it cannot be read, or has a fault.
        """
        self._path, self._settle_s = path, settle_s
        self._stamp = self._seen = _Stamp.of(path)
        self._seen_at = time.monotonic()
        self._book = load_sources(path)

    def now(self) -> Book:
        """The book in force."""
        stamp = _Stamp.of(self._path)
        if stamp != self._stamp and self._has_settled(stamp):
            self._read(stamp)
        return self._book

    def _has_settled(self, stamp: _Stamp | None) -> bool:
        """Whether the file has not changed for long enough, by its own date or because we saw it so.

        By its own date, since nobody may have asked for hours: the first who uses a key that was taken out is refused.
        By what we saw, since a file server's clock may be ahead of ours.
        """
        if stamp is None:
            return True
        if stamp != self._seen:
            self._seen, self._seen_at = stamp, time.monotonic()
        rested = time.time() - stamp.modified_ns / 1e9
        return rested >= self._settle_s or time.monotonic() - self._seen_at >= self._settle_s

    def _read(self, stamp: _Stamp | None) -> None:
        try:
            book = _not_emptied(load_sources(self._path), self._book, self._path)
        except WrongSources as error:
            self._stamp = stamp
            log.error("sources_not_read", path=str(self._path), reason=str(error))
            return
        if _Stamp.of(self._path) == stamp:
            self._stamp, self._book = stamp, book
            log.info("sources_read", count=len(book.source))
