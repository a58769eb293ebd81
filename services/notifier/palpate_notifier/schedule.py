"""When a case is due, and when somebody is reminded or asked in somebody's place.  Pure: instants in, instants out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from palpate_notifier.cases import Status

DUE_AFTER = 3
"""Business days that a correction may take."""
MORNING, CLOSING = time(9), time(17)
"""When a business day begins and ends, where the practice is."""
MOST_REMINDERS = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a practice is: its clock and its holidays."""

    zone: ZoneInfo
    state: str | None = None

    def is_business_day(self, day: date) -> bool:
        """Whether people work on a day: Monday to Friday, no federal holiday, none of the state's."""
        return day.weekday() < 5 and day not in _holidays(self.state)

    def business_days_after(self, day: date, count: int) -> date:
        """The `count`th business day after a day, which itself does not count."""
        while count:
            day += timedelta(days=1)
            count -= self.is_business_day(day)
        return day

    def on(self, day: date, at: time) -> datetime:
        """An instant by the practice's clock, in UTC.  Where the clock jumps over it, the first instant after."""
        return local(day, at, self.zone)

    def day_of(self, instant: datetime) -> date:
        """The date of an instant where the practice is."""
        return instant.astimezone(self.zone).date()


def local(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A wall-clock time as an instant in UTC.

    In the hour that a clock skips in spring, `zoneinfo` reads it by the offset of before, which lands the same time
    after the jump: 02:30 becomes 03:30.  In the hour that comes twice in autumn, the first one is meant.
    """
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC)


@cache
def _holidays(state: str | None) -> holidays.HolidayBase:
    return holidays.country_holidays("US", subdiv=state)


def due(opened_at: datetime, place: Place, after: int = DUE_AFTER) -> datetime:
    """When a case is due: the end of the third business day after the one on which it was opened."""
    return place.on(place.business_days_after(place.day_of(opened_at), after), CLOSING)


def due_again(now: datetime, place: Place) -> datetime:
    """When something is due that comes back late: the end of the business day after this one."""
    return place.on(place.business_days_after(place.day_of(now), 1), CLOSING)


class NextStep(StrEnum):
    """What happens to a case by itself."""

    REMIND = "remind"
    ASK_COVER = "ask_cover"
    ASK_MANAGER = "ask_manager"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case, as far as its next step depends on it."""

    status: Status
    opened_at: datetime
    due_at: datetime
    snoozed_until: datetime | None = None
    reminders: int = 0
    escalations: int = 0
    has_cover: bool = False


def next_step(
    case: Waiting, place: Place, *, repeat: int = 1, after: datetime | None = None
) -> tuple[NextStep, datetime] | None:
    """What comes next for a case, and when.

    Reminders come on mornings of business days, the first one on the second day, `repeat` business days apart, none
    after the day on which the case is due and never more than two; one that somebody has in hand is only reminded of
    on the last morning.  Then it goes up, once each: when it is due to whoever covers, and a business day later to
    the manager.  Where nobody covers, to the manager at once.

    Args:
        case: The case as it stands.
        place: Where its practice is.
        repeat: Business days between reminders; 0 reminds of nothing.
        after: Mornings up to here are past: a service that was down gives one reminder, not all that it missed.
    """
    if case.status.is_closed or case.status is Status.DISPUTED:
        return None
    if case.escalations == 0:
        for morning in _mornings(case, place, repeat):
            if after is None or morning > after:
                return NextStep.REMIND, morning
        return (NextStep.ASK_COVER if case.has_cover else NextStep.ASK_MANAGER), _goes_up(case, place)
    if case.escalations == 1:
        day_after = place.business_days_after(place.day_of(_goes_up(case, place)), 1)
        return NextStep.ASK_MANAGER, place.on(day_after, MORNING)
    return None


def _goes_up(case: Waiting, place: Place) -> datetime:
    """When it is due; one that was at rest then has until the end of the business day after it wakes."""
    if case.snoozed_until is None or case.snoozed_until <= case.due_at:
        return case.due_at
    return due_again(case.snoozed_until, place)


def _mornings(case: Waiting, place: Place, repeat: int) -> list[datetime]:
    """When reminders are still to be given: not while it is at rest, and once as it wakes where all was missed."""
    if not repeat or case.reminders >= MOST_REMINDERS:
        return []
    last = place.on(place.day_of(case.due_at), MORNING)
    if case.status is Status.ACKNOWLEDGED:
        mornings = [last]
    else:
        opened_on = place.day_of(case.opened_at)
        counts = range(case.reminders + 1, MOST_REMINDERS + 1)
        mornings = [place.on(place.business_days_after(opened_on, 1 + count * repeat), MORNING) for count in counts]
    mornings = [morning for morning in mornings if morning <= last]
    if case.snoozed_until is None:
        return mornings
    return [morning for morning in mornings if morning > case.snoozed_until] or [case.snoozed_until]


def reminders_after(case: Waiting) -> int:
    """How many reminders count as given once one more is: the last morning's is the last, whatever came before."""
    return MOST_REMINDERS if case.status is Status.ACKNOWLEDGED else case.reminders + 1
