"""What people do to a case.  Each action checks that the case is still what they saw, and leaves its trace.

An action changes the case and writes, in the caller's transaction: the timeline, the audit, and the `corrections` event
where the contract has one.  Nothing is committed here; nothing is sent here.

```python
async with sessions.begin() as session:
    await acknowledge(session, case_id, row_version, by)
```
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier import audit
from palpate_notifier.cases import Status, Step
from palpate_notifier.correction_events import step_event
from palpate_notifier.directory import Directory
from palpate_notifier.notices import Kind, notice, withdraw
from palpate_notifier.schedule import Place, Waiting, next_step
from palpate_notifier.tables import CaseEvent, CaseMember, CaseRow, Dispute

LONGEST_TEXT = 1_000
LONGEST_SNOOZE = timedelta(days=14)


class Conflict(Exception):
    """Somebody, or a newer version of the claim, changed the case since it was looked at."""

    def __init__(self, case: CaseRow) -> None:
        super().__init__(f"case {case.reference} has changed")
        self.case_id, self.reference, self.row_version = case.id, case.reference, case.row_version


class NoSuchCase(LookupError):
    """There is no case of this id."""


class NotPossible(ValueError):
    """The action does not fit: the text says why, in words to show."""


class DisputeReason(StrEnum):
    """Why a finding is said to be wrong: what is counted, and published."""

    RULE_IS_WRONG = "rule_is_wrong"
    """The rule does not say what the payer or the manual says."""
    PAYER_DIFFERS = "payer_differs"
    """This payer does it otherwise."""
    FACTS_ARE_WRONG = "facts_are_wrong"
    """The claim event does not say what is in the record."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and what an action needs to know of the world."""

    actor: str
    """A person's id in the directory."""
    clock: Callable[[], datetime]
    directory: Directory


class Action(Protocol):
    """An action that needs nothing but the case: what `bulk` applies."""

    def __call__(self, session: AsyncSession, case_id: str, row_version: int, by: By) -> Awaitable[CaseRow]:
        """Apply it."""
        ...


async def acknowledge(session: AsyncSession, case_id: str, row_version: int, by: By) -> CaseRow:
    """They have it in hand.  Also takes a dispute back."""
    case = await take(session, case_id, row_version)
    if case.status == Status.ACKNOWLEDGED:
        raise NotPossible("This case is acknowledged already.")
    now = by.clock()
    case.status, case.acknowledged_at = Status.ACKNOWLEDGED, now
    await _done(session, case, by, now, "acknowledged", step=Step.ACKNOWLEDGED)
    return case


async def fixed_in_my_system(session: AsyncSession, case_id: str, row_version: int, by: By) -> CaseRow:
    """They have corrected it where the claim is; it closes when the corrected version comes and passes."""
    case = await take(session, case_id, row_version)
    if case.mended_at is not None:
        raise NotPossible("This case is marked as fixed already; it closes when the corrected claim passes.")
    now = by.clock()
    case.status, case.mended_at = Status.ACKNOWLEDGED, now
    case.acknowledged_at = case.acknowledged_at or now
    await _done(session, case, by, now, "fixed in their system", step=Step.ACKNOWLEDGED, reason="fixed_in_my_system")
    return case


async def dispute(
    session: AsyncSession, case_id: str, row_version: int, by: By, *, rule: str, reason: DisputeReason, comment: str
) -> CaseRow:
    """They say that a rule is wrong here.  The manager is told; reminders stop."""
    case = await take(session, case_id, row_version)
    if rule not in {finding["rule"] for finding in case.findings}:
        raise NotPossible("This case has no such finding any more.")
    now = by.clock()
    comment = _text(comment, "Say in a sentence why.")
    case.status = Status.DISPUTED
    session.add(
        Dispute(
            id=_new_id(),
            case_id=case.id,
            rule=rule,
            version=case.version,
            person=by.actor,
            reason=reason,
            comment=comment,
            at=now,
        )
    )
    manager = by.directory.manager_of(case.practice)
    if manager.id != by.actor:
        session.add(notice(case, manager.id, Kind.DISPUTED, why="manages the practice", now=now, rule=rule))
        await _join(session, case, "manager", manager.id)
    await _done(
        session,
        case,
        by,
        now,
        "disputed",
        step=Step.DISPUTED,
        reason=reason.value,
        rules=(rule,),
        detail={"rule": rule, "reason": reason.value, "comment": comment},
    )
    return case


async def reassign(
    session: AsyncSession, case_id: str, row_version: int, by: By, *, to: str, part: str | None = None
) -> CaseRow:
    """Give a case, or one part of it, to somebody else.

    Args:
        session: Open, in a transaction.
        case_id: The case.
        row_version: The version of it that was looked at.
        by: Who acts.
        to: A person's id in the directory.
        part: `clinician`, `biller` or `front_desk`: whose findings go over; by default everything does.
    """
    case = await take(session, case_id, row_version)
    person = by.directory.people.get(to)
    if person is None:
        raise NotPossible("There is nobody of that name in the directory.")
    members = (await session.scalars(select(CaseMember).where(CaseMember.case_id == case.id))).all()
    parts = {member.part for member in members} & {"clinician", "biller", "front_desk"} or {"clinician"}
    if part is not None and part not in parts:
        raise NotPossible("Nothing in this case is for that part of the team.")
    moved = parts if part is None else {part}
    before = {member.person for member in members if member.part in moved}
    if before == {to}:
        raise NotPossible("It is with them already.")
    now = by.clock()
    await session.execute(delete(CaseMember).where(CaseMember.case_id == case.id, CaseMember.part.in_(moved)))
    for each in sorted(moved):
        session.add(CaseMember(case=case, part=each, person=to))
    for person_id in sorted(before - {to}):
        await withdraw(session, [case.id], now, person=person_id)
    if case.assignee in before or part is None:
        case.assignee = to
    if to != by.actor:
        session.add(notice(case, to, Kind.REASSIGNED, why="was given it by a colleague", now=now))
    await _done(session, case, by, now, "reassigned", detail={"from": sorted(before), "to": to, "parts": sorted(moved)})
    return case


async def snooze(session: AsyncSession, case_id: str, row_version: int, by: By, *, until: datetime) -> CaseRow:
    """Let it rest: no reminder and no escalation before then.  It does not move the day on which it is due."""
    case = await take(session, case_id, row_version)
    now = by.clock()
    if until <= now:
        raise NotPossible("Choose a time that is still to come.")
    if until > now + LONGEST_SNOOZE:
        raise NotPossible(f"A case can rest for {LONGEST_SNOOZE.days} days at most.")
    case.snoozed_until = until
    await _done(session, case, by, now, "snoozed", detail={"until": until.isoformat()})
    return case


async def note(session: AsyncSession, case_id: str, row_version: int, by: By, *, text: str) -> CaseRow:
    """Write something down for colleagues."""
    case = await take(session, case_id, row_version, closed_too=True)
    await _done(session, case, by, by.clock(), "note", detail={"text": _text(text, "There is nothing in the note.")})
    return case


async def cannot_determine(session: AsyncSession, case_id: str, row_version: int, by: By, *, comment: str) -> CaseRow:
    """They cannot answer the question that the case asks: the manager has it."""
    case = await take(session, case_id, row_version)
    now = by.clock()
    comment = _text(comment, "Say in a sentence what is missing.")
    manager = by.directory.manager_of(case.practice)
    if by.actor == manager.id:
        raise NotPossible("You manage this practice, so there is nobody further to ask; reassign it or add a note.")
    case.status, case.escalations = Status.ESCALATED, 2
    session.add(notice(case, manager.id, Kind.ESCALATION, why="manages the practice", now=now, asked_by=by.actor))
    await _join(session, case, "manager", manager.id)
    await _done(
        session, case, by, now, "cannot determine", step=Step.ESCALATED, reason="cannot_determine",
        detail={"comment": comment},
    )  # fmt: skip
    return case


@dataclass(slots=True)
class Bulk:
    """What became of each case of a bulk action, by case id."""

    done: list[str] = field(default_factory=list)
    changed_meanwhile: list[str] = field(default_factory=list)
    not_possible: dict[str, str] = field(default_factory=dict)


async def bulk(session: AsyncSession, cases: Sequence[tuple[str, int]], action: Action, by: By) -> Bulk:
    """Apply one action to many cases.  One that has changed meanwhile is left as it is; the others go on.

    Args:
        session: Open, in a transaction.
        cases: Case id and the row version that was shown in the preview.
        action: E.g. `acknowledge`, or `functools.partial(reassign, to="ben")`.
        by: Who acts.
    """
    result = Bulk()
    await _take_all(session, [case_id for case_id, _ in cases])
    for case_id, row_version in cases:
        try:
            async with session.begin_nested():
                await action(session, case_id, row_version, by)
        except (Conflict, NoSuchCase):
            result.changed_meanwhile.append(case_id)
        except NotPossible as reason:
            result.not_possible[case_id] = str(reason)
        else:
            result.done.append(case_id)
    return result


async def _take_all(session: AsyncSession, case_ids: Sequence[str]) -> None:
    """Lock what an action on many touches before its first step.

    The first step takes the end of the audit's chain, for which everybody waits: whoever holds it must not wait for a
    row of somebody who wants it.  In the recorder's order, so that neither holds the other up for good.
    """
    rows = select(CaseRow.id).where(CaseRow.id.in_(case_ids)).order_by(CaseRow.source, CaseRow.claim_id)
    await session.execute(rows.with_for_update(key_share=True))


async def take(session: AsyncSession, case_id: str, row_version: int, *, closed_too: bool = False) -> CaseRow:
    """The case, locked, if it is still what was looked at.

    Raises:
        NoSuchCase: there is none.
        Conflict: it has changed.
        NotPossible: it is closed.
    """
    # NO KEY: whoever adds to the case's timeline meanwhile refers to it, and need not wait.
    locked = select(CaseRow).where(CaseRow.id == case_id).with_for_update(key_share=True)
    case = await session.scalar(locked.execution_options(populate_existing=True))
    if case is None:
        raise NoSuchCase(case_id)
    if case.row_version != row_version:
        raise Conflict(case)
    if Status(case.status).is_closed and not closed_too:
        raise NotPossible("This case is closed.")
    return case


def waiting(case: CaseRow, directory: Directory) -> Waiting:
    """A case as its schedule sees it."""
    assignee = directory.people.get(case.assignee)
    cover = directory.cover_of(assignee) if assignee is not None else None
    return Waiting(
        status=Status(case.status),
        opened_at=case.opened_at,
        due_at=case.due_at,
        snoozed_until=case.snoozed_until,
        reminders=case.reminders,
        escalations=case.escalations,
        # Where the manager covers, they are asked once and not twice.
        has_cover=cover is not None and cover.id != directory.manager_of(case.practice).id,
    )


def place_of(practice: str, directory: Directory) -> Place:
    """Where a practice is."""
    return Place(directory.zone_of_practice(practice), directory.state_of(practice))


def plan(case: CaseRow, directory: Directory, now: datetime, *, repeat: int = 1) -> None:
    """Set when the case's next reminder or escalation is due."""
    coming = next_step(waiting(case, directory), place_of(case.practice, directory), repeat=repeat, after=now)
    case.next_step_at = None if coming is None else coming[1]


async def _join(session: AsyncSession, case: CaseRow, part: str, person: str) -> None:
    if await session.get(CaseMember, (case.id, part, person)) is None:
        session.add(CaseMember(case=case, part=part, person=person))


async def _done(
    session: AsyncSession,
    case: CaseRow,
    by: By,
    now: datetime,
    what: str,
    *,
    step: Step | None = None,
    reason: str | None = None,
    rules: Sequence[str] | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    case.updated_at = now
    case.first_reaction_at = case.first_reaction_at or now
    plan(case, by.directory, now)
    session.add(CaseEvent(case=case, at=now, actor=by.actor, what=what, version=case.version, detail=detail or {}))
    if step is not None:
        session.add(step_event(case, step, now, reason=reason, rules=rules))
    # What somebody typed is in the timeline; the audit, which is exported, says that they did, and to what.
    said = {key: value for key, value in (detail or {}).items() if key not in {"comment", "text"}}
    await audit.record(session, actor=by.actor, action=what, about=f"case/{case.reference}", at=now, detail=said)


def _text(text: str, empty: str) -> str:
    text = text.strip()
    if not text:
        raise NotPossible(empty)
    if len(text) > LONGEST_TEXT:
        raise NotPossible(f"Please keep it to {LONGEST_TEXT} characters.")
    return text


def _new_id() -> str:
    return str(uuid.uuid4())
