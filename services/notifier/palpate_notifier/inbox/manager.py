"""The manager view: what is open and for how long, what goes wrong most, and how fast it is put right."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import load_only
from starlette.responses import Response

from palpate_notifier.cases import LIVE, Status
from palpate_notifier.inbox import figures
from palpate_notifier.inbox.web import Asked
from palpate_notifier.tables import CaseRow, Dispute

LOOKED_BACK = timedelta(weeks=8)
# A case's findings are most of it, and here nobody reads them.
COUNTED = (
    CaseRow.status, CaseRow.opened_at, CaseRow.closed_at, CaseRow.due_at, CaseRow.rules, CaseRow.rendering_npi,
)  # fmt: skip


async def manager(asked: Asked) -> Response:
    """The page, of the practices that this person manages, over eight weeks."""
    now = asked.now
    rows = await asked.session.scalars(
        select(CaseRow)
        .options(load_only(*COUNTED, raiseload=True))
        .where(asked.visitor.managed_cases(), CaseRow.status.in_(LIVE) | (CaseRow.opened_at > now - LOOKED_BACK))
    )
    cases = list(rows)
    disputed = await asked.session.execute(
        select(Dispute.rule, func.count())
        .join(CaseRow, CaseRow.id == Dispute.case_id)
        .where(asked.visitor.managed_cases(), Dispute.at > now - LOOKED_BACK)
        .group_by(Dispute.rule)
        .order_by(func.count().desc(), Dispute.rule)
    )
    objections = [(rule, count) for rule, count in disputed]
    await asked.saw("list/manager", count=len(cases))
    live = [case for case in cases if not Status(case.status).is_closed]
    rules, people = figures.clinician_by_rule(cases)
    top = figures.top_rules(cases)
    titles = await _titles(asked, cases, {rule for rule, _ in (*top, *objections)})
    return asked.page(
        "manager.html",
        count=len(cases),
        live=len(live),
        late=sum(case.due_at < now for case in live),
        middle=figures.in_words(figures.hours_to_correct(cases)),
        plots=[
            ("Open, by age", figures.by_age(live, now), "cases"),
            ("What goes wrong most", figures.of_rules(top, titles), "cases"),
            ("Time to correct, by week", figures.time_by_week(cases, now), "median hours"),
            ("Disputed", figures.of_rules(objections, titles), "objections"),
        ],
        rules=rules,
        people=[(_provider(asked, npi), cells) for npi, cells in people],
        has_rule_pages=asked.inbox.rule_page is not None,
    )


async def _titles(asked: Asked, cases: Sequence[CaseRow], rules: Collection[str]) -> dict[str, str]:
    """What some rules say, each as one of the cases has it."""
    one_of = {rule: case.id for case in cases for rule in case.rules if rule in rules}
    found = await asked.session.scalars(select(CaseRow.findings).where(CaseRow.id.in_(set(one_of.values()))))
    return {finding["rule"]: finding["title"] for findings in found for finding in findings}


def _provider(asked: Asked, npi: str) -> str:
    people = asked.inbox.directory.people.values()
    return next((each.name for each in people if each.npi == npi), f"NPI {npi}")
