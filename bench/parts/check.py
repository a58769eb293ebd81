"""`palpate check` beside a bare parse of the same file: `bench.check`, with its own claims."""

import tempfile
from pathlib import Path
from random import Random

from pydantic_core import to_json

from bench.asked import Asked, Section
from bench.check import BARE, measured
from bench.figures import Figure, table
from tests.validator.correct_claims import correct_claim


def run(asked: Asked) -> Section:
    """The whole command, from its start to its last line."""
    count = asked.claims
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "claims.jsonl"
        file.write_bytes(b"\n".join(to_json(correct_claim(Random(seed))) for seed in range(count)) + b"\n")
        seconds = measured(file, asked.rounds)
    speed = {name: Figure(tuple(count / each for each in taken)) for name, taken in seconds.items()}
    section = Section("palpate check")
    section.text.append(
        f"{count:,} correct claims of one to eight lines in one file, by processor time; the command is a process of "
        "its own, its start counted. More claims: `python -m bench.check --claims 20000`."
    )
    section.text.append(
        table(
            ["", "claims/s", "to the parse"],
            [[name, str(each), f"{each.to(speed[BARE]):.3f}"] for name, each in speed.items()],
        )
    )
    return section
