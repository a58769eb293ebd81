"""When somebody may be told: quiet hours, the morning's digest, not too often, and what is silenced.  Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from palpate_notifier.directory import QuietHours
from palpate_notifier.schedule import MORNING, local

HOUR = timedelta(hours=1)


def quiet_until(now: datetime, quiet: QuietHours | None, zone: ZoneInfo) -> datetime:
    """The end of the quiet hours that an instant lies in; the instant itself where it lies in none.

    Quiet hours follow the clock on the wall.  In the night when it goes back they are an hour longer, and in the one
    when it goes forward an hour shorter; an end that the clock skips is the first moment after.
    """
    if quiet is None:
        return now
    here = now.astimezone(zone)
    clock = here.time().replace(tzinfo=None)
    past_midnight = quiet.from_ > quiet.to
    after_start, before_end = clock >= quiet.from_, clock < quiet.to
    inside = after_start or before_end if past_midnight else after_start and before_end
    if not inside:
        return now
    day = here.date() + timedelta(days=past_midnight and clock >= quiet.from_)
    end = local(day, quiet.to, zone)
    if end <= now:
        # The hour that comes twice: the clock has shown the end once, and it is before it again.
        end = datetime.combine(day, quiet.to.replace(fold=1), zone).astimezone(UTC)
    return max(end, now)


def next_at(after: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The next instant, not before another, at which the clock on the wall shows a time."""
    day = after.astimezone(zone).date()
    found = local(day, at, zone)
    return found if found >= after else local(day + timedelta(days=1), at, zone)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What somebody asked for."""

    zone: ZoneInfo
    quiet_hours: QuietHours | None = None
    digest_at: time | None = None
    per_hour: int = 12


def may_be_told_at(
    now: datetime, wants: Preferences, *, waiting_since: datetime, urgent: bool, sent: Sequence[datetime]
) -> datetime:
    """When somebody may be told of what waits for them; `now` or earlier means at once.

    Args:
        now: The instant.
        wants: What they asked for.
        waiting_since: Since when the oldest of it waits.
        urgent: Whether something went up to them or was given to them: a digest does not hold that back.
        sent: When they were told within the last hour.
    """
    at = now
    if wants.digest_at is not None and not urgent:
        at = max(at, next_at(waiting_since, wants.digest_at, wants.zone))
    recent = sorted(instant for instant in sent if instant > now - HOUR)
    if len(recent) >= wants.per_hour:
        at = max(at, recent[-wants.per_hour] + HOUR)
    return quiet_until(at, wants.quiet_hours, wants.zone)


def storms(rules: Iterable[str], told: Iterable[str], *, size: int) -> frozenset[str]:
    """The rules of which so many cases came to one person within an hour that it is one matter and not many.

    Args:
        rules: The rules of the cases that wait, one entry for each case and rule.
        told: Those of the cases that they were told of within the hour.
        size: How many are a storm.
    """
    counts: dict[str, int] = {}
    for rule in (*rules, *told):
        counts[rule] = counts.get(rule, 0) + 1
    return frozenset(rule for rule, count in counts.items() if count >= size)


def after_the_storm(now: datetime, zone: ZoneInfo) -> datetime:
    """When somebody hears of the rest of a storm: the next morning."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return local(tomorrow, MORNING, zone)


@dataclass(frozen=True, slots=True)
class Quiet:
    """A silence: whatever fits all that it names is not told until it ends."""

    ends_at: datetime
    practice: str | None = None
    person: str | None = None
    rule: str | None = None
    family: str | None = None


def silenced_until(
    silences: Iterable[Quiet], *, practice: str, person: str, faults: Iterable[tuple[str, str | None]]
) -> datetime | None:
    """Until when a notice is silenced; None when it is not.

    A silence on a rule or a family holds a case back only when every error of it is silenced: another one is still
    to be told.

    Args:
        silences: Those in force.
        practice: The case's practice.
        person: Who would be told.
        faults: Rule and family of each error of the case.
    """
    fitting = [each for each in silences if each.practice in {None, practice} and each.person in {None, person}]
    ends: list[datetime] = []
    for rule, family in faults:
        over = [each.ends_at for each in fitting if each.rule in {None, rule} and each.family in {None, family}]
        if not over:
            return None
        ends.append(max(over))
    return min(ends, default=None)
