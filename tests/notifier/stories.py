"""The whole of the notifier's work without streams and servers: verdicts in, days go by, messages out."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from palpate_notifier.actions import By
from palpate_notifier.database import Sessions
from palpate_notifier.directory import Directory, load_directory
from palpate_notifier.dispatcher import Dispatcher
from palpate_notifier.minder import Minder
from palpate_notifier.recorder import Recorder
from palpate_notifier.routing import load_routes
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import CaseEvent, CaseRow, Delivery, OutgoingEvent
from palpate_schemas.events import CorrectionEvent
from palpate_schemas.verdict import ClaimVerdict
from tests.notifier.conftest import Acks, Clock
from tests.notifier.verdicts import entry, failed

TEAM = """\
manager = "pat"
timezone = "America/New_York"

[[practice]]
npi = "1497758544"
name = "Harbor Physical Therapy"
manager = "pat"
biller = "bo"

[[person]]
id = "pat"
name = "Pat Okafor"
email = "pat@harbor.example"
{pat}

[[person]]
id = "bo"
name = "Bo Lind"
email = "bo@harbor.example"
{bo}

[[person]]
id = "ada"
npi = "1245319599"
name = "Ada Quist, PT"
email = "ada@harbor.example"
practices = ["1497758544"]
{ada}

[[person]]
id = "ben"
npi = "1003000126"
name = "Ben Ruiz, OT"
email = "ben@harbor.example"
practices = ["1497758544"]
"""


TWO_PRACTICES = (
    TEAM.replace('practices = ["1497758544"]\n{ada}', 'practices = ["1497758544", "1679576722"]\n{ada}')
    + """
[[practice]]
npi = "1679576722"
name = "Hill Physical Therapy"
manager = "mo"

[[person]]
id = "mo"
name = "Mo Abadi"
email = "mo@hill.example"
"""
)
"""Ada works in two, each with a manager of its own."""


@dataclass
class Story:
    """What a test drives."""

    sessions: Sessions
    directory: Directory
    clock: Clock
    recorder: Recorder
    dispatcher: Dispatcher
    minder: Minder
    count: int = 0

    @classmethod
    def begin(
        cls,
        sessions: Sessions,
        clock: Clock,
        folder: Path,
        *,
        ada: str = "",
        bo: str = "",
        pat: str = "",
        team: str = TEAM,
        **settings: Any,
    ) -> "Story":
        path = folder / "team.toml"
        path.write_text(team.format(ada=ada, bo=bo, pat=pat), "utf-8")
        directory = load_directory(path)
        routes = load_routes(None, directory)
        chosen = NotifierSettings(
            **({"mail_domain": "palpate.test", "inbox_url": "https://inbox.harbor.example"} | settings)
        )
        return cls(
            sessions,
            directory,
            clock,
            Recorder(sessions, directory, routes=routes, clock=clock),
            Dispatcher(sessions, directory, chosen, clock),
            Minder(sessions, directory, routes, clock),
        )

    def by(self, actor: str) -> By:
        return By(actor, self.clock, self.directory)

    async def judge(self, *verdicts: ClaimVerdict) -> None:
        """Verdicts arrive, judged now."""
        for verdict in verdicts:
            self.count += 1
            now = verdict.model_copy(update={"judged_at": self.clock() + timedelta(microseconds=self.count)})
            acks: Any = Acks()
            assert await self.recorder.record([entry(now, self.count)], acks, "notifier") == {}

    async def fail(
        self, number: int = 1, *, rule: str = "units-total-over", fixer: str = "clinician", **more: Any
    ) -> None:
        """A claim fails by one rule."""
        await self.judge(failed(rule, fixer=fixer, claim_id=f"CLM-{number}", **more))

    async def look(self) -> None:
        """The loops come round once."""
        await self.minder.mind_due()
        await self.dispatcher.dispatch_due()

    async def wait(self, *, step_minutes: float = 30, **span: float) -> None:
        """Time goes by, and the loops come round as it does."""
        end = self.clock() + timedelta(**span)
        while self.clock() < end:
            self.clock.at = min(end, self.clock() + timedelta(minutes=step_minutes))
            await self.look()

    async def deliveries(self) -> list[Delivery]:
        async with self.sessions() as session:
            return list(await session.scalars(select(Delivery).order_by(Delivery.created_at, Delivery.person)))

    async def mails(self) -> list[tuple[str, str]]:
        """To whom, and about what, in order."""
        return [
            (each.person, each.subject.removesuffix(" at Harbor Physical Therapy")) for each in await self.deliveries()
        ]

    async def case(self, number: int = 1) -> CaseRow:
        async with self.sessions() as session:
            return (await session.scalars(select(CaseRow).where(CaseRow.claim_id == f"CLM-{number}"))).one()

    async def timeline(self, number: int = 1) -> list[tuple[str, str]]:
        async with self.sessions() as session:
            rows = await session.scalars(
                select(CaseEvent).join(CaseRow).where(CaseRow.claim_id == f"CLM-{number}").order_by(CaseEvent.id)
            )
            return [(row.actor, row.what) for row in rows]

    async def steps(self) -> list[CorrectionEvent]:
        async with self.sessions() as session:
            bodies = await session.scalars(select(OutgoingEvent.body).order_by(OutgoingEvent.position))
            return [CorrectionEvent.model_validate_json(body) for body in bodies]
