"""Recording verdicts: a real database, everything in one transaction, and only then the ack."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from palpate_notifier.database import Sessions
from palpate_notifier.directory import Directory, Receiver
from palpate_notifier.recorder import Recorder
from palpate_notifier.routing import Route
from palpate_notifier.tables import CaseEvent, CaseRow, Notice, OutgoingEvent
from palpate_runtime.consumer import Entry, TransientError
from palpate_schemas.events import CorrectionEvent
from tests.notifier.conftest import Acks, Clock
from tests.notifier.verdicts import entry, failed, later, passed, voided


async def recorded(recorder: Recorder, acks: Any, *verdicts: Any) -> None:
    for number, verdict in enumerate(verdicts, start=1):
        failures = await recorder.record([entry(verdict, number)], acks, "notifier")
        assert failures == {}


async def steps(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        bodies = await session.scalars(select(OutgoingEvent.body).order_by(OutgoingEvent.position))
        return [CorrectionEvent.model_validate_json(body).type for body in bodies]


async def count(sessions: Sessions, table: type) -> int:
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def notices(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        return list((await session.scalars(select(Notice.status).order_by(Notice.created_at))).all())


async def the_case(sessions: Sessions) -> CaseRow:
    async with sessions() as session:
        return (await session.scalars(select(CaseRow))).one()


async def test_a_failed_claim_opens_a_case_and_one_notice_waits(
    sessions: Sessions, recorder: Recorder, acks: Acks
) -> None:
    await recorded(recorder, acks, failed("units-total-over"))
    case = await the_case(sessions)
    assert (case.status, case.assignee, case.version, case.rules) == ("open", "ada", 1, ["units-total-over"])
    # Opened on a Tuesday at 07:00 in New York; Thursday is Thanksgiving, so the third business day is the Monday after.
    assert case.due_at == datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
    async with sessions() as session:
        notice = (await session.scalars(select(Notice))).one()
    assert (notice.person, notice.kind, notice.status, notice.why) == (
        "ada",
        "requested",
        "waiting",
        "rendered the service",
    )
    assert notice.not_before - notice.created_at == timedelta(minutes=2)
    assert await steps(sessions) == ["correction.requested"]
    assert acks.ids == ["1-0"]


async def test_a_pass_closes_it_and_a_case_is_one_a_claim(sessions: Sessions, recorder: Recorder, acks: Acks) -> None:
    await recorded(
        recorder, acks, failed("units-total-over"), later(failed("mod-gn", version=2)), later(passed(version=3))
    )
    case = await the_case(sessions)
    assert (case.status, case.version) == ("resolved", 3)
    assert case.closed_at is not None
    assert await steps(sessions) == ["correction.requested", "correction.requested", "correction.resolved"]
    assert await notices(sessions) == ["cancelled", "cancelled"]
    assert await count(sessions, CaseEvent) == 3


async def test_the_same_verdict_delivered_again_changes_nothing(
    sessions: Sessions, recorder: Recorder, acks: Acks
) -> None:
    await recorded(recorder, acks, failed("units-total-over"), failed("units-total-over"))
    assert await count(sessions, Notice) == 1
    assert await steps(sessions) == ["correction.requested"]
    assert acks.ids == ["1-0", "2-0"]


async def test_a_pass_read_before_the_older_failure_leaves_nothing_open(
    sessions: Sessions, recorder: Recorder, acks: Acks
) -> None:
    await recorded(recorder, acks, later(passed(version=2)), failed("units-total-over"))
    assert await count(sessions, CaseRow) == 0
    assert await count(sessions, Notice) == 0


async def test_a_void_cancels(sessions: Sessions, recorder: Recorder, acks: Acks) -> None:
    await recorded(recorder, acks, failed("units-total-over"), later(voided()))
    assert (await the_case(sessions)).status == "cancelled"
    assert await steps(sessions) == ["correction.requested", "correction.cancelled"]


async def test_the_same_claim_number_of_two_sources_is_two_cases(
    sessions: Sessions, recorder: Recorder, acks: Acks
) -> None:
    other = {"source": "urn:pms:other", "id": "9"}
    await recorded(recorder, acks, failed("units-total-over"), failed("units-total-over", source_event=other))
    assert await count(sessions, CaseRow) == 2


async def test_an_unknown_provider_is_never_dropped(sessions: Sessions, recorder: Recorder, acks: Acks) -> None:
    await recorded(recorder, acks, failed("units-total-over", rendering_npi="1999999992", practice="1999999984"))
    assert (await the_case(sessions)).assignee == "pat"


async def test_one_unreadable_entry_holds_up_no_other(sessions: Sessions, recorder: Recorder, acks: Acks) -> None:
    batch = [entry(failed("a"), 1), Entry("claims.failed", "2-0", b"{"), entry(failed("b", claim_id="CLM-2"), 3)]
    failures = await recorder.record(batch, acks, "notifier")
    assert list(failures) == ["2-0"]
    assert acks.ids == ["1-0", "3-0"]
    assert await count(sessions, CaseRow) == 2


async def test_two_versions_in_one_batch_are_taken_in_order(sessions: Sessions, recorder: Recorder, acks: Acks) -> None:
    batch = [entry(failed("a"), 1), entry(later(passed(version=2)), 2), entry(failed("a", claim_id="CLM-2"), 3)]
    assert await recorder.record(batch, acks, "notifier") == {}
    assert sorted(await notices(sessions)) == ["cancelled", "waiting"]
    assert await steps(sessions) == ["correction.requested", "correction.resolved", "correction.requested"]


async def test_one_verdict_whose_record_breaks_holds_up_no_other(
    sessions: Sessions, directory: Directory, routes: Route, clock: Clock, acks: Acks
) -> None:
    class Breaks(Directory):
        def receiver(self, rendering_npi: str, practice_npi: str) -> Receiver:
            if rendering_npi == "1999999992":
                raise RuntimeError("a fault of ours")
            return super().receiver(rendering_npi, practice_npi)

    broken = Breaks(directory.people, directory.practices, directory.manager)
    recorder = Recorder(sessions, broken, routes=routes, clock=clock)
    batch = [
        entry(failed("a"), 1),
        entry(failed("a", claim_id="CLM-2", rendering_npi="1999999992"), 2),
        entry(failed("a", claim_id="CLM-3"), 3),
    ]
    failures = await recorder.record(batch, acks, "notifier")
    assert list(failures) == ["2-0"]
    assert acks.ids == ["1-0", "3-0"]
    assert await count(sessions, CaseRow) == 2
    assert await count(sessions, Notice) == 2


async def test_a_database_that_is_away_acknowledges_nothing(
    directory: Directory, routes: Route, clock: Clock, acks: Acks
) -> None:
    def away() -> Any:
        raise OperationalError("BEGIN", {}, Exception("locked"))

    class Away:
        begin = staticmethod(away)

    recorder = Recorder(Away(), directory, routes=routes, clock=clock)  # type: ignore[arg-type]
    with pytest.raises(TransientError):
        await recorder.record([entry(failed("a"), 1)], acks, "notifier")
    assert acks.ids == []


async def test_no_phi_reaches_the_database(sessions: Sessions, recorder: Recorder, acks: Acks) -> None:
    """The verdict event is the only thing that reaches the notifier, and it holds none: see test_verdicts."""
    await recorded(recorder, acks, failed("units-total-over"))
    async with sessions() as session:
        tables = (await session.scalars(text("select name from sqlite_master where type = 'table'"))).all()
        columns = [
            row[1] for table in tables for row in (await session.execute(text(f"pragma table_info('{table}')"))).all()
        ]
    assert not {"patient", "name", "birth_date", "note", "text_of_note"} & set(columns)
