"""How many units of a service bear CQ or CO, because an assistant gave them on their own.

Pure arithmetic on whole minutes (CMS rules for dates of service from 2020-01-01; the midpoint rule from 2022-01-01).
Minutes that an assistant works together with the therapist are the therapist's.  Where the two ways that CMS gives to
measure "more than 10 percent" disagree, the answer is a range.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AssistantUnits:
    """The fewest and the most units that may bear the modifier."""

    least: int
    most: int
    methods_differ: bool = False
    """True when the range comes from the two ways of measuring 10 percent; else from minutes that leave it open."""

    @property
    def certain(self) -> bool:
        """Whether there is one right number."""
        return self.least == self.most


def over_by_percent(assistant: int, total: int) -> bool:
    """More than 10 percent by the first way: the share in percent, rounded half up, is 11 or more."""
    return total > 0 and (200 * assistant + total) // (2 * total) >= 11


def over_by_minutes(assistant: int, total: int) -> bool:
    """More than 10 percent by the second way: a tenth of the minutes, rounded half up, plus one minute is reached."""
    return total > 0 and assistant >= (total + 5) // 10 + 1


def more_than_a_tenth(assistant: int, total: int) -> bool | None:
    """Whether the assistant's share is more than 10 percent; None where the two ways disagree."""
    by_percent, by_minutes = over_by_percent(assistant, total), over_by_minutes(assistant, total)
    return by_percent if by_percent == by_minutes else None


def units_of_untimed(units: int, therapist: int, assistant: int) -> AssistantUnits:
    """A service that is not counted by time is judged as a whole."""
    return _of_share(units, over=more_than_a_tenth(assistant, therapist + assistant))


def units_of_timed(units: int, therapist: int, assistant: int, *, midpoint: bool) -> AssistantUnits:
    """A code that is counted in units of 15 minutes, after its units have been allocated.

    Args:
        units: The units billed of the code, with and without the modifier.
        therapist: Minutes of the therapist, alone or together with the assistant.
        assistant: Minutes of the assistant alone.
        midpoint: Whether the midpoint rule is in force: a last unit in which the therapist reached 8 minutes is theirs.
    """
    if assistant == 0 or therapist == 0:
        return AssistantUnits(units if assistant else 0, units if assistant else 0)
    own, others = assistant // 15, therapist // 15
    assistant_left, therapist_left = assistant % 15, therapist % 15
    left = units - own - others
    if left == 1 and assistant_left + therapist_left > 0:
        return _plus(own, _last_unit(therapist_left, assistant_left, midpoint=midpoint))
    if left == 2:
        return _plus(own, _last_two_units(therapist_left, assistant_left, midpoint=midpoint))
    # Fewer units than were worked, or more than the minutes reach: only bounds are sure.
    return AssistantUnits(min(units, max(0, units - others)) if left < 0 else own, _most(units, own, others, left))


def _most(units: int, own: int, others: int, left: int) -> int:
    if left == 0:
        return own
    return min(units, own) if left < 0 else units - others


def _last_unit(therapist: int, assistant: int, *, midpoint: bool) -> AssistantUnits:
    if midpoint and therapist >= 8:
        return AssistantUnits(0, 0)
    return _of_share(1, over=more_than_a_tenth(assistant, therapist + assistant))


def _last_two_units(therapist: int, assistant: int, *, midpoint: bool) -> AssistantUnits:
    """Leftovers of 9 to 14 minutes each make two units, one of each; less even ones leave it open."""
    return AssistantUnits(1 if assistant >= 8 else 0, 1 if midpoint and therapist >= 8 else 2)


def _of_share(units: int, *, over: bool | None) -> AssistantUnits:
    if over is None:
        return AssistantUnits(0, units, methods_differ=True)
    return AssistantUnits(units if over else 0, units if over else 0)


def _plus(full: int, last: AssistantUnits) -> AssistantUnits:
    return AssistantUnits(full + last.least, full + last.most, last.methods_differ)
