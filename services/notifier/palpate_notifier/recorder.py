"""Records verdicts: the case changed, messages and events queued, all in one transaction, and only then the ack."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier.cases import Change, Head, Standing, Status, Step, change, errors, rules_of
from palpate_notifier.database import Sessions, is_away
from palpate_notifier.directory import Directory
from palpate_notifier.messages import correction_requested
from palpate_notifier.outbox import queue
from palpate_notifier.references import new_reference
from palpate_notifier.tables import CaseEvent, CaseRow, ClaimHead, OutgoingEvent
from palpate_runtime import metrics
from palpate_runtime.consumer import Entry, Failures, TransientError
from palpate_schemas.correction import CorrectionStep
from palpate_schemas.events import SCHEMA_URI, ClaimFailed, ClaimPassed, CorrectionEvent
from palpate_schemas.verdict import ClaimVerdict

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.stdlib.get_logger()

SOURCE = "urn:palpate:notifier"
Verdict = ClaimFailed | ClaimPassed
_VERDICT: TypeAdapter[Verdict] = TypeAdapter(Verdict)


class Recorder:
    """Takes verdict events into the database, batch by batch."""

    def __init__(
        self,
        sessions: Sessions,
        directory: Directory,
        *,
        mail_domain: str,
        clock: Callable[[], datetime],
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        self._sessions, self._directory, self._mail_domain = sessions, directory, mail_domain
        self._clock, self._queued = clock, queued

    async def record(self, entries: Sequence[Entry], redis: "Redis", group: str) -> Failures:
        """Record a batch and acknowledge it.

        An entry that cannot be read, or whose record breaks, stays pending (and is buried in the end); the others are
        not held up by it.

        Raises:
            TransientError: the database is away; nothing was acknowledged.
        """
        failures: dict[str, Exception] = {}
        try:
            done = await self._record(entries, failures)
        except DBAPIError as error:
            if is_away(error):
                raise TransientError("the database is away") from error
            raise
        if done:
            await redis.xack(entries[0].stream, group, *done)
        self._queued()
        return failures

    async def _record(self, entries: Sequence[Entry], failures: dict[str, Exception]) -> list[str]:
        done: list[str] = []
        lines: list[dict[str, Any]] = []
        async with self._sessions.begin() as session:
            for entry in entries:
                try:
                    event = _VERDICT.validate_json(entry.event)
                    async with session.begin_nested():
                        lines.append(await self._take(session, event) | {"entry_id": entry.id, "stream": entry.stream})
                except DBAPIError as error:
                    if is_away(error):
                        raise
                    failures[entry.id] = error
                except Exception as error:  # noqa: BLE001 - the stream edge: tried again, then buried
                    failures[entry.id] = error
                else:
                    done.append(entry.id)
        for line in lines:
            log.info("verdict_recorded", **line)
            metrics.ENTRIES.labels(line["stream"], line["outcome"]).inc()
        return done

    async def _take(self, session: AsyncSession, event: Verdict) -> dict[str, Any]:
        """Apply one verdict; returns what the log says of it."""
        verdict = event.data
        said = {
            "claim_id": verdict.claim_id,
            "claim_version": verdict.version,
            "event_id": event.id,
            "correlation_id": event.traceparent or verdict.source_event.id,
            "verdict": str(verdict.verdict),
        }
        if not await self._is_news(session, verdict):
            return said | {"outcome": "duplicate"}
        case = await session.scalar(
            select(CaseRow).where(CaseRow.source == verdict.source_event.source, CaseRow.claim_id == verdict.claim_id)
        )
        standing = None if case is None else Standing(Status(case.status), frozenset(case.rules))
        changed = change(standing, verdict)
        if changed is None:
            return said | {"outcome": "nothing_to_do"}
        case = await self._apply(session, case, changed, event)
        return said | {"outcome": "recorded", "case_id": case.id, "step": changed.step or "unchanged"}

    async def _is_news(self, session: AsyncSession, verdict: ClaimVerdict) -> bool:
        key = (verdict.source_event.source, verdict.claim_id)
        head = await session.get(ClaimHead, key)
        if head is None:
            session.add(ClaimHead(source=key[0], claim_id=key[1], version=verdict.version, judged_at=verdict.judged_at))
            return True
        if not Head(head.version, head.judged_at).is_older_than(verdict):
            return False
        head.version, head.judged_at = verdict.version, verdict.judged_at
        return True

    async def _apply(self, session: AsyncSession, case: CaseRow | None, changed: Change, event: Verdict) -> CaseRow:
        verdict, now = event.data, self._clock()
        if case is None:
            case = self._open(verdict, now)
        case.version, case.updated_at, case.status = verdict.version, now, changed.status
        case.closed_at = None if changed.status is Status.OPEN else now
        case.source_event_id, case.traceparent = verdict.source_event.id, event.traceparent
        if changed.status is Status.OPEN:
            self._describe(case, verdict)
        session.add(case)
        await session.flush()
        session.add(
            CaseEvent(
                case_id=case.id,
                at=now,
                actor="palpate",
                what=changed.step or "judged again, unchanged",
                version=verdict.version,
                detail={"still": sorted(changed.still), "new": sorted(changed.new)},
            )
        )
        if changed.step is not None:
            session.add(_step_event(case, changed.step, now))
            metrics.CASES.labels(changed.step).inc()
        if changed.tell:
            self._tell(session, case, verdict, now)
        return case

    def _open(self, verdict: ClaimVerdict, now: datetime) -> CaseRow:
        receiver = self._directory.receiver(verdict.rendering_npi, verdict.practice)
        return CaseRow(
            id=str(uuid.uuid4()),
            reference=new_reference(),
            source=verdict.source_event.source,
            claim_id=verdict.claim_id,
            assignee=receiver.person.id,
            opened_at=now,
            due_at=now,
            reminders=0,
            escalations=0,
        )

    def _describe(self, case: CaseRow, verdict: ClaimVerdict) -> None:
        """What the case shows: the newest failing version's findings and lines, and whose claim it is."""
        receiver = self._directory.receiver(verdict.rendering_npi, verdict.practice)
        case.practice, case.rendering_npi, case.payer_id = verdict.practice, verdict.rendering_npi, verdict.payer_id
        case.assignee = receiver.person.id
        case.rules = sorted(rules_of(errors(verdict.findings)))
        case.findings = [f.model_dump(mode="json", exclude_none=True, by_alias=True) for f in verdict.findings]
        case.lines = [line.model_dump(mode="json") for line in verdict.lines]
        case.service_dates = [day.isoformat() for day in verdict.service_dates]

    def _tell(self, session: AsyncSession, case: CaseRow, verdict: ClaimVerdict, now: datetime) -> None:
        receiver = self._directory.receiver(verdict.rendering_npi, verdict.practice)
        message = correction_requested(
            name=receiver.person.name,
            practice=self._directory.practice_name(verdict.practice),
            reference=case.reference,
            claim_id=verdict.claim_id,
            version=verdict.version,
            findings=errors(verdict.findings),
            why=receiver.why,
        )
        queue(session, case, receiver.person, message, mail_domain=self._mail_domain, now=now)


def _step_event(case: CaseRow, step: Step, now: datetime) -> OutgoingEvent:
    event_id = str(uuid.uuid4())
    event = CorrectionEvent(
        specversion="1.0",
        id=event_id,
        source=SOURCE,
        type=step.value,
        subject=case.claim_id,
        time=now,
        dataschema=SCHEMA_URI.format(type=step.value),
        traceparent=case.traceparent,
        data=CorrectionStep.model_validate(
            {
                "case_id": case.id,
                "claim_id": case.claim_id,
                "version": case.version,
                "practice": case.practice,
                "rendering_npi": case.rendering_npi,
                "source_event": {"source": case.source, "id": case.source_event_id},
                "at": now,
                "assignee": case.assignee,
                "rules": case.rules if step is Step.REQUESTED else [],
            }
        ),
    )
    return OutgoingEvent(
        event_id=event_id, body=event.model_dump_json(exclude_none=True), created_at=now, published_at=None
    )
