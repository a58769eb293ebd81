"""What a reply carries that is in no claim: when it is written, and its first control number."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stamp:
    """Given by whoever writes a reply, so that the same input gives the same reply."""

    at: datetime
    control: int
    """ISA13 and GS06 of the first interchange written; the next has the next number."""


class CannotAnswer(Exception):
    """There is nobody to answer in this form.  The text says why and what to do."""
