"""What people do to a case, what it leaves behind, and what happens when two do it at once."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from palpate_notifier.actions import (
    Conflict,
    DisputeReason,
    NoSuchCase,
    NotPossible,
    acknowledge,
    bulk,
    cannot_determine,
    dispute,
    fixed_in_my_system,
    note,
    reassign,
    snooze,
)
from palpate_notifier.audit import first_break
from palpate_notifier.database import Sessions
from palpate_notifier.tables import AuditEntry, CaseEvent, CaseMember, Dispute, Notice
from tests.notifier.conftest import Clock
from tests.notifier.stories import Story
from tests.notifier.verdicts import failed, passed

TUESDAY = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)


@pytest.fixture
async def story(sessions: Sessions, tmp_path: Path) -> Story:
    begun = Story.begin(sessions, Clock(TUESDAY), tmp_path, ada='cover = "ben"')
    await begun.fail(1)
    await begun.wait(minutes=2)
    return begun


async def act(story: Story, action: Any, actor: str = "ada", number: int = 1, **more: Any) -> None:
    case = await story.case(number)
    async with story.sessions.begin() as session:
        await action(session, case.id, case.row_version, story.by(actor), **more)


async def people(story: Story) -> list[tuple[str, str]]:
    async with story.sessions() as session:
        rows = await session.scalars(select(CaseMember).order_by(CaseMember.part, CaseMember.person))
        return [(row.part, row.person) for row in rows]


async def notices(story: Story) -> list[tuple[str, str, str]]:
    async with story.sessions() as session:
        rows = await session.scalars(select(Notice).order_by(Notice.created_at, Notice.person))
        return [(row.person, row.kind, row.status) for row in rows]


async def published(story: Story) -> list[tuple[str, str | None]]:
    return [(step.type.removeprefix("correction."), step.data.reason) for step in await story.steps()]


async def test_acknowledged_is_in_hand_and_said(story: Story) -> None:
    before = await story.case()
    await act(story, acknowledge)
    case = await story.case()
    assert (case.status, case.acknowledged_at, case.first_reaction_at) == ("acknowledged", story.clock(), story.clock())
    assert case.row_version > before.row_version
    # In hand: nothing until the last morning.
    assert case.next_step_at == datetime(2026, 11, 6, 14, 0, tzinfo=UTC)
    assert (await story.timeline())[-1] == ("ada", "acknowledged")
    assert await published(story) == [("requested", None), ("acknowledged", None)]


async def test_acknowledging_twice_says_so(story: Story) -> None:
    await act(story, acknowledge)
    with pytest.raises(NotPossible, match="acknowledged already"):
        await act(story, acknowledge)


async def test_fixed_in_my_system_waits_for_the_corrected_version(story: Story) -> None:
    await act(story, fixed_in_my_system)
    case = await story.case()
    assert (case.status, case.mended_at) == ("acknowledged", story.clock())
    assert await published(story) == [("requested", None), ("acknowledged", "fixed_in_my_system")]
    await story.judge(passed(version=2))
    assert (await story.case()).status == "resolved"


async def test_fixed_and_yet_failing_is_open_again_and_told(story: Story) -> None:
    await act(story, fixed_in_my_system)
    await story.fail(1, version=2)
    case = await story.case()
    assert (case.status, case.mended_at) == ("open", None)
    await story.wait(minutes=2)
    assert len(await story.mails()) == 2


async def test_a_dispute_is_counted_and_goes_to_the_manager_without_its_words(story: Story) -> None:
    words = "The payer's bulletin says otherwise."
    await act(story, dispute, rule="units-total-over", reason=DisputeReason.PAYER_DIFFERS, comment=words)
    async with story.sessions() as session:
        row = (await session.scalars(select(Dispute))).one()
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "disputed"))).one()
    assert (row.rule, row.reason, row.comment, row.person) == ("units-total-over", "payer_differs", words, "ada")
    assert "comment" not in entry.detail
    step = (await story.steps())[-1]
    assert (step.type, step.data.reason, step.data.rules) == (
        "correction.disputed",
        "payer_differs",
        ("units-total-over",),
    )
    assert words not in step.model_dump_json()
    case = await story.case()
    assert (case.status, case.next_step_at) == ("disputed", None)
    assert ("manager", "pat") in await people(story)
    await story.wait(days=7, step_minutes=240)
    assert [person for person, _ in await story.mails()] == ["ada", "pat"]


async def test_a_dispute_is_about_a_finding_that_is_there(story: Story) -> None:
    with pytest.raises(NotPossible, match="no such finding"):
        await act(story, dispute, rule="mod-gn", reason=DisputeReason.OTHER, comment="Because.")


async def test_a_case_given_away_is_somebody_elses(story: Story) -> None:
    await act(story, reassign, actor="pat", to="ben")
    case = await story.case()
    assert case.assignee == "ben"
    assert await people(story) == [("clinician", "ben")]
    await story.look()
    assert [person for person, _ in await story.mails()] == ["ada", "ben"]
    # The next version of it stays with them.
    await story.fail(1, rule="mod-gn", version=2)
    assert await people(story) == [("clinician", "ben")]
    assert (await story.case()).assignee == "ben"


async def test_one_part_can_be_given_away(story: Story) -> None:
    clinical, billing = failed("a", claim_id="CLM-2"), failed("b", fixer="biller").findings
    both = clinical.model_copy(update={"findings": (*failed("a", fixer="clinician").findings, *billing)})
    await story.judge(both)
    await act(story, reassign, number=2, to="ben", part="biller")
    case = await story.case(2)
    async with story.sessions() as session:
        rows = await session.scalars(select(CaseMember).where(CaseMember.case_id == case.id).order_by(CaseMember.part))
        assert [(row.part, row.person) for row in rows] == [("biller", "ben"), ("clinician", "ada")]
    assert case.assignee == "ada"
    assert ("bo", "requested", "cancelled") in await notices(story)


async def test_nobody_outside_the_directory_is_given_a_case(story: Story) -> None:
    with pytest.raises(NotPossible, match="nobody of that name"):
        await act(story, reassign, to="eve")


async def test_a_case_at_rest_is_not_reminded_of(story: Story) -> None:
    until = story.clock() + timedelta(days=4)
    await act(story, snooze, until=until)
    await story.wait(days=3, hours=23)
    assert len(await story.mails()) == 1
    # It wakes on a Saturday, after it was due: one reminder, and until the end of the next business day.
    await story.wait(days=2)
    assert len(await story.mails()) == 2
    await story.wait(hours=12)
    assert [person for person, _ in await story.mails()] == ["ada", "ada", "ben"]


@pytest.mark.parametrize(
    ("days", "says"), [(-1, "still to come"), (0, "still to come"), (15, "14 days at most")], ids=str
)
async def test_a_case_rests_for_a_while_and_no_longer(story: Story, days: int, says: str) -> None:
    with pytest.raises(NotPossible, match=says):
        await act(story, snooze, until=story.clock() + timedelta(days=days))


async def test_a_note_is_in_the_timeline_and_not_in_the_audit(story: Story) -> None:
    await act(story, note, text="  Asked the front desk.  ")
    async with story.sessions() as session:
        row = (await session.scalars(select(CaseEvent).where(CaseEvent.what == "note"))).one()
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "note"))).one()
    assert row.detail == {"text": "Asked the front desk."}
    assert entry.detail == {}
    assert await published(story) == [("requested", None)]


@pytest.mark.parametrize(("text", "says"), [("  ", "nothing in the note"), ("x" * 1001, "1000 characters")])
async def test_a_note_says_something_and_not_too_much(story: Story, text: str, says: str) -> None:
    with pytest.raises(NotPossible, match=says):
        await act(story, note, text=text)


async def test_who_cannot_determine_it_hands_it_up(story: Story) -> None:
    await act(story, cannot_determine, comment="I was not there.")
    case = await story.case()
    assert (case.status, case.next_step_at) == ("escalated", None)
    assert await published(story) == [("requested", None), ("escalated", "cannot_determine")]
    await story.look()
    assert [person for person, _ in await story.mails()] == ["ada", "pat"]


async def test_the_manager_has_nobody_further_to_ask(story: Story) -> None:
    with pytest.raises(NotPossible, match="nobody further"):
        await act(story, cannot_determine, actor="pat", comment="Nor do I.")


async def test_what_changed_meanwhile_is_a_conflict_and_changes_nothing(story: Story) -> None:
    seen = await story.case()
    await act(story, acknowledge)
    now = await story.case()
    with pytest.raises(Conflict) as conflict:
        async with story.sessions.begin() as session:
            await snooze(session, seen.id, seen.row_version, story.by("pat"), until=story.clock() + timedelta(days=1))
    assert conflict.value.row_version == now.row_version
    assert (await story.case()).snoozed_until is None


async def test_a_newer_version_of_the_claim_is_a_conflict_too(story: Story) -> None:
    seen = await story.case()
    await story.judge(passed(version=2))
    with pytest.raises(Conflict):
        async with story.sessions.begin() as session:
            await acknowledge(session, seen.id, seen.row_version, story.by("ada"))


async def test_a_closed_case_takes_a_note_and_nothing_else(story: Story) -> None:
    await story.judge(passed(version=2))
    with pytest.raises(NotPossible, match="closed"):
        await act(story, acknowledge)
    await act(story, note, text="It was the modifier.")


async def test_no_such_case(story: Story) -> None:
    async with story.sessions.begin() as session:
        with pytest.raises(NoSuchCase):
            await acknowledge(session, "nothing", 1, story.by("ada"))


async def test_bulk_leaves_alone_what_changed_since_the_preview(story: Story) -> None:
    for number in (2, 3, 4):
        await story.fail(number)
    preview = [await story.case(number) for number in (1, 2, 3, 4)]
    await act(story, note, number=2, text="Looking at it.")
    await story.judge(passed(claim_id="CLM-3", version=2))
    await act(story, acknowledge, number=4)
    fresh = [preview[0], preview[1], await story.case(3), await story.case(4)]
    async with story.sessions.begin() as session:
        result = await bulk(session, [(c.id, c.row_version) for c in fresh], acknowledge, story.by("pat"))
    assert result.done == [preview[0].id]
    assert result.changed_meanwhile == [preview[1].id]
    assert list(result.not_possible) == [preview[2].id, preview[3].id]
    assert [(await story.case(number)).status for number in (1, 2, 3, 4)] == [
        "acknowledged",
        "open",
        "resolved",
        "acknowledged",
    ]


async def test_bulk_takes_an_action_with_its_details(story: Story) -> None:
    case = await story.case()
    async with story.sessions.begin() as session:
        result = await bulk(session, [(case.id, case.row_version)], partial(reassign, to="ben"), story.by("pat"))
    assert result.done == [case.id]
    assert (await story.case()).assignee == "ben"


async def test_everything_that_people_do_is_in_an_unbroken_audit(story: Story) -> None:
    await act(story, acknowledge)
    await act(story, note, text="Done on Thursday.")
    await act(story, reassign, to="ben")
    async with story.sessions() as session:
        entries = (await session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))).all()
    reference = (await story.case()).reference
    assert [(entry.actor, entry.action) for entry in entries] == [
        ("ada", "acknowledged"),
        ("ada", "note"),
        ("ada", "reassigned"),
    ]
    assert {entry.object for entry in entries} == {f"case/{reference}"}
    assert first_break(entries) is None
