"""Palpate's reader: every claim as the contract has it, validated."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from bench.readers.measure import measure
from palpate_intake.outcome import ReadClaim
from palpate_intake.reading import read_claims


def read(path: str) -> Iterator[tuple[int, Decimal]]:
    """Lines and charge of each claim."""
    with Path(path).open("rb") as file:
        for outcome in read_claims(file, path):
            if isinstance(outcome, ReadClaim):
                lines = outcome.claim.lines
                yield len(lines), sum((line.charge or Decimal(0) for line in lines), Decimal(0))


if __name__ == "__main__":
    measure(read)
