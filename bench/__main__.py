"""`make bench`: everything side by side, in turn, in one run; medians, spread and ratios.

python -m bench [PART ...] [--rounds N] [--claims N] [--seconds S] [--backlog N] [--to FOLDER]

All of it takes some a quarter of an hour.  Servers are the bench's own, on loopback, and end with it.
"""

import argparse
import importlib
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bench.asked import Asked, Section
from bench.results import page, write

PARTS = ("engine", "check", "service", "growing", "latency", "durability", "notifier", "backlog")
HERE = Path(__file__).parent


def main() -> None:
    """Measure what is asked for, and write it down."""
    usual = Asked()
    options = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    options.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all of them by default")
    options.add_argument("--rounds", type=int, default=usual.rounds)
    options.add_argument("--claims", type=int, default=usual.claims, help="a backlog for the validator")
    options.add_argument("--seconds", type=float, default=usual.seconds, help="how long each rate runs")
    options.add_argument("--backlog", type=int, default=usual.backlog, help="how many wait while memory is looked at")
    options.add_argument("--to", type=Path, help="where RESULTS.md goes; bench/ when everything is measured")
    given = options.parse_args()
    if unknown := sorted(set(given.parts) - set(PARTS)):
        options.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if given.claims < 1_500 or given.rounds < 1 or given.backlog < 1_000:
        options.error("too little to measure: at least 1 round, 1,500 claims and a backlog of 1,000")
    signal.signal(signal.SIGTERM, _interrupted)
    asked = Asked(given.rounds, given.claims, given.seconds, given.backlog)
    load = os.getloadavg()[0]
    sections = [_measured(part, asked) for part in given.parts or PARTS]
    failed = [section.title for section in sections if section.failed]
    text = page(sections, asked, shlex.join(["python", "-m", "bench", *sys.argv[1:]]), load)
    print("\n" + text)
    if folder := given.to or (None if given.parts else HERE):
        write(folder, text, sections)
        print(f"Written to {folder / 'RESULTS.md'}")
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}")


def _measured(part: str, asked: Asked) -> Section:
    print(f"{part} ...", flush=True)
    began = time.monotonic()
    try:
        section: Section = importlib.import_module(f"bench.parts.{part}").run(asked)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        # A quarter of an hour of the other parts is not thrown away for one of them.
        print(f"  not measured: {error}", flush=True)
        section = Section(part, [f"Not measured: {str(error).splitlines()[0]}"], failed=True)
    print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    return section


def _interrupted(_number: int, _frame: FrameType | None) -> NoReturn:
    # Every server and worker is ended on the way out, as after Ctrl-C.
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
