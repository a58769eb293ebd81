"""How many claims a second the 837P reader reads, and in how much memory, beside pyx12 and x12sdk, in one run.

    .venv/bin/python -m bench.read837 [--claims N] [--others N] [--rounds N]

Every reader runs as a process of its own on the same kind of file and says of each claim how many lines it has and what
they cost: they have to agree.  Rounds are interleaved, so that whatever else the machine does falls on all of them.
Seconds are of processor time; each process has read a small file before, so that no start counts.  The others read
fewer claims unless told otherwise: they would take minutes, and their speed does not depend on it.

The others live in an environment of their own, `.venv-bench`, made from `bench/requirements-read837.txt`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from palpate_schemas.claim import Claim
from tests.intake.written_837p import NO_DATE, Sent, carried, write_837p
from tests.validator.correct_claims import correct_claim

REPOSITORY = Path(__file__).parents[1]
ENVIRONMENT = REPOSITORY / ".venv-bench"
REQUIREMENTS = REPOSITORY / "bench" / "requirements-read837.txt"

OURS, PYX12, X12SDK = "palpate", "pyx12", "x12sdk"
MODULES = {OURS: "bench.readers.palpate", PYX12: "bench.readers.by_pyx12", X12SDK: "bench.readers.by_x12sdk"}

LINES = 3
IN_A_TRANSACTION = 500
"""The guide recommends at most 5,000; x12sdk keeps a whole transaction in memory."""


@dataclass(frozen=True)
class Taken:
    """What one reader took in one round."""

    claims_per_s: float
    peak_mb: float


def main() -> None:
    """Write the files, measure, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--claims", type=int, default=100_000, help="claims that Palpate reads")
    options.add_argument("--others", type=int, default=5_000, help="claims that the other readers read")
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    make_environment()
    if asked.claims % IN_A_TRANSACTION or asked.others % IN_A_TRANSACTION:
        options.error(f"claims come in transactions of {IN_A_TRANSACTION}: give a multiple of that")
    with tempfile.TemporaryDirectory() as folder:
        counts = {OURS: asked.claims, PYX12: asked.others, X12SDK: asked.others}
        files = {number: write_file(Path(folder), number) for number in {1, *counts.values()}}
        report(counts, measured(files, counts, asked.rounds))


def make_environment() -> None:
    """The other readers' own environment, once."""
    ready = ENVIRONMENT / "ready"
    wanted = REQUIREMENTS.read_bytes()
    if ready.exists() and ready.read_bytes() == wanted:
        return
    print(f"Setting up {ENVIRONMENT.name} (once) ...")
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    (ENVIRONMENT / ".gitignore").write_text("*\n")
    install = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*install, "--require-hashes", "-r", REQUIREMENTS], check=True)
    ready.write_bytes(wanted)


def write_file(folder: Path, claims: int) -> Path:
    """An 837P of so many claims with three lines each, no two with the same number."""
    in_each = min(claims, IN_A_TRANSACTION)
    transaction = [Sent(claim, f"M{number}") for number, claim in enumerate(islice(_claims(), in_each))]
    head, _, rest = write_837p(transaction).partition("ST*837*0001")
    body, _, _ = rest.partition("GE*")
    transactions = claims // in_each
    path = folder / f"{claims}.837"
    with path.open("w") as file:
        file.write(head)
        for number in range(1, transactions + 1):
            control = f"{number:04}"
            text = body.replace("*0001~", f"*{control}~").replace("CLM*C", f"CLM*{control}-")
            file.write(f"ST*837*{control}{text}")
        file.write(f"GE*{transactions}*1~\nIEA*1*000000001~\n")
    print(f"{claims} claims of {LINES} lines each: {path.stat().st_size / 1e6:.2f} MB")
    return path


def _claims() -> Iterator[Claim]:
    numbers = count()
    for seed in count():
        made = correct_claim(Random(seed))
        if len(made["lines"]) == LINES:
            named = {"claim_id": f"C{next(numbers):05}", "submitted_on": str(NO_DATE)}
            yield carried(Claim.model_validate(made | named))


def measured(files: Mapping[int, Path], counts: Mapping[str, int], rounds: int) -> dict[str, list[Taken]]:
    """What each reader took in each round."""
    check_agreement(files[1], files[counts[PYX12]])
    taken: dict[str, list[Taken]] = {name: [] for name in counts}
    for number in range(1, rounds + 1):
        for name, claims in counts.items():
            result = run(name, files[1], files[claims])
            taken[name].append(Taken(claims / result["seconds"], result["peak"] / _KB_IN_MB))
        print(f"round {number}: " + ", ".join(f"{name} {each[-1].claims_per_s:,.0f}/s" for name, each in taken.items()))
    return taken


def check_agreement(warm_up: Path, file: Path) -> None:
    """Each reader has read every claim and every line.

    Raises:
        SystemExit: two readers say otherwise of the same file: one of them is fast by leaving something out.
    """
    said = {name: run(name, warm_up, file)["read"] for name in MODULES}
    if len({str(answer) for answer in said.values()}) > 1:
        sys.exit(f"The readers disagree about the same file (claims, lines, charges): {said}")


_KB_IN_MB = 1_000_000 if sys.platform == "darwin" else 1_000


def run(name: str, warm_up: Path, file: Path) -> dict[str, Any]:
    """One reader on one file, as a process of its own."""
    python = sys.executable if name == OURS else ENVIRONMENT / "bin" / "python"
    command = [python, "-W", "ignore", "-m", MODULES[name], warm_up, file]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=REPOSITORY, check=True)
    return json.loads(done.stdout)


def report(counts: Mapping[str, int], taken: Mapping[str, Sequence[Taken]]) -> None:
    """Medians, spread and ratios."""
    columns = ("claims", "claims/s", "slowest", "fastest", "peak MB", "Palpate is faster by")
    print(f"\n{'':10}" + "".join(f"{column:>{max(11, len(column) + 2)}}" for column in columns))
    for name, rounds in taken.items():
        speeds = [each.claims_per_s for each in rounds]
        ratio = median(ours.claims_per_s / each for ours, each in zip(taken[OURS], speeds, strict=True))
        row = (counts[name], median(speeds), min(speeds), max(speeds), max(each.peak_mb for each in rounds))
        print(f"{name:10}" + "".join(f"{value:11,.0f}" for value in row) + f"{ratio:22.1f}")


if __name__ == "__main__":
    main()
