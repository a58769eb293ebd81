"""Turns notices into messages: what waits for one person is one message, when they may be told.

What is decided is in `preferences` (pure); here it is looked up, put together, and written in one transaction.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier.cases import errors
from palpate_notifier.database import Outage, Sessions
from palpate_notifier.directory import Directory, Person
from palpate_notifier.messages import Told, corrections, names_claims
from palpate_notifier.notices import Kind, NoticeStatus
from palpate_notifier.outbox import Address, addresses, queue, usable
from palpate_notifier.preferences import (
    HOUR,
    Preferences,
    Quiet,
    after_the_storm,
    may_be_told_at,
    silenced_until,
    storms,
)
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import CaseEvent, CaseMember, CaseRow, Delivery, DeliveryCase, Notice, Silence
from palpate_schemas.finding import Finding

log = structlog.stdlib.get_logger()

LOOK_EVERY_S = 1.0
AT_ONCE = 500
"""The most notices looked at in one transaction: each comes with its case, and is held in memory."""
LOOK_AGAIN = timedelta(minutes=1)
URGENT = frozenset({Kind.ESCALATION, Kind.DISPUTED, Kind.REASSIGNED})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice with its case."""

    notice: Notice
    case: CaseRow

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the claim fail."""
        return errors(Finding.model_validate(finding) for finding in self.case.findings)


class Dispatcher:
    """Looks for notices whose window is over, and puts one message a person into the outbox."""

    def __init__(
        self,
        sessions: Sessions,
        directory: Directory,
        settings: NotifierSettings,
        clock: Callable[[], datetime],
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        self._sessions, self._directory, self._settings, self._clock = sessions, directory, settings, clock
        self._queued, self._outage = queued, Outage()

    async def run(self) -> None:
        """Dispatch for good."""
        while True:
            with self._outage.waited_for():
                if await self.dispatch_due():
                    self._queued()
            await asyncio.sleep(LOOK_EVERY_S)

    async def dispatch_due(self) -> int:
        """Put what is due into the outbox; returns how many messages that is."""
        now = self._clock()
        async with self._sessions.begin() as session:
            due = select(Notice.id).where(Notice.status == NoticeStatus.WAITING, Notice.not_before <= now).limit(1)
            if await session.scalar(due) is None:
                return 0
            # One dispatcher at a time has somebody's notices: two would send two messages.  Not more than a night's
            # worth at once, however many wait; what is due comes first, and leaves or is put off: all get there.
            found = (
                await session.execute(
                    select(Notice, CaseRow)
                    .join(CaseRow, CaseRow.id == Notice.case_id)
                    .where(Notice.status == NoticeStatus.WAITING)
                    .order_by(Notice.not_before, Notice.created_at, Notice.id)
                    .limit(AT_ONCE)
                    .with_for_update(of=Notice, skip_locked=True)
                )
            ).all()
            found = sorted(found, key=lambda row: (row.Notice.created_at, row.Notice.id))
            silences = await self._silences(session, now)
            messages = 0
            for person, mine in self._by_person([Waiting(row.Notice, row.CaseRow) for row in found], now).items():
                heard = self._unsilenced(mine, silences, now)
                if any(each.notice.not_before <= now for each in heard):
                    messages += await self._tell(session, self._directory.people[person], heard, now)
        return messages

    def _by_person(self, waiting: Sequence[Waiting], now: datetime) -> Mapping[str, list[Waiting]]:
        """Whose each notice is today: somebody who is away is stood in for."""
        found: dict[str, list[Waiting]] = {}
        for each in waiting:
            person = self._directory.people.get(each.notice.person) or self._directory.manager_of(each.case.practice)
            today = now.astimezone(self._directory.zone_of(person)).date()
            found.setdefault(self._directory.standing_in(person, today).id, []).append(each)
        return found

    async def _silences(self, session: AsyncSession, now: datetime) -> list[Quiet]:
        rows = await session.scalars(select(Silence).where(Silence.starts_at <= now, Silence.ends_at > now))
        return [Quiet(row.ends_at, row.practice, row.person, row.rule, row.family) for row in rows]

    def _unsilenced(self, waiting: Sequence[Waiting], silences: Sequence[Quiet], now: datetime) -> list[Waiting]:
        """What is not silenced.  The rest is looked at again in a minute: a silence can be ended early."""
        heard: list[Waiting] = []
        for each in waiting:
            until = silenced_until(
                silences,
                practice=each.case.practice,
                person=each.notice.person,
                faults=[(finding.rule, finding.family) for finding in each.errors] if silences else (),
            )
            if until is None:
                heard.append(each)
            elif each.notice.not_before <= now:
                each.notice.not_before = min(until, now + LOOK_AGAIN)
        return heard

    async def _tell(self, session: AsyncSession, person: Person, waiting: Sequence[Waiting], now: datetime) -> int:
        """Tell one person of what waits for them, or put it off until they may be told."""
        zone = self._directory.zone_of(person)
        sent = await self._sent(session, person, now)
        ready = await self._without_storms(session, person, waiting, told=bool(sent), now=now)
        if not any(each.notice.not_before <= now for each in ready):
            return 0
        at = may_be_told_at(
            now,
            Preferences(zone, person.quiet_hours, person.digest_at, self._settings.mails_per_hour),
            waiting_since=min(each.notice.created_at for each in ready),
            urgent=any(each.notice.kind in URGENT for each in ready),
            sent=sent,
        )
        if at > now:
            for each in ready:
                each.notice.not_before = max(each.notice.not_before, at)
            return 0
        return await self._queue(session, person, ready, now)

    async def _sent(self, session: AsyncSession, person: Person, now: datetime) -> list[datetime]:
        """When this person's addresses were written to within the hour, one entry a message."""
        rows = await session.scalars(
            select(Delivery.created_at).where(
                Delivery.person == person.id, Delivery.kind == "notice", Delivery.created_at > now - HOUR
            )
        )
        return sorted(set(rows))

    async def _without_storms(
        self,
        session: AsyncSession,
        person: Person,
        waiting: Sequence[Waiting],
        *,
        told: bool,
        now: datetime,
    ) -> list[Waiting]:
        """The first message of a storm is told; the rest of it waits until the morning."""
        if not told:
            return list(waiting)
        before = (
            await session.scalars(
                select(CaseRow.rules)
                .join(DeliveryCase, DeliveryCase.case_id == CaseRow.id)
                .join(Delivery, Delivery.id == DeliveryCase.delivery_id)
                .where(Delivery.person == person.id, Delivery.kind == "notice", Delivery.created_at > now - HOUR)
            )
        ).all()
        storm = storms(
            (rule for each in waiting for rule in each.case.rules),
            (rule for rules in before for rule in rules),
            size=self._settings.storm_cases,
        )
        ready: list[Waiting] = []
        for each in waiting:
            if each.notice.kind == Kind.REQUESTED and storm.issuperset(each.case.rules):
                each.notice.not_before = after_the_storm(now, self._directory.zone_of(person))
            else:
                ready.append(each)
        return ready

    async def _queue(self, session: AsyncSession, person: Person, waiting: Sequence[Waiting], now: datetime) -> int:
        """One message a channel, and a line in the timeline of each case."""
        channels = list(dict.fromkeys(channel for each in waiting for channel in each.notice.channels))
        reached = await usable(session, addresses(person, channels)) or await usable(session, addresses(person))
        if reached:
            return await self._queue_for(session, person, reached, waiting, now)
        return await self._queue_for_managers(session, person, waiting, now)

    async def _queue_for_managers(
        self, session: AsyncSession, person: Person, waiting: Sequence[Waiting], now: datetime
    ) -> int:
        """Every address of somebody has bounced: whoever manages each practice hears of its cases in their place."""
        by_manager: dict[str, list[Waiting]] = {}
        for each in waiting:
            by_manager.setdefault(self._directory.manager_of(each.case.practice).id, []).append(each)
        messages = 0
        for name, theirs in by_manager.items():
            manager = self._directory.people[name]
            reached = [] if name == person.id else await usable(session, addresses(manager))
            if reached:
                messages += await self._queue_for(session, manager, reached, theirs, now)
                continue
            log.error("nobody_to_tell", person=person.id, cases=len(theirs))
            for each in theirs:
                each.notice.not_before = now + HOUR
        return messages

    async def _queue_for(
        self,
        session: AsyncSession,
        recipient: Person,
        reached: Sequence[Address],
        waiting: Sequence[Waiting],
        now: datetime,
    ) -> int:
        told = [self._told(recipient, each) for each in waiting]
        for address in reached:
            self._put(session, recipient, address, waiting=waiting, told=told, now=now)
        for each in waiting:
            each.notice.status, each.notice.settled_at = NoticeStatus.TOLD, now
            await self._note(session, recipient, each, reached, now)
        log.info("message_queued", person=recipient.id, cases=len(waiting), channels=[str(a.channel) for a in reached])
        return len(reached)

    def _told(self, recipient: Person, waiting: Waiting) -> Told:
        case, about = waiting.case, waiting.notice
        meant = self._directory.people.get(about.person)
        why = about.why
        if meant is not None and meant.id != recipient.id:
            why = f"covers for {meant.name}"
        return Told(
            reference=case.reference,
            claim_id=case.claim_id,
            version=case.version,
            practice=self._directory.practice_name(case.practice),
            kind=Kind(about.kind),
            why=why,
            due_at=case.due_at,
            zone=self._directory.zone_of_practice(case.practice),
            findings=waiting.errors,
            still=tuple(about.detail.get("still", ())),
        )

    def _put(
        self,
        session: AsyncSession,
        recipient: Person,
        address: Address,
        *,
        waiting: Sequence[Waiting],
        told: Sequence[Told],
        now: datetime,
    ) -> None:
        url = self._settings.inbox_url
        in_full = names_claims(address.channel, url)
        queue(
            session,
            recipient,
            address,
            corrections(name=recipient.name, cases=told, inbox_url=url, in_full=in_full),
            cases=[each.case.id for each in waiting],
            practice=waiting[0].case.practice,
            kind="notice",
            mail_domain=self._settings.mail_domain,
            now=now,
        )

    async def _note(
        self, session: AsyncSession, recipient: Person, waiting: Waiting, reached: Sequence[Address], now: datetime
    ) -> None:
        case, about = waiting.case, waiting.notice
        detail: dict[str, Any] = {
            "person": recipient.id,
            "kind": about.kind,
            "channels": [str(address.channel) for address in reached],
        }
        if recipient.id != about.person:
            detail["instead_of"] = about.person
            if await session.get(CaseMember, (case.id, "cover", recipient.id)) is None:
                session.add(CaseMember(case=case, part="cover", person=recipient.id))
        session.add(CaseEvent(case=case, at=now, actor="palpate", what="told", version=case.version, detail=detail))
