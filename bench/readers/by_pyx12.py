"""pyx12: every claim loop as a tree, by its maps of the implementation guide."""

import warnings
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyx12.error_handler
    import pyx12.params
    import pyx12.x12context

from bench.readers.measure import measure


def read(path: str) -> Iterator[tuple[int, Decimal]]:
    """Lines and charge of each claim."""
    with Path(path).open() as file:
        reader = pyx12.x12context.X12ContextReader(pyx12.params.params(), pyx12.error_handler.errh_null(), file)
        for tree in reader.iter_segments("2300"):
            if tree.id == "2300":
                charges = [Decimal(line.get_value("SV102")) for line in tree.select("2400")]
                yield len(charges), sum(charges, Decimal(0))


if __name__ == "__main__":
    measure(read)
