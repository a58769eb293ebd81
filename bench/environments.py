"""Virtual environments for what Palpate is compared with, made once from the pins beside this file.

They are never in the project's own lock: arq wants an older redis-py than Palpate, so it has an environment of its own.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HOME = HERE / ".environments"


class NotInstalled(RuntimeError):
    """An environment could not be made."""


def python_of(group: str) -> Path:
    """The interpreter of a group, `requirements.txt` or `requirements-<group>.txt`; made when it is not there.

    Raises:
        NotInstalled: an installation failed; what it said is on the screen.
    """
    pins = HERE / (f"requirements-{group}.txt" if group else "requirements.txt")
    digest = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
    folder = HOME / (group or "queues")
    python, made = folder / "bin" / "python", folder / ".made"
    if not made.exists() or made.read_text("utf-8") != digest:
        print(f"Setting up {folder.relative_to(HERE.parent)} (once) ...", flush=True)
        try:
            _uv("venv", "--clear", "-p", sys.executable, str(folder))
            _uv("pip", "install", "-p", str(python), "--require-hashes", "-r", str(pins))
            _uv("pip", "install", "-p", str(python), "--no-deps", "-e", str(HERE.parent))
        except subprocess.CalledProcessError as error:
            raise NotInstalled(f"{pins.name} could not be installed: is the package index reachable?") from error
        made.write_text(digest, "utf-8")
    return python


def version_of(python: Path, package: str) -> str:
    """The version of a package in an environment."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def _uv(*arguments: str) -> None:
    # A PYTHONPATH of ours would hide what is missing there.
    env = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    subprocess.run([sys.executable, "-m", "uv", *arguments, "-q"], check=True, env=env)
