"""The manager view: what is open and for how long, what goes wrong most, and how fast it is put right."""

from datetime import timedelta

from sqlalchemy import func, select
from starlette.responses import Response

from palpate_notifier.cases import LIVE, Status
from palpate_notifier.inbox import figures
from palpate_notifier.inbox.web import Asked
from palpate_notifier.tables import CaseRow, Dispute

LOOKED_BACK = timedelta(weeks=8)


async def manager(asked: Asked) -> Response:
    """The page, of the practices that this person manages, over eight weeks."""
    now = asked.now
    rows = await asked.session.scalars(
        select(CaseRow).where(
            asked.visitor.managed_cases(), CaseRow.status.in_(LIVE) | (CaseRow.opened_at > now - LOOKED_BACK)
        )
    )
    cases = list(rows)
    disputed = await asked.session.execute(
        select(Dispute.rule, func.count())
        .join(CaseRow, CaseRow.id == Dispute.case_id)
        .where(asked.visitor.managed_cases(), Dispute.at > now - LOOKED_BACK)
        .group_by(Dispute.rule)
        .order_by(func.count().desc(), Dispute.rule)
    )
    await asked.saw("list/manager", count=len(cases))
    live = [case for case in cases if not Status(case.status).is_closed]
    rules, people = figures.clinician_by_rule(cases)
    titles = figures.titles(cases)
    return asked.page(
        "manager.html",
        count=len(cases),
        live=len(live),
        late=sum(case.due_at < now for case in live),
        middle=figures.in_words(figures.hours_to_correct(cases)),
        plots=[
            ("Open, by age", figures.by_age(live, now), "cases"),
            ("What goes wrong most", figures.of_rules(figures.top_rules(cases), titles), "cases"),
            ("Time to correct, by week", figures.time_by_week(cases, now), "median hours"),
            ("Disputed", figures.of_rules([(rule, count) for rule, count in disputed], titles), "objections"),
        ],
        rules=rules,
        people=[(_provider(asked, npi), cells) for npi, cells in people],
        has_rule_pages=asked.inbox.rule_page is not None,
    )


def _provider(asked: Asked, npi: str) -> str:
    people = asked.inbox.directory.people.values()
    return next((each.name for each in people if each.npi == npi), f"NPI {npi}")
