"""A file that is there whole or not at all."""

import os
import tempfile
from pathlib import Path

_BEGINS = b"<!doctype html>"


def why_not_written(page: Path) -> str | None:
    """Why no report can be written to a path, or None; asked before anything is judged."""
    if page.is_dir():
        return f"{page} is a folder: name a file for the report, e.g. {page / 'report.html'}"
    if page.exists() and not page.is_file():
        return f"{page} is no file that could be replaced: name a file for the report"
    if page.exists() and not _is_page(page):
        return f"{page} is there and is no report; so that nothing is lost, name another file"
    if not page.parent.is_dir():
        return f"the folder of the report is not there: {page.parent}"
    return None


def _is_page(path: Path) -> bool:
    """Whether a file may be replaced: an earlier report, or nothing yet.  A claim file named by mistake is neither."""
    try:
        with path.open("rb") as file:
            return file.read(len(_BEGINS)) in {_BEGINS, b""}
    except OSError:
        return False


def write_whole(path: Path, text: str) -> None:
    """Write it whole or not at all: a reader never finds half a page.

    Raises:
        OSError: it cannot be written there.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # A temporary file is its owner's alone; a page is as readable as any file that its owner makes.
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The process' mask.  The system tells it only by changing it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
