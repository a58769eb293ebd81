"""Evaluation and management visits beside manual therapy."""

from palpate_validator.visit import Line, Visit

EVALUATION_AND_MANAGEMENT = frozenset(
    str(code)
    for first, last in (
        (99201, 99205),
        (99211, 99215),
        (99221, 99223),
        (99231, 99236),
        (99241, 99245),
        (99251, 99255),
        (99281, 99285),
    )
    for code in range(first, last + 1)
)
"""Office, hospital, consultation and emergency visits; the ones that ended are kept for older claims."""


def evaluation_visits(visit: Visit) -> tuple[Line, ...]:
    """The lines of the day that bill such a visit."""
    return visit.billed(EVALUATION_AND_MANAGEMENT)


def given_by_others(one: Line, other: Line) -> bool:
    """Whether two lines were surely given by different people."""
    first, second = practitioners(one), practitioners(other)
    return bool(first and second) and first.isdisjoint(second)


def practitioners(line: Line) -> frozenset[str]:
    """The NPIs that the line names; empty where it does not name everybody who gave the service."""
    npis = [part.npi for part in line.performed_by]
    return frozenset(npi for npi in npis if npi is not None) if None not in npis else frozenset()
