"""What the clock times on a claim say: minutes that two services share, and stretches that cannot be."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from palpate_schemas.claim import VisitNote
from palpate_validator.visit import Line, Visit, clock_minutes


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two timed lines of one day whose intervals share minutes."""

    first: Line
    second: Line
    minutes: int
    by_two_people: bool
    """Whether two disciplines, or two people known to be different, gave them."""

    def in_words(self) -> str:
        """Which lines and services, and how long."""
        return (
            f"{self.first.code} on line {self.first.line_number} and {self.second.code} on line "
            f"{self.second.line_number} share {self.minutes} minute{'s' if self.minutes > 1 else ''}"
        )


def clock_times_in_question(visit: Visit) -> bool:
    """Whether clock times leave anything to look at.

    Not where each note's hold its minutes, and the timed services have none, or a stretch each that holds its minutes
    and lies apart from the others.
    """
    for note in visit.notes:
        if not _holds_its_minutes(note):
            return True
    stretches: list[tuple[int, int, int]] = []
    for line in visit.lines:
        intervals = line.intervals
        if len(line.performed_by) > 1 or len(intervals) > 1:
            return True
        if intervals:
            only = intervals[0]
            stretches.append((clock_minutes(only.start), clock_minutes(only.end), line.minutes or 1))
    if not stretches:
        return False
    some_have_none = len(stretches) < len(visit.lines) and not all(line.intervals for line in visit.timed_lines)
    return some_have_none or not _lie_apart(stretches)


def _holds_its_minutes(note: VisitNote) -> bool:
    start, end = note.start, note.end
    if start is None or end is None:
        return start == end
    stated = note.total_treatment_minutes
    if stated is None:
        stated = note.total_timed_minutes
    return clocked_minutes(start, end) >= (stated or 1)


def _lie_apart(stretches: list[tuple[int, int, int]]) -> bool:
    """Whether stretches (from, to, minutes that they are to hold) each hold theirs and share none."""
    stretches.sort()
    reached = 0
    for start, end, minutes in stretches:
        if start < reached or end - start < minutes:
            return False
        reached = end
    return True


@lru_cache(maxsize=1)
def overlaps(visit: Visit) -> tuple[Overlap, ...]:
    """Every pair of timed lines of the day that shares minutes.

    Timed services are one-on-one, so a minute belongs to one of them; the untimed modalities (97010-97028) may run
    beside them and are not looked at.
    """
    clocked = [line for line in visit.lines if line.intervals and visit.kind(line.code) in {"timed_15", "timed_other"}]
    shared = ((first, second, shared_minutes(first, second)) for first, second in combinations(clocked, 2))
    return tuple(Overlap(one, two, minutes, _by_two_people(visit, one, two)) for one, two, minutes in shared if minutes)


def shared_minutes(first: Line, second: Line) -> int:
    """Minutes that lie in the intervals of both lines."""
    if last_minute(first) <= first_minute(second) or last_minute(second) <= first_minute(first):
        return 0
    return len(_minutes_covered(first) & _minutes_covered(second))


def clocked_minutes(start: str, end: str) -> int:
    """Minutes from one time of day to another; negative where the end comes first."""
    return clock_minutes(end) - clock_minutes(start)


def first_minute(line: Line) -> int:
    """When the first of a line's stretches begins."""
    return min([clock_minutes(each.start) for each in line.intervals])


def last_minute(line: Line) -> int:
    """When the last of a line's stretches ends."""
    return max([clock_minutes(each.end) for each in line.intervals])


def _minutes_covered(line: Line) -> set[int]:
    return {minute for i in line.intervals for minute in range(clock_minutes(i.start), clock_minutes(i.end))}


def _by_two_people(visit: Visit, first: Line, second: Line) -> bool:
    disciplines = {visit.discipline(first), visit.discipline(second)}
    if None not in disciplines and len(disciplines) == 2:
        return True
    staff, others = _staff(first), _staff(second)
    return bool(staff) and bool(others) and staff.isdisjoint(others)


def _staff(line: Line) -> frozenset[object]:
    return frozenset(part.npi or part.profession for part in line.performed_by)
