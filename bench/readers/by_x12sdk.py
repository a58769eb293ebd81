"""x12sdk: every claim of its typed, validated models; a model is a whole transaction."""

from collections.abc import Iterator
from decimal import Decimal

from x12sdk.io import X12ModelReader

from bench.readers.measure import measure


def read(path: str) -> Iterator[tuple[int, Decimal]]:
    """Lines and charge of each claim."""
    with X12ModelReader(path) as reader:
        for model in reader.models():
            for claim in model.claims():
                lines = claim.service_lines
                yield len(lines), sum((line.sv1_segment.line_item_charge_amount for line in lines), Decimal(0))


if __name__ == "__main__":
    measure(read)
