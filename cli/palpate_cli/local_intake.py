"""The HTTP intake of `palpate up`: where it listens, and the one source that it begins with."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from palpate_cli.intake import lines_of, made_source
from palpate_intake.http.sources import Book, load_sources

NAME = "local"
_HEADER = "Authorization: Bearer "


@dataclass(frozen=True, slots=True)
class LocalIntake:
    """The intake of one data folder, on loopback."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """What senders on this machine put before `/events`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url_file(self) -> Path:
        """Holds `url` while it runs, so that a script need not read it off the screen."""
        return self.folder / "intake.url"

    @property
    def sources(self) -> Path:
        """Who may send."""
        return Path(os.environ.get("PALPATE_SOURCES", self._own_sources))

    @property
    def _own_sources(self) -> Path:
        return self.folder / "sources.toml"

    @property
    def key_file(self) -> Path:
        """The key of the first source as a header line, which curl reads with `-H @FILE`: it is on no command line."""
        return self.folder / "key.header"

    def begin(self) -> None:
        """See to it that somebody may send: at the first start one source is made, and what is there is kept.

        Raises:
            WrongSources: the sources file has a fault, or is not there although PALPATE_SOURCES names it.
        """
        if self.sources == self._own_sources and not self.sources.exists():
            key, entry = made_source(NAME)
            # The key first: a source whose key nobody has would be kept for good.
            _write_for_us_alone(self.key_file, f"{_HEADER}{key}\n")
            _write_for_us_alone(self.sources, lines_of(entry))
        load_sources(self.sources)

    def has_key(self) -> bool:
        """Whether the key that is kept here still opens the door."""
        return self._holds(load_sources(self.sources))

    def _holds(self, book: Book) -> bool:
        try:
            line = self.key_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return False
        return book.holder_of(line.removeprefix(_HEADER).strip()) is not None


def _write_for_us_alone(path: Path, text: str) -> None:
    """Write it whole or not at all, with mode 0600 from its first moment on."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
