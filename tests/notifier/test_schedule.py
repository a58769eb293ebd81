"""When a case is due, and what happens to it by itself."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from palpate_notifier.cases import Status
from palpate_notifier.schedule import NextStep, Place, Waiting, due, next_step, reminders_after

CHICAGO = ZoneInfo("America/Chicago")
CITY, ALASKA = Place(CHICAGO), Place(ZoneInfo("America/Anchorage"), "AK")


def at(text: str, zone: ZoneInfo = CHICAGO) -> datetime:
    """An instant by the clock on the wall."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


DUE = {
    "three days of one week": ("2026-11-09 10:00", "2026-11-13 17:00"),  # Wednesday the 11th is Veterans Day
    "over a weekend": ("2026-11-05 10:00", "2026-11-10 17:00"),
    "opened on a Saturday": ("2026-10-31 10:00", "2026-11-04 17:00"),
    "late in the evening is still that day": ("2026-11-05 23:30", "2026-11-10 17:00"),
    "Thanksgiving": ("2026-11-24 10:00", "2026-11-30 17:00"),
    "Christmas and New Year": ("2026-12-24 10:00", "2026-12-30 17:00"),
    "Independence Day on a Saturday is kept on Friday": ("2026-06-30 10:00", "2026-07-06 17:00"),
    "the clock goes back within": ("2026-10-30 10:00", "2026-11-04 17:00"),
    "the clock goes forward within": ("2026-03-06 10:00", "2026-03-11 17:00"),
}


@pytest.mark.parametrize(("opened", "due_at"), DUE.values(), ids=DUE.keys())
def test_a_case_is_due_at_the_end_of_the_third_business_day(opened: str, due_at: str) -> None:
    assert due(at(opened), CITY) == at(due_at)


def test_a_state_keeps_its_own_holidays() -> None:
    # Monday 2026-03-30 is Seward's Day in Alaska, and nowhere else.
    assert due(at("2026-03-26 10:00", ALASKA.zone), ALASKA) == at("2026-04-01 17:00", ALASKA.zone)
    assert due(at("2026-03-26 10:00"), CITY) == at("2026-03-31 17:00")


def test_the_day_is_that_of_the_practice() -> None:
    # 03:00 UTC on Friday is Thursday evening in Chicago.
    assert due(datetime(2026, 11, 6, 3, tzinfo=UTC), CITY) == at("2026-11-10 17:00")


# Opened on Monday 2 November 2026, due on Thursday the 5th at 17:00.
OPENED = at("2026-11-02 10:00")


def case(status: Status = Status.OPEN, **facts: object) -> Waiting:
    return Waiting(status, OPENED, at("2026-11-05 17:00"), **facts)  # type: ignore[arg-type]


REMIND, COVER, MANAGER = NextStep.REMIND, NextStep.ASK_COVER, NextStep.ASK_MANAGER
STEPS = {
    "the first reminder is on the second morning": (case(), (REMIND, "2026-11-04 09:00")),
    "the second on the day it is due": (case(reminders=1), (REMIND, "2026-11-05 09:00")),
    "then it goes up to whoever covers": (case(reminders=2, has_cover=True), (COVER, "2026-11-05 17:00")),
    "or to the manager where nobody covers": (case(reminders=2), (MANAGER, "2026-11-05 17:00")),
    "and a business day later to the manager": (
        case(Status.ESCALATED, reminders=2, escalations=1, has_cover=True),
        (MANAGER, "2026-11-06 09:00"),
    ),
    "and no further": (case(Status.ESCALATED, reminders=2, escalations=2), None),
    "in hand, it is reminded of on the last morning": (case(Status.ACKNOWLEDGED), (REMIND, "2026-11-05 09:00")),
    "in hand, also after an earlier reminder": (
        case(Status.ACKNOWLEDGED, reminders=1),
        (REMIND, "2026-11-05 09:00"),
    ),
    "disputed, nobody is reminded": (case(Status.DISPUTED), None),
    "closed, nobody is reminded": (case(Status.RESOLVED), None),
    "at rest, not before it wakes": (
        case(snoozed_until=at("2026-11-06 12:00")),
        (REMIND, "2026-11-06 12:00"),
    ),
    "at rest over one of the mornings": (
        case(snoozed_until=at("2026-11-04 12:00")),
        (REMIND, "2026-11-05 09:00"),
    ),
    "at rest past the day it was due, it has a business day more": (
        case(reminders=2, snoozed_until=at("2026-11-06 12:00")),
        (MANAGER, "2026-11-09 17:00"),
    ),
    "at rest for less than that, as ever": (
        case(snoozed_until=at("2026-11-03 12:00")),
        (REMIND, "2026-11-04 09:00"),
    ),
}


@pytest.mark.parametrize(("waiting", "expected"), STEPS.values(), ids=STEPS.keys())
def test_what_comes_next(waiting: Waiting, expected: tuple[NextStep, str] | None) -> None:
    found = next_step(waiting, CITY)
    assert found == (None if expected is None else (expected[0], at(expected[1])))


def test_reminders_two_days_apart_leave_one_before_it_is_due() -> None:
    assert next_step(case(), CITY, repeat=2) == (REMIND, at("2026-11-05 09:00"))
    assert next_step(case(reminders=1), CITY, repeat=2) == (MANAGER, at("2026-11-05 17:00"))


def test_a_route_that_never_reminds_still_takes_it_up() -> None:
    assert next_step(case(), CITY, repeat=0) == (MANAGER, at("2026-11-05 17:00"))


def test_a_service_that_was_down_reminds_once_and_not_of_every_morning_it_missed() -> None:
    assert next_step(case(reminders=1), CITY, after=at("2026-11-05 09:30")) == (MANAGER, at("2026-11-05 17:00"))


def test_the_reminder_of_the_last_morning_is_the_last() -> None:
    assert reminders_after(case()) == 1
    assert reminders_after(case(Status.ACKNOWLEDGED)) == 2
