"""My cases: what waits for the person who is signed in, the one that is due first at the top."""

from collections.abc import Sequence

from sqlalchemy import func, select
from starlette.responses import Response

from palpate_notifier.cases import LIVE, errors
from palpate_notifier.inbox.web import Asked
from palpate_notifier.tables import CaseRow
from palpate_schemas.finding import Finding

A_PAGE = 50


async def my_cases(asked: Asked) -> Response:
    """The list, or, where it is empty, that it is."""
    number = page_number(asked)
    closed = asked.request.query_params.get("show") == "closed"
    wanted = CaseRow.status.not_in(LIVE) if closed else CaseRow.status.in_(LIVE)
    mine = (asked.visitor.own_cases(), wanted)
    count = await asked.session.scalar(select(func.count()).select_from(CaseRow).where(*mine)) or 0
    order = CaseRow.closed_at.desc() if closed else CaseRow.due_at
    page = select(CaseRow.id).where(*mine).order_by(order, CaseRow.reference).limit(A_PAGE)
    cases = await in_order(asked, list(await asked.session.scalars(page.offset((number - 1) * A_PAGE))))
    await asked.saw("list/mine", count=len(cases))
    return asked.page(
        "my_cases.html",
        cases=[(case, titles(case), asked.inbox.directory.zone_of_practice(case.practice)) for case in cases],
        count=count,
        closed=closed,
        number=number,
        last=max(1, -(-count // A_PAGE)),
        given=asked.request.query_params.get("done") == "reassign",
    )


async def in_order(asked: Asked, ids: Sequence[str]) -> list[CaseRow]:
    """Some cases in the order of their ids.

    A list is sorted by ids alone and its page fetched then: a case's findings are long, and databases carry what they
    sort with them.
    """
    rows = {case.id: case for case in await asked.session.scalars(select(CaseRow).where(CaseRow.id.in_(ids)))}
    return [rows[each] for each in ids]


def page_number(asked: Asked) -> int:
    """Which page of a list is asked for."""
    text = asked.request.query_params.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 6 else 1


def titles(case: CaseRow) -> list[str]:
    """What is wrong, a sentence each, without repeats."""
    found = errors(Finding.model_validate(each) for each in case.findings)
    return list(dict.fromkeys(each.title for each in found))
