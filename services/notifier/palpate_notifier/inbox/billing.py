"""The billing view: every case of the practices that somebody bills for or manages, filtered, many at once, as CSV."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, func, select
from starlette.responses import RedirectResponse, Response

from palpate_notifier import actions
from palpate_notifier.actions import Action, NotPossible
from palpate_notifier.cases import LIVE, Status
from palpate_notifier.inbox import csv_export, wording
from palpate_notifier.inbox.case_list import A_PAGE, in_order, page_number, titles
from palpate_notifier.inbox.case_page import name_of
from palpate_notifier.inbox.web import Asked, seen_version
from palpate_notifier.tables import CaseMember, CaseRow

MOST_AT_ONCE = 200
MOST_EXPORTED = 10_000
BULK = {
    "acknowledge": "Mark as in hand",
    "fixed": "Mark as fixed in our system",
    "reassign": "Give to somebody else",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to; an empty word narrows nothing."""

    status: str = ""
    practice: str = ""
    person: str = ""
    rule: str = ""

    def conditions(self, asked: Asked) -> list[ColumnElement[bool]]:
        """As conditions on the cases that this person oversees."""
        found = [asked.visitor.overseen_cases()]
        found.append(CaseRow.status == self.status if self.status in set(Status) else CaseRow.status.in_(LIVE))
        if self.practice:
            found.append(CaseRow.practice == self.practice)
        if self.person:
            found.append(CaseRow.id.in_(select(CaseMember.case_id).where(CaseMember.person == self.person)))
        return found

    def admits(self, rules: Collection[str]) -> bool:
        """Whether these are errors of the rule; rules are JSON, which every database searches in its own way."""
        return not self.rule or self.rule in rules


async def billing(asked: Asked) -> Response:
    """The list, with its filters and the form for many at once."""
    query = asked.request.query_params
    chosen = Filter(query.get("status", ""), query.get("practice", ""), query.get("person", ""), query.get("rule", ""))
    number = page_number(asked)
    cases, count = await _page_of(asked, chosen, number)
    await asked.saw("list/billing", count=len(cases))
    return asked.page(
        "billing.html",
        rows=[(case, titles(case), asked.inbox.directory.zone_of_practice(case.practice)) for case in cases],
        holders=await holders(asked, cases),
        count=count,
        number=number,
        last=max(1, -(-count // A_PAGE)),
        chosen=chosen,
        rules=await _rules(asked),
        bulk=BULK,
        done=query.get("done", ""),
        left=query.get("left", ""),
        **_choices(asked),
    )


async def preview(asked: Asked) -> Response:
    """What an action on many would do; nothing is done yet."""
    cases = await _picked(asked)
    word = asked.field("action")
    to = asked.field("to") if word == "reassign" else ""
    _action_on(asked, word, to, cases)
    return asked.page(
        "preview.html", cases=cases, action=word, words=BULK[word], to=to, to_name=name_of(asked, to) if to else ""
    )


async def apply(asked: Asked) -> Response:
    """Do it, to those that are still as the preview showed them."""
    cases = await _picked(asked)
    action = _action_on(asked, asked.field("action"), asked.field("to"), cases)
    seen = [(case.id, seen_version(asked.field(f"v-{case.reference}"))) for case in cases]
    result = await actions.bulk(asked.session, seen, action, asked.by)
    left = len(result.changed_meanwhile) + len(result.not_possible)
    return RedirectResponse(f"/billing?done={len(result.done)}&left={left}", 303)


async def export(asked: Asked) -> Response:
    """The list, all pages of it, as CSV."""
    chosen = Filter(*(asked.field(name) for name in ("status", "practice", "person", "rule")))
    listed = select(CaseRow.id, CaseRow.rules).where(*chosen.conditions(asked)).order_by(CaseRow.due_at)
    ids = [case_id for case_id, rules in await asked.session.execute(listed) if chosen.admits(rules)]
    if len(ids) > MOST_EXPORTED:
        # A list that lacks some without a word would be taken for the whole.
        raise NotPossible(f"These are {len(ids):,} claims; at most {MOST_EXPORTED:,} at once. Narrow the list first.")
    cases = [
        case for start in range(0, len(ids), A_PAGE) for case in await in_order(asked, ids[start : start + A_PAGE])
    ]
    await asked.saw("export/billing", action="exported", count=len(cases))
    having = await holders(asked, cases)
    body = csv_export.write(
        ("case", "claim", "version", "practice", "dates of service", "status", "due", "waits for", "rules"),
        (
            (
                case.reference, case.claim_id, str(case.version), asked.inbox.directory.practice_name(case.practice),
                " ".join(case.service_dates), wording.status(case), case.due_at.date().isoformat(),
                "; ".join(having.get(case.id, ())), " ".join(case.rules),
            )
            for case in cases
        ),
    )  # fmt: skip
    return Response(
        body,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="palpate-cases.csv"'},
    )


async def holders(asked: Asked, cases: Sequence[CaseRow]) -> dict[str, list[str]]:
    """For whom each case waits, by case id: names."""
    found: dict[str, list[str]] = {}
    ids = [case.id for case in cases]
    for start in range(0, len(ids), 400):
        members = select(CaseMember).where(CaseMember.case_id.in_(ids[start : start + 400]))
        for member in await asked.session.scalars(members.order_by(CaseMember.part)):
            names = found.setdefault(member.case_id, [])
            name = name_of(asked, member.person)
            if name not in names:
                names.append(name)
    return found


async def _page_of(asked: Asked, chosen: Filter, number: int) -> tuple[list[CaseRow], int]:
    where = chosen.conditions(asked)
    listed = select(CaseRow.id, CaseRow.rules).where(*where).order_by(CaseRow.due_at, CaseRow.reference)
    start = (number - 1) * A_PAGE
    if chosen.rule:
        ids = [case_id for case_id, rules in await asked.session.execute(listed) if chosen.admits(rules)]
        return await in_order(asked, ids[start : start + A_PAGE]), len(ids)
    count = await asked.session.scalar(select(func.count()).select_from(CaseRow).where(*where)) or 0
    page = await asked.session.scalars(listed.limit(A_PAGE).offset(start))
    return await in_order(asked, list(page)), count


async def _rules(asked: Asked) -> list[str]:
    rows = await asked.session.scalars(
        select(CaseRow.rules).where(asked.visitor.overseen_cases(), CaseRow.status.in_(LIVE))
    )
    return sorted({rule for rules in rows for rule in rules})


def _choices(asked: Asked) -> dict[str, Any]:
    directory = asked.inbox.directory
    practices = sorted(asked.visitor.overseen or directory.practices)
    people = {each.id: each.name for npi in practices for each in asked.visitor.colleagues(npi)}
    return {
        "practices": {npi: directory.practice_name(npi) for npi in practices},
        "people": dict(sorted(people.items(), key=lambda each: each[1])),
        "statuses": wording.STATUSES,
    }


async def _picked(asked: Asked) -> list[CaseRow]:
    """The cases that were ticked, of those that this person oversees."""
    references = [each for each in asked.form.getlist("case") if isinstance(each, str)]
    if not references:
        raise NotPossible("Tick the claims that you mean first.")
    if len(references) > MOST_AT_ONCE:
        raise NotPossible(f"At most {MOST_AT_ONCE} at once, please.")
    rows = await asked.session.scalars(
        select(CaseRow)
        .where(CaseRow.reference.in_(references), asked.visitor.overseen_cases())
        .order_by(CaseRow.due_at, CaseRow.reference)
    )
    cases = list(rows)
    if not cases:
        raise NotPossible("None of these claims is yours to change.")
    return cases


def _action_on(asked: Asked, word: str, to: str, cases: Sequence[CaseRow]) -> Action:
    if word == "acknowledge":
        return actions.acknowledge
    if word == "fixed":
        return actions.fixed_in_my_system
    if word != "reassign":
        raise NotPossible("Choose what to do with them.")
    for practice in {case.practice for case in cases}:
        if to not in {each.id for each in asked.visitor.colleagues(practice)}:
            raise NotPossible(f"Choose somebody of {asked.inbox.directory.practice_name(practice)}.")
    return partial(actions.reassign, to=to)
