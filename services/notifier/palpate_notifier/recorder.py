"""Records verdicts: the case changed, messages and events queued, all in one transaction, and only then the ack."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier.actions import place_of, plan
from palpate_notifier.cases import Change, Head, Standing, Status, change, errors, rules_of
from palpate_notifier.correction_events import step_event
from palpate_notifier.database import AWAY, Sessions, is_away
from palpate_notifier.directory import Directory
from palpate_notifier.notices import OF_A_VERSION, Kind, notice, withdraw
from palpate_notifier.references import new_reference
from palpate_notifier.routing import Assignment, Route, assignments
from palpate_notifier.schedule import due, due_again
from palpate_notifier.tables import CaseEvent, CaseMember, CaseRow, ClaimHead
from palpate_runtime import metrics
from palpate_runtime.commit import Acknowledger
from palpate_runtime.consumer import Entry, Failures, TransientError
from palpate_schemas.events import ClaimFailed, ClaimPassed
from palpate_schemas.finding import Finding
from palpate_schemas.values import Program
from palpate_schemas.verdict import ClaimVerdict

log = structlog.stdlib.get_logger()

Verdict = ClaimFailed | ClaimPassed
_AT_ONCE = 200
_VERDICT: TypeAdapter[Verdict] = TypeAdapter(Verdict)


class Recorder:
    """Takes verdict events into the database, batch by batch."""

    def __init__(
        self,
        sessions: Sessions,
        directory: Directory,
        *,
        routes: Route,
        clock: Callable[[], datetime],
        group_wait: timedelta | None = None,
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        """`group_wait`, where it is given, is that of every route."""
        self._sessions, self._directory, self._routes, self._group_wait = sessions, directory, routes, group_wait
        self._clock, self._queued = clock, queued

    async def record(self, entries: Sequence[Entry], acknowledger: Acknowledger, group: str) -> Failures:
        """Record a batch and acknowledge it.

        An entry that cannot be read, or whose record breaks, stays pending (and is buried in the end); the others are
        not held up by it.

        Raises:
            TransientError: the database is away; nothing was acknowledged.
        """
        readable, failures = _read(entries)
        try:
            try:
                lines = await self._record_together(readable)
            except AWAY as error:
                if is_away(error):
                    raise
                lines = await self._record_one_by_one(readable, failures)
            except Exception:  # noqa: BLE001 - found again below, where it is known whose it is
                lines = await self._record_one_by_one(readable, failures)
        except AWAY as error:
            if is_away(error):
                raise TransientError("the database is away") from error
            raise
        if lines:
            await acknowledger.xack(entries[0].stream, group, *(line["entry_id"] for line in lines))
        for line in lines:
            log.info("verdict_recorded", **line)
            metrics.ENTRIES.labels(line["stream"], line["outcome"]).inc()
        self._queued()
        return failures

    async def _record_together(self, events: Sequence[tuple[Entry, Verdict]]) -> list[dict[str, Any]]:
        """A whole batch in one flush: many times as fast, and nothing is written when any of it breaks."""
        async with self._sessions.begin() as session:
            known = await _known(session, [event for _, event in events])
            lines = [await self._take(session, known, entry, event) for entry, event in events]
            await self._quieten(session, known)
            return lines

    async def _quieten(self, session: AsyncSession, known: "_Known") -> None:
        """Nobody is told or reminded of a closed case: what waits goes in the same transaction."""
        closed = [case.id for key, case in known.cases.items() if key in known.changed and case.closed_at is not None]
        if closed:
            await withdraw(session, closed, self._clock())

    async def _record_one_by_one(
        self, events: Sequence[tuple[Entry, Verdict]], failures: dict[str, Exception]
    ) -> list[dict[str, Any]]:
        """The same with a savepoint each, so that the one that breaks is known and the others are not held up."""
        lines: list[dict[str, Any]] = []
        async with self._sessions.begin() as session:
            for entry, event in events:
                try:
                    async with session.begin_nested():
                        known = await _known(session, [event])
                        lines.append(await self._take(session, known, entry, event))
                        await self._quieten(session, known)
                except AWAY as error:
                    if is_away(error):
                        raise
                    failures[entry.id] = error
                except Exception as error:  # noqa: BLE001 - the stream edge: tried again, then buried
                    failures[entry.id] = error
        return lines

    async def _take(self, session: AsyncSession, known: "_Known", entry: Entry, event: Verdict) -> dict[str, Any]:
        """Apply one verdict; returns what the log says of it."""
        verdict = event.data
        said = {
            "claim_id": verdict.claim_id,
            "claim_version": verdict.version,
            "event_id": event.id,
            "correlation_id": event.traceparent or verdict.source_event.id,
            "verdict": str(verdict.verdict),
            "entry_id": entry.id,
            "stream": entry.stream,
        }
        if not known.is_news(session, verdict):
            return said | {"outcome": "duplicate"}
        case = known.cases.get(_key(verdict))
        standing = None if case is None else Standing(Status(case.status), frozenset(case.rules), case.version)
        changed = change(standing, verdict)
        if changed is None:
            return said | {"outcome": "nothing_to_do"}
        known.changed.add(_key(verdict))
        case = known.cases[_key(verdict)] = await self._apply(session, case, changed, event)
        return said | {"outcome": "recorded", "case_id": case.id, "step": changed.step or "unchanged"}

    async def _apply(self, session: AsyncSession, case: CaseRow | None, changed: Change, event: Verdict) -> CaseRow:
        verdict, now = event.data, self._clock()
        is_new, begins = case is None, case is None or case.closed_at is not None
        if case is None:
            case = self._new(verdict)
        if begins:
            self._open(case, verdict, now)
        case.version, case.updated_at, case.status = verdict.version, now, changed.status
        case.closed_at = now if changed.status.is_closed else None
        case.source_event_id, case.traceparent = verdict.source_event.id, event.traceparent
        session.add(case)
        if changed.status.is_closed:
            case.next_step_at = None
        else:
            self._describe(case, verdict)
        if changed.tell:
            members = {} if begins else await self._members(session, case)
            if not is_new:
                await session.execute(delete(CaseMember).where(CaseMember.case_id == case.id))
                # What went up stays said: a version that still fails does not unsay that nobody mended it in time.
                await withdraw(session, [case.id], now, kinds=OF_A_VERSION)
                self._go_up_again(case, now)
            await self._hand_out(session, case, changed, now, members=members)
        session.add(
            CaseEvent(
                case=case,
                at=now,
                actor="palpate",
                what=changed.step or "judged again, unchanged",
                version=verdict.version,
                detail={"still": sorted(changed.still), "new": sorted(changed.new)},
            )
        )
        if changed.step is not None:
            session.add(step_event(case, changed.step, now))
        return case

    def _new(self, verdict: ClaimVerdict) -> CaseRow:
        return CaseRow(
            id=str(uuid.uuid4()),
            reference=new_reference(),
            source=verdict.source_event.source,
            claim_id=verdict.claim_id,
            # Until it is handed out, in this same transaction.
            assignee=self._directory.receiver(verdict.rendering_npi, verdict.practice).person.id,
        )

    def _open(self, case: CaseRow, verdict: ClaimVerdict, now: datetime) -> None:
        """A case begins, or begins again: nothing of an earlier time counts."""
        case.opened_at, case.due_at = now, due(now, place_of(verdict.practice, self._directory))
        case.reminders = case.escalations = 0
        case.snoozed_until = case.acknowledged_at = case.mended_at = case.first_reaction_at = None

    def _go_up_again(self, case: CaseRow, now: datetime) -> None:
        """One that the manager had, and that still fails, has a day more; then the manager is asked anew.

        Where only whoever covers has been asked, the manager comes next as planned: no version puts that off.
        """
        if case.escalations > 1:
            case.escalations = 1
            case.due_at = max(case.due_at, due_again(now, place_of(case.practice, self._directory)))

    def _describe(self, case: CaseRow, verdict: ClaimVerdict) -> None:
        """What the case shows: the newest failing version's findings and lines, and whose claim it is."""
        case.practice, case.rendering_npi, case.payer_id = verdict.practice, verdict.rendering_npi, verdict.payer_id
        case.program, case.profile = verdict.program, verdict.profile
        case.rules = sorted(rules_of(errors(verdict.findings)))
        case.findings = [f.model_dump(mode="json", exclude_none=True, by_alias=True) for f in verdict.findings]
        case.lines = [line.model_dump(mode="json") for line in verdict.lines]
        case.service_dates = [day.isoformat() for day in verdict.service_dates]

    async def _hand_out(
        self,
        session: AsyncSession,
        case: CaseRow,
        changed: Change,
        now: datetime,
        *,
        members: Mapping[str, Sequence[str]],
    ) -> None:
        """Who mends which part, and what they are told.  A part that somebody has been given stays with them."""
        found = assigned(case, self._routes, self._directory)
        people = {part: members.get(part) or names for part, names in _people(found).items()}
        went_up = {part: names for part, names in members.items() if part in {"cover", "manager"}}
        case.assignee = next(iter(people.values()))[0]
        # Whoever said that it is mended, or has it in hand, has to look again.
        case.mended_at = case.acknowledged_at = case.snoozed_until = None
        plan(case, self._directory, now, repeat=repeat_of(found))
        session.add_all(
            CaseMember(case=case, part=part, person=person)
            for part, names in (people | went_up).items()
            for person in names
        )
        self._tell(session, case, found, people, changed=changed, now=now)

    async def _members(self, session: AsyncSession, case: CaseRow) -> dict[str, list[str]]:
        """Who has which part, as it stands: routed, or given by somebody to somebody."""
        rows = await session.scalars(
            select(CaseMember).where(CaseMember.case_id == case.id).order_by(CaseMember.part, CaseMember.person)
        )
        members: dict[str, list[str]] = {}
        for row in rows:
            members.setdefault(row.part, []).append(row.person)
        return members

    def _tell(
        self,
        session: AsyncSession,
        case: CaseRow,
        found: Sequence[Assignment],
        people: Mapping[str, Sequence[str]],
        *,
        changed: Change,
        now: datetime,
    ) -> None:
        """One notice a person, whatever parts of the case are theirs."""
        told: set[str] = set()
        for part, names in people.items():
            for person in names:
                if person in told:
                    continue
                told.add(person)
                mine = [each for each in found if each.person.id == person] or [
                    each for each in found if each.part.value == part
                ]
                wait = self._group_wait if self._group_wait is not None else min(each.group_wait for each in mine)
                session.add(
                    notice(
                        case,
                        person,
                        Kind.REQUESTED,
                        why=mine[0].why if mine[0].person.id == person else "has this case",
                        now=now,
                        not_before=now + wait,
                        channels=dict.fromkeys(str(channel) for each in mine for channel in each.channels),
                        still=sorted(changed.still),
                        new=sorted(changed.new),
                        route=list(mine[0].way),
                    )
                )


Key = tuple[str, str]


def _key(verdict: ClaimVerdict) -> Key:
    """A claim number belongs to whoever sent it."""
    return verdict.source_event.source, verdict.claim_id


def _read(entries: Sequence[Entry]) -> tuple[list[tuple[Entry, Verdict]], dict[str, Exception]]:
    readable: list[tuple[Entry, Verdict]] = []
    failures: dict[str, Exception] = {}
    for entry in entries:
        try:
            readable.append((entry, _VERDICT.validate_json(entry.event)))
        except ValidationError as error:
            failures[entry.id] = error
    return readable, failures


@dataclass(slots=True)
class _Known:
    """What the database has of a batch's claims."""

    heads: dict[Key, ClaimHead]
    cases: dict[Key, CaseRow]
    changed: set[Key] = field(default_factory=set)

    def is_news(self, session: AsyncSession, verdict: ClaimVerdict) -> bool:
        """Whether a verdict is newer than the last one of its claim; if so it is the last one now."""
        key = _key(verdict)
        head = self.heads.get(key)
        if head is None:
            head = ClaimHead(source=key[0], claim_id=key[1], version=verdict.version, judged_at=verdict.judged_at)
            self.heads[key] = head
            session.add(head)
            return True
        if not Head(head.version, head.judged_at).is_older_than(verdict):
            return False
        head.version, head.judged_at = verdict.version, verdict.judged_at
        return True


async def _known(session: AsyncSession, events: Sequence[Verdict]) -> _Known:
    """The heads and the cases of some claims, locked until the transaction ends."""
    known = _Known({}, {})
    wanted = sorted({_key(event.data) for event in events})
    for start in range(0, len(wanted), _AT_ONCE):
        keys = wanted[start : start + _AT_ONCE]
        await _claim_heads(session, keys)
        # In one order everywhere, so that two notifiers never hold each other up for good.
        heads = (
            select(ClaimHead)
            .where(tuple_(ClaimHead.source, ClaimHead.claim_id).in_(keys))
            .order_by(ClaimHead.source, ClaimHead.claim_id)
        )
        cases = (
            select(CaseRow)
            .where(tuple_(CaseRow.source, CaseRow.claim_id).in_(keys))
            .order_by(CaseRow.source, CaseRow.claim_id)
        )
        for head in await session.scalars(heads.with_for_update()):
            known.heads[head.source, head.claim_id] = head
        for case in await session.scalars(cases.with_for_update(key_share=True)):
            known.cases[case.source, case.claim_id] = case
    return known


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


async def _claim_heads(session: AsyncSession, keys: Sequence[Key]) -> None:
    """A row for every claim, so that there is one to lock: of two notifiers with a claim's first verdicts one waits.

    It is older than any verdict, and has its verdict before the transaction ends.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [{"source": source, "claim_id": claim_id, "version": 0, "judged_at": _NEVER} for source, claim_id in keys]
    await session.execute(insert(ClaimHead).on_conflict_do_nothing().values(rows))


def assigned(case: CaseRow, routes: Route, directory: Directory) -> tuple[Assignment, ...]:
    """Who a case is for, by the routes as they are now."""
    return assignments(
        routes,
        directory,
        [Finding.model_validate(finding) for finding in case.findings],
        program=Program(case.program) if case.program is not None else None,
        practice=case.practice,
        rendering_npi=case.rendering_npi,
    )


def _people(found: Sequence[Assignment]) -> dict[str, list[str]]:
    people: dict[str, list[str]] = {}
    for each in found:
        names = people.setdefault(each.part.value, [])
        if each.person.id not in names:
            names.append(each.person.id)
    return people


def repeat_of(found: Sequence[Assignment]) -> int:
    """The most frequent reminders that a route of the case asks for; 0 when all say never."""
    return min((each.repeat for each in found if each.repeat), default=0)
