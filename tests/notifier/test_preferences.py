"""When somebody may be told: quiet hours over both changes of the clock, digests, rates, storms and silences."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from palpate_notifier.directory import QuietHours
from palpate_notifier.preferences import (
    Preferences,
    Quiet,
    after_the_storm,
    may_be_told_at,
    next_at,
    quiet_until,
    silenced_until,
    storms,
)

NEW_YORK = ZoneInfo("America/New_York")


def at(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC)


def hours(start: str, end: str) -> QuietHours:
    return QuietHours.model_validate({"from": start, "to": end})


NIGHT, EARLY, LUNCH = hours("19:00", "07:00"), hours("22:00", "02:30"), hours("12:00", "13:00")

QUIET = {
    "before they begin": (NIGHT, at("2026-06-10 18:59"), at("2026-06-10 18:59")),
    "as they begin": (NIGHT, at("2026-06-10 19:00"), at("2026-06-11 07:00")),
    "after midnight": (NIGHT, at("2026-06-11 03:00"), at("2026-06-11 07:00")),
    "as they end": (NIGHT, at("2026-06-11 07:00"), at("2026-06-11 07:00")),
    "within one day": (LUNCH, at("2026-06-10 12:30"), at("2026-06-10 13:00")),
    "outside, within one day": (LUNCH, at("2026-06-10 11:59"), at("2026-06-10 11:59")),
    # 2026-03-08, 02:00 EST becomes 03:00 EDT.
    "the night the clock goes forward": (NIGHT, at("2026-03-07 20:00"), datetime(2026, 3, 8, 11, tzinfo=UTC)),
    "and after it has": (NIGHT, at("2026-03-08 03:30"), datetime(2026, 3, 8, 11, tzinfo=UTC)),
    "an end that the clock skips": (EARLY, at("2026-03-07 23:00"), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
    "just after a skipped end": (EARLY, at("2026-03-08 03:00"), at("2026-03-08 03:00")),
    # 2026-11-01, 02:00 EDT becomes 01:00 EST: the hour from 01:00 comes twice.
    "the night the clock goes back": (NIGHT, at("2026-10-31 20:00"), datetime(2026, 11, 1, 12, tzinfo=UTC)),
    "in the first of the two hours": (
        hours("22:00", "01:30"),
        at("2026-11-01 01:10"),
        datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
    ),
    "between the two": (hours("22:00", "01:30"), at("2026-11-01 01:40"), at("2026-11-01 01:40")),
    "in the second of the two hours": (
        hours("22:00", "01:30"),
        at("2026-11-01 01:10", fold=1),
        datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
    ),
}


@pytest.mark.parametrize(("quiet", "now", "until"), QUIET.values(), ids=QUIET.keys())
def test_quiet_hours_follow_the_clock_on_the_wall(quiet: QuietHours, now: datetime, until: datetime) -> None:
    assert quiet_until(now, quiet, NEW_YORK) == until


def test_without_quiet_hours_any_time_will_do() -> None:
    assert quiet_until(at("2026-06-11 03:00"), None, NEW_YORK) == at("2026-06-11 03:00")


def test_no_quiet_hours_of_a_year_end_before_they_begin_or_last_more_than_a_day() -> None:
    now, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    while now < end:
        for quiet in (NIGHT, EARLY, hours("22:00", "01:30")):
            until = quiet_until(now, quiet, NEW_YORK)
            assert now <= until <= now + timedelta(hours=13)
            assert quiet_until(until, quiet, NEW_YORK) == until
        now += timedelta(minutes=10)


def test_the_next_morning_is_by_the_clock_on_the_wall() -> None:
    assert next_at(at("2026-03-07 10:00"), time(7, 30), NEW_YORK) == datetime(2026, 3, 8, 11, 30, tzinfo=UTC)
    assert next_at(at("2026-06-10 07:30"), time(7, 30), NEW_YORK) == at("2026-06-10 07:30")


NOON = at("2026-06-10 12:00")


def told(
    wants: Preferences, *, since: datetime = NOON, urgent: bool = False, sent: tuple[datetime, ...] = ()
) -> datetime:
    return may_be_told_at(NOON, wants, waiting_since=since, urgent=urgent, sent=sent)


def test_a_digest_holds_things_until_the_morning() -> None:
    wants = Preferences(NEW_YORK, digest_at=time(7, 30))
    assert told(wants) == at("2026-06-11 07:30")
    assert told(wants, since=at("2026-06-10 07:00")) <= NOON


def test_a_digest_does_not_hold_back_what_came_up_to_somebody() -> None:
    assert told(Preferences(NEW_YORK, digest_at=time(7, 30)), urgent=True) == NOON


def test_quiet_hours_hold_back_everything() -> None:
    assert told(Preferences(NEW_YORK, LUNCH), urgent=True) == at("2026-06-10 13:00")


def test_an_address_is_not_written_to_more_often_than_its_rate() -> None:
    wants = Preferences(NEW_YORK, per_hour=2)
    sent = (NOON - timedelta(minutes=50), NOON - timedelta(minutes=10))
    assert told(wants, sent=sent) == NOON + timedelta(minutes=10)
    assert told(wants, sent=sent[:1]) == NOON
    assert told(wants, sent=(NOON - timedelta(minutes=61), *sent[1:])) == NOON


def test_so_many_cases_of_one_rule_are_a_storm() -> None:
    assert storms(["a"] * 3 + ["b"], ["a"] * 2, size=5) == {"a"}
    assert storms(["a"] * 3, ["a"], size=5) == frozenset()


def test_the_rest_of_a_storm_waits_for_the_next_morning() -> None:
    assert after_the_storm(at("2026-03-07 23:00"), NEW_YORK) == datetime(2026, 3, 8, 13, tzinfo=UTC)


END, LATER = at("2026-06-12 09:00"), at("2026-06-13 09:00")
FAULTS = [("units-total-over", "units"), ("mod-gn", "modifiers")]


def until(*silences: Quiet, person: str = "ada", practice: str = "1") -> datetime | None:
    return silenced_until(silences, practice=practice, person=person, faults=FAULTS)


def test_a_silence_fits_all_that_it_names() -> None:
    assert until(Quiet(END, practice="1")) == END
    assert until(Quiet(END, practice="1", person="ben")) is None
    assert until(Quiet(END, practice="2")) is None


def test_a_case_is_silent_only_when_every_fault_of_it_is() -> None:
    assert until(Quiet(END, rule="units-total-over")) is None
    assert until(Quiet(END, rule="units-total-over"), Quiet(LATER, family="modifiers")) == END
    assert until(Quiet(END, practice="1"), Quiet(LATER, practice="1")) == LATER
