"""What a reader's process says of itself: what it read, its processor seconds without the start, its peak memory."""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

Claims = Callable[[str], Iterator[tuple[int, Decimal]]]
"""From a file's path to the number of lines and the total charge of each of its claims."""


def measure(read: Claims) -> None:
    """Read the two files that the command line names, take the time of the second, and print one JSON object.

    With the first a reader loads whatever it loads.
    """
    warm_up, file = sys.argv[1:]
    for _ in read(warm_up):
        pass
    claims, lines, charge = 0, 0, Decimal(0)
    started = time.process_time()
    for line_count, line_charge in read(file):
        claims, lines, charge = claims + 1, lines + line_count, charge + line_charge
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    json.dump({"read": [claims, lines, str(charge)], "seconds": seconds, "peak": peak}, sys.stdout)
