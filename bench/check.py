"""How many correct claims a second `palpate check` judges, next to a bare pydantic parse of the same file.

    .venv/bin/python -m bench.check [--claims N] [--rounds N]

The claims are those of the false-alarm tests: notes, several lines, every payer and date from 2019 to 2026.  Each
round measures all of them in turn, so that whatever else the machine does falls on all of them; medians are compared.
Seconds are of processor time: on a machine with a free core they are those of the clock.

The command runs as an installed one does: its modules are compiled to bytecode before the first round, whatever
`PYTHONDONTWRITEBYTECODE` and `PYTHONUNBUFFERED` say here.  It is measured as a person calls it, and with the findings
of every claim as JSON, 4.6 KB each.
"""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median

from pydantic_core import to_json

from palpate_schemas.claim import Claim
from palpate_schemas.lean import read_claim
from palpate_validator.book import shipped_rule_book
from palpate_validator.engine import judge
from tests.validator.correct_claims import correct_claim

BARE, ENGINE, CHECK, CHECK_JSON = "bare parse", "engine only", "palpate check", "palpate check, JSON"


def main() -> None:
    """Write the file, measure, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--claims", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "claims.jsonl"
        with file.open("wb") as out:
            for seed in range(asked.claims):
                out.write(to_json(correct_claim(Random(seed))) + b"\n")
        size = file.stat().st_size
        print(f"{asked.claims} correct claims, {size / 1e6:.1f} MB, {size // asked.claims} bytes each")
        report(asked.claims, measured(file, asked.rounds))


def measured(file: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of every round, by what was measured."""
    parsed = [read_claim(line) for line in file.read_bytes().splitlines()]
    book = shipped_rule_book()
    gc.freeze()  # as the command does: what stays is not looked through again and again

    def engine() -> None:
        for claim in parsed:
            judge(claim, claim.submitted_on, book)

    palpate_check(file, "text")  # writes the bytecode
    seconds: dict[str, list[float]] = {BARE: [], ENGINE: [], CHECK: [], CHECK_JSON: []}
    for number in range(1, rounds + 1):
        seconds[BARE].append(timed(lambda: bare_parse(file)))
        seconds[ENGINE].append(timed(engine))
        seconds[CHECK].append(timed(lambda: palpate_check(file, "text")))
        seconds[CHECK_JSON].append(timed(lambda: palpate_check(file, "jsonl")))
        print(f"round {number}: " + ", ".join(f"{name} {taken[-1]:.2f} s" for name, taken in seconds.items()))
    return seconds


def bare_parse(file: Path) -> None:
    """What any validator of these claims does first, and nothing else."""
    with file.open("rb") as lines:
        for line in lines:
            Claim.model_validate_json(line)


def palpate_check(file: Path, form: str) -> None:
    """The whole command in one process of its own: start, rule book, reading, judging, writing."""
    command = [sys.executable, "-m", "palpate_cli", "check", str(file), "--format", form]
    env = {name: value for name, value in os.environ.items() if name not in _SLOWS_THE_START}
    with file.with_suffix(".out").open("wb") as out:
        # It fails where one claim does.
        subprocess.run(
            command, stdout=out, check=True, env=env | {"PYTHONPYCACHEPREFIX": str(file.parent / "bytecode")}
        )


_SLOWS_THE_START = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def timed(work: Callable[[], None]) -> float:
    """Seconds of processor time that it takes, here and in the process that it starts."""
    started = os.times()
    work()
    return sum(os.times()[:4]) - sum(started[:4])


def report(claims: int, seconds: dict[str, list[float]]) -> None:
    """Medians, spread and ratios."""
    print(f"\n{'':20}{'claims/s':>10}{'slowest':>10}{'fastest':>10}{'ratio to bare parse':>22}")
    for name, taken in seconds.items():
        ratio = median(bare / each for bare, each in zip(seconds[BARE], taken, strict=True))
        rates = [claims / median(taken), claims / max(taken), claims / min(taken)]
        print(f"{name:20}" + "".join(f"{rate:10.0f}" for rate in rates) + f"{ratio:22.2f}")


if __name__ == "__main__":
    main()
