"""The results as one page: what was measured, where, and which bars were reached."""

import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.asked import Asked, Section
from bench.figures import number, table
from bench.rig import REPOSITORY
from palpate_runtime.embedded import server_binary

PACKAGES = ("pydantic", "redis", "hiredis", "uvloop", "faststream")


def page(sections: Sequence[Section], asked: Asked, command: str, load: float) -> str:
    """The page in Markdown."""
    parts = ["# What `make bench` measured", _where(asked, command, load), "## Bars", _bars(sections)]
    for section in sections:
        parts += [f"## {section.title}", *section.text]
        parts += [f"![{section.title}](plots/{name})" for name in section.plots]
    return "\n\n".join(parts) + "\n"


def write(folder: Path, text: str, sections: Sequence[Section]) -> None:
    """RESULTS.md and its plots."""
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    (folder / "RESULTS.md").write_text(text, "utf-8")
    for section in sections:
        for name, svg in section.plots.items():
            (folder / "plots" / name).write_text(svg, "utf-8")


def _where(asked: Asked, command: str, load: float) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    now, memory = datetime.now(UTC), psutil.virtual_memory().total / 2**30
    return (
        f"- Written by `{command}`, {now:%Y-%m-%d %H:%M} UTC, commit {_commit()}; medians, rounds: {asked.rounds}.\n"
        f"- Machine: {_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}; load before it began: {load:.1f}.\n"
        f"- Python {platform.python_version()}, {packages}; {_server()}.\n\n"
        "Everything that is compared runs in turn within each round; ratios are medians of the rounds' own ratios,\n"
        "since whatever else the machine does meets both. Compare the ratios, not the figures of another machine;\n"
        "where the load was above one before it began, not even latencies."
    )


def _bars(sections: Sequence[Section]) -> str:
    rows = [
        [what, number(reached), f"{'at least' if more else 'under'} {number(wanted)}", "yes" if met else "**no**"]
        for section in sections
        for what, reached, wanted, more in section.bars
        for met in [reached >= wanted if more else reached < wanted]
    ]
    return table(["bar", "reached", "wanted", "met"], rows)


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "services", "schemas", "bench")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _server() -> str:
    done = subprocess.run([server_binary(), "--version"], capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split()[:3])
