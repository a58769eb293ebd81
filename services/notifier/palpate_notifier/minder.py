"""Reminds of cases that nobody mends, and takes them up: to whoever covers, then to the manager, once each."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier import audit
from palpate_notifier.actions import place_of, plan, waiting
from palpate_notifier.cases import LIVE, Status, Step
from palpate_notifier.correction_events import step_event
from palpate_notifier.database import Outage, Sessions
from palpate_notifier.directory import Directory, Person
from palpate_notifier.notices import Kind, notice
from palpate_notifier.recorder import assigned, repeat_of
from palpate_notifier.routing import Route
from palpate_notifier.schedule import NextStep, next_step, reminders_after
from palpate_notifier.tables import CaseEvent, CaseMember, CaseRow

log = structlog.stdlib.get_logger()

LOOK_EVERY_S = 5.0
AT_ONCE = 200


class Minder:
    """Looks for cases whose next step is due."""

    def __init__(
        self,
        sessions: Sessions,
        directory: Directory,
        routes: Route,
        clock: Callable[[], datetime],
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        self._sessions, self._directory, self._routes, self._clock = sessions, directory, routes, clock
        self._queued, self._outage = queued, Outage()

    async def run(self) -> None:
        """Mind for good."""
        while True:
            with self._outage.waited_for():
                if await self.mind_due():
                    self._queued()
            await asyncio.sleep(LOOK_EVERY_S)

    async def mind_due(self) -> int:
        """Take the steps that are due; returns how many."""
        now = self._clock()
        async with self._sessions.begin() as session:
            cases = (
                await session.scalars(
                    select(CaseRow)
                    .where(CaseRow.next_step_at <= now, CaseRow.status.in_(LIVE))
                    .order_by(CaseRow.next_step_at)
                    .limit(AT_ONCE)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            for case in cases:
                await self._mind(session, case, now)
        return len(cases)

    async def _mind(self, session: AsyncSession, case: CaseRow, now: datetime) -> None:
        repeat = repeat_of(assigned(case, self._routes, self._directory))
        planned = case.next_step_at or now
        coming = next_step(
            waiting(case, self._directory),
            place_of(case.practice, self._directory),
            repeat=repeat,
            after=planned - timedelta(microseconds=1),
        )
        if coming is not None and coming[1] <= now:
            if coming[0] is NextStep.REMIND:
                await self._remind(session, case, now)
            else:
                await self._escalate(session, case, coming[0], now)
        plan(case, self._directory, now, repeat=repeat)

    async def _remind(self, session: AsyncSession, case: CaseRow, now: datetime) -> None:
        case.reminders = reminders_after(waiting(case, self._directory))
        case.updated_at = now
        members = (await session.scalars(select(CaseMember).where(CaseMember.case_id == case.id))).all()
        people = list(dict.fromkeys(member.person for member in members if member.part not in {"cover", "manager"}))
        for person in people or [case.assignee]:
            session.add(notice(case, person, Kind.REMINDER, why="has this case", now=now))
        _trace(session, case, "reminded", now, {"people": people, "reminder": case.reminders})

    async def _escalate(self, session: AsyncSession, case: CaseRow, to: NextStep, now: datetime) -> None:
        person, why, part, level = self._above(case, to)
        case.escalations, case.status, case.updated_at = level, Status.ESCALATED, now
        if await session.get(CaseMember, (case.id, part, person.id)) is None:
            session.add(CaseMember(case=case, part=part, person=person.id))
        session.add(notice(case, person.id, Kind.ESCALATION, why=why, now=now))
        session.add(step_event(case, Step.ESCALATED, now, reason="not_corrected_in_time"))
        _trace(session, case, "correction.escalated", now, {"to": person.id, "as": part})
        await audit.record(
            session,
            actor="palpate",
            action="escalated",
            about=f"case/{case.reference}",
            at=now,
            detail={"to": person.id},
        )

    def _above(self, case: CaseRow, to: NextStep) -> tuple[Person, str, str, int]:
        assignee = self._directory.people.get(case.assignee)
        cover = self._directory.cover_of(assignee) if assignee is not None else None
        if to is NextStep.ASK_COVER and assignee is not None and cover is not None:
            return cover, f"covers for {assignee.name}", "cover", 1
        return self._directory.manager_of(case.practice), "manages the practice", "manager", 2


def _trace(session: AsyncSession, case: CaseRow, what: str, now: datetime, detail: dict[str, Any]) -> None:
    session.add(CaseEvent(case=case, at=now, actor="palpate", what=what, version=case.version, detail=detail))
    log.info("case_minded", case_id=case.id, claim_id=case.claim_id, step=what)
