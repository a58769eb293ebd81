"""National Provider Identifiers: ten digits, the last of which checks the others."""

from functools import lru_cache
from typing import Literal

Fault = Literal["length", "first digit", "check digit"]

_PREFIX_SUM = 24
"""What the prefix 80840 (health, United States) adds to the Luhn sum of a ten-digit NPI (45 CFR 162.406)."""


@lru_cache(maxsize=4096)
def npi_fault(npi: str) -> Fault | None:
    """What is wrong with an NPI as sent; None for a well-formed one.  Whether it was ever issued is not known here."""
    if len(npi) != 10 or not (npi.isascii() and npi.isdigit()):
        return "length"
    if npi[0] not in "12":
        return "first digit"
    return None if _luhn_sum(npi) % 10 == 0 else "check digit"


def _luhn_sum(npi: str) -> int:
    """Every second digit from the right is doubled, and a two-digit double counts the sum of its digits."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in npi[-2::-2])
    return _PREFIX_SUM + sum(int(digit) for digit in npi[::-2]) + sum(doubled)
