"""Who is told what, when: verdicts in, days go by, messages out.  A real database; the clock is set by hand."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from palpate_notifier.database import Sessions
from palpate_notifier.silences import end_silence, silence
from palpate_notifier.tables import DisabledChannel
from tests.notifier.conftest import Clock
from tests.notifier.stories import Story
from tests.notifier.verdicts import failed, passed, voided

# A Tuesday, 10:00 in New York, in a week without a holiday.
TUESDAY = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(TUESDAY)


@pytest.fixture
def begin(sessions: Sessions, clock: Clock, tmp_path: Path) -> Any:
    def _begin(**settings: Any) -> Story:
        return Story.begin(sessions, clock, tmp_path, **settings)

    return _begin


@pytest.fixture
def story(begin: Any) -> Story:
    return begin()  # type: ignore[no-any-return]


async def test_what_comes_within_the_window_is_one_mail(story: Story) -> None:
    await story.fail(1)
    await story.wait(minutes=1)
    await story.fail(2)
    await story.wait(seconds=59)
    assert await story.mails() == []
    await story.wait(seconds=1)
    assert await story.mails() == [("ada", "2 claims need correcting")]
    await story.fail(3)
    await story.wait(minutes=2)
    assert await story.mails() == [("ada", "2 claims need correcting"), ("ada", "1 claim needs correcting")]


async def test_however_many_wait_all_are_told(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many are held in memory at once; the rest follows in messages of its own."""
    monkeypatch.setattr("palpate_notifier.dispatcher.AT_ONCE", 2)
    for number in range(5):
        await story.fail(number)
    for _ in range(4):
        await story.wait(minutes=2)
    sizes = [subject.split()[0] for _, subject in await story.mails()]
    assert sizes == ["2", "2", "1"]


async def test_a_mail_names_no_claim_and_no_case(story: Story) -> None:
    await story.fail(1, fixer="clinician")
    await story.wait(minutes=2)
    [mail] = await story.deliveries()
    case = await story.case()
    wire = f"{mail.subject}\n{mail.text}\n{mail.html}\n{mail.address}\n{mail.message_id}"
    for word in (case.claim_id, case.reference, case.id, case.rules[0], case.payer_id, "97140", "Message of"):
        assert word not in wire
    assert "1 claim to correct before it is sent" in mail.text
    assert "Due Friday, November 6." in mail.text
    assert "https://inbox.harbor.example" in mail.text
    assert "https://inbox.harbor.example" in mail.html


async def test_without_an_inbox_the_mail_says_what_to_do(begin: Any) -> None:
    story = begin(inbox_url=None)
    await story.fail(1, rule="units-total-over")
    await story.fail(2, rule="mod-gn")
    await story.wait(minutes=2)
    [mail] = await story.deliveries()
    assert mail.subject == "2 claims need correcting at Harbor Physical Therapy"
    for word in ("CLM-1", "CLM-2", "Mend units-total-over.", "Mend mod-gn.", "due Friday, November 6"):
        assert word in mail.text
        assert word in mail.html


async def test_each_part_of_a_claim_goes_to_its_person_and_it_is_one_case(story: Story) -> None:
    mixed = failed("a", fixer="clinician")
    biller = failed("b", fixer="biller").findings
    await story.judge(mixed.model_copy(update={"findings": (*mixed.findings, *biller)}))
    await story.wait(minutes=2)
    assert await story.mails() == [("ada", "1 claim needs correcting"), ("bo", "1 claim needs correcting")]
    assert (await story.case()).assignee == "ada"


async def test_a_pass_before_the_mail_goes_says_nothing(story: Story) -> None:
    await story.fail(1)
    await story.judge(passed(version=2))
    await story.wait(days=10, step_minutes=240)
    assert await story.mails() == []
    assert (await story.case()).next_step_at is None


@pytest.mark.parametrize("ending", [passed(version=2), voided(version=2)], ids=["passed", "voided"])
async def test_a_queued_message_goes_with_the_last_of_its_cases(story: Story, ending: Any) -> None:
    await story.fail(1)
    await story.fail(2)
    await story.wait(minutes=2)
    await story.judge(ending)
    assert [each.status for each in await story.deliveries()] == ["queued"]
    await story.judge(ending.model_copy(update={"claim_id": "CLM-2"}))
    assert [each.status for each in await story.deliveries()] == ["cancelled"]


async def test_nobody_reacts_so_it_is_reminded_of_and_goes_up_once_each(begin: Any) -> None:
    story = begin(ada='cover = "ben"')
    await story.fail(1)
    await story.wait(days=12)
    told = [(each.created_at.isoformat()[:16], each.person, each.subject) for each in await story.deliveries()]
    where = "at Harbor Physical Therapy"
    assert told == [
        ("2026-11-03T15:30", "ada", f"1 claim needs correcting {where}"),
        ("2026-11-05T14:00", "ada", f"Reminder: 1 claim still needs correcting {where}"),
        ("2026-11-06T14:00", "ada", f"Reminder: 1 claim still needs correcting {where}"),
        ("2026-11-06T22:00", "ben", f"1 claim needs your attention {where}"),
        ("2026-11-09T14:00", "pat", f"1 claim needs your attention {where}"),
    ]
    assert (await story.case()).status == "escalated"
    assert [step.type for step in await story.steps()] == [
        "correction.requested",
        "correction.escalated",
        "correction.escalated",
    ]


async def test_where_nobody_covers_the_manager_hears_when_it_is_due(story: Story) -> None:
    await story.fail(1)
    await story.wait(days=12)
    assert [person for person, _ in await story.mails()] == ["ada", "ada", "ada", "pat"]


async def test_a_manager_who_covers_is_asked_once(begin: Any) -> None:
    story = begin(ada='cover = "pat"')
    await story.fail(1)
    await story.wait(days=12)
    assert [person for person, _ in await story.mails()] == ["ada", "ada", "ada", "pat"]


async def test_a_correction_in_time_ends_it(story: Story) -> None:
    await story.fail(1)
    await story.wait(days=1)
    await story.judge(passed(version=2))
    await story.wait(days=10, step_minutes=240)
    assert len(await story.mails()) == 1
    assert [step.type for step in await story.steps()] == ["correction.requested", "correction.resolved"]


async def test_a_version_that_still_fails_is_told_again(story: Story) -> None:
    await story.fail(1)
    await story.wait(minutes=2)
    await story.fail(1, rule="mod-gn", version=2)
    await story.wait(minutes=2)
    assert len(await story.mails()) == 2
    assert (await story.case()).rules == ["mod-gn"]


async def test_a_version_that_still_fails_does_not_unsay_what_goes_up(begin: Any) -> None:
    """It went up at the end of a day on which the manager is told nothing more: the message waits for the morning."""
    story = begin(pat='quiet_hours = { from = "16:00", to = "08:00" }')
    await story.fail(1)
    await story.wait(days=3, hours=8, step_minutes=60)
    assert (await story.case()).status == "escalated"
    assert "pat" not in [person for person, _ in await story.mails()]
    await story.fail(1, version=2)
    await story.wait(days=4, step_minutes=60)
    assert ("pat", "1 claim needs your attention") in await story.mails()


async def test_a_version_that_still_fails_goes_up_again_a_business_day_later(story: Story) -> None:
    await story.fail(1)
    await story.wait(days=6, step_minutes=60)
    assert [person for person, _ in await story.mails()] == ["ada", "ada", "ada", "pat"]
    # Monday; it still fails, and whoever has it has until Tuesday evening.  Wednesday is Veterans Day.
    await story.fail(1, version=2)
    assert (await story.case()).due_at == datetime(2026, 11, 10, 22, 0, tzinfo=UTC)
    await story.wait(days=10, step_minutes=60)
    again = [(each.created_at.isoformat()[:16], each.person) for each in (await story.deliveries())[4:]]
    assert again == [("2026-11-09T16:00", "ada"), ("2026-11-12T14:00", "pat")]


async def test_no_number_of_versions_keeps_the_manager_from_hearing(begin: Any) -> None:
    """Whoever sends a failing version every morning is not asked in the manager's place for good."""
    story = begin(ada='cover = "ben"')
    for version in range(1, 15):
        await story.fail(1, version=version)
        await story.wait(days=1, step_minutes=60)
    heard = [each.created_at.isoformat()[:10] for each in await story.deliveries() if each.person == "pat"]
    assert heard[0] == "2026-11-09"
    assert len(heard) > 2


async def test_in_quiet_hours_nothing_is_sent(begin: Any) -> None:
    story = begin(ada='quiet_hours = { from = "19:00:00", to = "07:00:00" }')
    story.clock.at = datetime(2026, 11, 4, 0, 30, tzinfo=UTC)  # 19:30 in New York
    await story.fail(1)
    await story.wait(hours=11)
    assert await story.mails() == []
    await story.fail(2)
    await story.wait(hours=1)
    assert await story.mails() == [("ada", "2 claims need correcting")]
    [mail] = await story.deliveries()
    assert mail.created_at == datetime(2026, 11, 4, 12, 0, tzinfo=UTC)


QUIET_NIGHTS = {
    "the clock goes forward": (datetime(2026, 3, 8, 3, 0, tzinfo=UTC), datetime(2026, 3, 8, 11, 0, tzinfo=UTC)),
    "the clock goes back": (datetime(2026, 11, 1, 3, 0, tzinfo=UTC), datetime(2026, 11, 1, 12, 0, tzinfo=UTC)),
}


@pytest.mark.parametrize(("evening", "morning"), QUIET_NIGHTS.values(), ids=QUIET_NIGHTS.keys())
async def test_quiet_hours_end_at_seven_in_the_night_when(begin: Any, evening: datetime, morning: datetime) -> None:
    story = begin(ada='quiet_hours = { from = "19:00:00", to = "07:00:00" }')
    story.clock.at = evening
    await story.fail(1)
    await story.wait(hours=12, step_minutes=15)
    [mail] = await story.deliveries()
    assert mail.created_at == morning


async def test_a_digest_is_one_mail_a_morning(begin: Any) -> None:
    story = begin(ada='digest_at = "07:30:00"')
    await story.fail(1)
    await story.wait(hours=5)
    await story.fail(2)
    await story.wait(hours=20)
    [mail] = await story.deliveries()
    assert mail.created_at == datetime(2026, 11, 4, 12, 30, tzinfo=UTC)
    assert await story.mails() == [("ada", "2 claims need correcting")]


async def test_whoever_covers_is_told_while_somebody_is_away(begin: Any) -> None:
    story = begin(ada='cover = "ben"\naway = [{ from = 2026-11-01, through = 2026-11-03 }]')
    await story.fail(1)
    await story.wait(minutes=2)
    [mail] = await story.deliveries()
    assert mail.person == "ben"
    assert "covers for Ada Quist, PT" in mail.text
    assert (await story.case()).assignee == "ada"
    await story.wait(days=1)
    await story.fail(2)
    await story.wait(minutes=2)
    assert [person for person, _ in await story.mails()] == ["ben", "ada"]


async def test_a_storm_of_one_rule_is_one_mail_a_person_that_day(story: Story) -> None:
    for number in range(60):
        await story.fail(number)
        await story.wait(seconds=5, step_minutes=1)
    await story.wait(hours=12)
    assert [person for person, _ in await story.mails()] == ["ada"]
    await story.wait(hours=12)
    mails = await story.mails()
    assert [person for person, _ in mails] == ["ada", "ada"]
    assert sum(int(subject.split()[0]) for _, subject in mails) == 60


async def test_another_fault_is_told_through_a_storm(story: Story) -> None:
    for number in range(30):
        await story.fail(number)
    await story.wait(minutes=2)
    await story.fail(40)
    await story.fail(41, rule="mod-gn")
    await story.wait(minutes=2)
    assert await story.mails() == [("ada", "30 claims need correcting"), ("ada", "1 claim needs correcting")]


async def test_an_address_is_not_written_to_more_often_than_its_rate(begin: Any) -> None:
    story = begin(mails_per_hour=3)
    for number in range(10):
        await story.fail(number, rule=f"rule-{number}")
        await story.wait(minutes=5)
    first = await story.deliveries()
    assert len(first) == 3
    await story.wait(hours=1)
    assert sum(int(subject.split()[0]) for _, subject in await story.mails()) == 10


async def test_what_is_silenced_is_told_when_the_silence_ends(story: Story) -> None:
    async with story.sessions.begin() as session:
        await silence(
            session, story.by("pat"), reason="A known fault of the export.", rule="units-total-over",
            ends_at=datetime(2026, 11, 3, 20, 0, tzinfo=UTC),
        )  # fmt: skip
    await story.fail(1)
    await story.fail(2, rule="mod-gn")
    await story.wait(hours=4)
    assert await story.mails() == [("ada", "1 claim needs correcting")]
    await story.wait(hours=2)
    assert len(await story.mails()) == 2


async def test_a_silence_that_is_ended_early_tells_within_a_minute(story: Story) -> None:
    async with story.sessions.begin() as session:
        made = await silence(
            session, story.by("pat"), reason="Moving house.", practice="1497758544",
            ends_at=datetime(2026, 11, 20, tzinfo=UTC),
        )  # fmt: skip
    await story.fail(1)
    await story.wait(hours=3)
    async with story.sessions.begin() as session:
        await end_silence(session, made.id, story.by("pat"))
    await story.wait(minutes=1, step_minutes=1)
    assert await story.mails() == [("ada", "1 claim needs correcting")]


async def test_an_address_that_bounced_is_not_used_and_the_manager_hears_instead(story: Story) -> None:
    async with story.sessions.begin() as session:
        session.add(
            DisabledChannel(
                channel="email", address="ada@harbor.example", person="ada", reason="550", since=story.clock()
            )
        )
    await story.fail(1)
    await story.wait(minutes=2)
    [mail] = await story.deliveries()
    assert (mail.person, mail.address) == ("pat", "pat@harbor.example")
    assert "covers for Ada Quist, PT" in mail.text


async def test_somebody_who_left_the_directory_is_stood_in_for_by_the_manager(
    story: Story, sessions: Sessions, clock: Clock, tmp_path: Path
) -> None:
    await story.fail(1)
    later = Story.begin(sessions, clock, tmp_path)
    later.directory.people = {key: value for key, value in later.directory.people.items() if key != "ada"}  # type: ignore[attr-defined]
    await later.wait(minutes=2)
    assert [person for person, _ in await later.mails()] == ["pat"]
