"""One case: what is wrong with the claim, what to do, and what people did; and the forms that say so."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, time, timedelta

from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from palpate_notifier import actions
from palpate_notifier.actions import DisputeReason, NotPossible
from palpate_notifier.cases import Status
from palpate_notifier.inbox.web import Asked, NotThere, seen_version
from palpate_notifier.inbox.wording import PARTS
from palpate_notifier.tables import CaseEvent, CaseMember, CaseRow
from palpate_schemas.finding import Finding
from palpate_schemas.values import Outcome, Severity

REST = {1: "until tomorrow morning", 2: "for two days", 3: "for three days", 7: "for a week"}
MORNING = time(8)
_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)


async def case_page(asked: Asked) -> Response:
    """The page of a case."""
    case = await visible_case(asked)
    findings = sorted(
        (Finding.model_validate(each) for each in case.findings),
        key=lambda each: (each.outcome is not Outcome.VIOLATED, _ORDER.index(each.severity), each.line_number or 0),
    )
    events = await asked.session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id))
    members = await asked.session.scalars(
        select(CaseMember).where(CaseMember.case_id == case.id).order_by(CaseMember.part, CaseMember.person)
    )
    await asked.saw(f"case/{case.reference}")
    directory = asked.inbox.directory
    return asked.page(
        "case.html",
        case=case,
        practice=directory.practice_name(case.practice),
        zone=directory.zone_of_practice(case.practice),
        wrong=[each for each in findings if each.outcome is Outcome.VIOLATED and each.severity is Severity.ERROR],
        questions=[each for each in findings if each.outcome is Outcome.UNDETERMINED],
        others=[each for each in findings if each.outcome is Outcome.VIOLATED and each.severity is not Severity.ERROR],
        events=list(events),
        members=_parts(asked, members),
        name_of=lambda person: name_of(asked, person),
        colleagues=asked.visitor.colleagues(case.practice),
        rest=REST,
        has_rule_pages=asked.inbox.rule_page is not None,
        is_closed=Status(case.status).is_closed,
        is_manager=directory.manager_of(case.practice).id == asked.visitor.person.id,
        done=asked.request.query_params.get("done", ""),
    )


async def act(asked: Asked) -> Response:
    """Do what a form of the page asks for."""
    action = ACTIONS.get(asked.request.path_params["action"])
    case = await visible_case(asked)
    if action is None:
        raise NotThere
    await action(asked, case, seen_version(asked.field("row_version")))
    await asked.session.flush()
    still = await asked.session.scalar(select(CaseRow.id).where(CaseRow.id == case.id, asked.visitor.visible_cases()))
    # Who gives a case away may not see it any more.
    where = "/" if still is None else f"/cases/{case.reference}"
    return RedirectResponse(f"{where}?done={asked.request.path_params['action']}", 303)


async def visible_case(asked: Asked) -> CaseRow:
    """The case that the address names.

    Raises:
        NotThere: there is none, or it is not for this person.
    """
    reference = asked.request.path_params["reference"]
    found = await asked.session.scalar(
        select(CaseRow).where(CaseRow.reference == reference, asked.visitor.visible_cases())
    )
    if found is None:
        raise NotThere
    return found


def name_of(asked: Asked, person: str) -> str:
    """Somebody's name; `Palpate` for what it does by itself."""
    known = asked.inbox.directory.people.get(person)
    return known.name if known is not None else "Palpate" if person == "palpate" else person


def _parts(asked: Asked, members: Iterable[CaseMember]) -> dict[str, list[str]]:
    """Who has what part of a case, by name."""
    parts: dict[str, list[str]] = {}
    for each in members:
        parts.setdefault(name_of(asked, each.person), []).append(PARTS.get(each.part, each.part))
    return parts


Act = Callable[[Asked, CaseRow, int], Awaitable[object]]


async def _acknowledge(asked: Asked, case: CaseRow, version: int) -> None:
    await actions.acknowledge(asked.session, case.id, version, asked.by)


async def _fixed(asked: Asked, case: CaseRow, version: int) -> None:
    await actions.fixed_in_my_system(asked.session, case.id, version, asked.by)


async def _dispute(asked: Asked, case: CaseRow, version: int) -> None:
    try:
        reason = DisputeReason(asked.field("reason"))
    except ValueError:
        raise NotPossible("Choose why the finding is wrong.") from None
    await actions.dispute(
        asked.session, case.id, version, asked.by,
        rule=asked.field("rule"), reason=reason, comment=asked.field("comment"),
    )  # fmt: skip


async def _reassign(asked: Asked, case: CaseRow, version: int) -> None:
    to = asked.field("to")
    if to not in {each.id for each in asked.visitor.colleagues(case.practice)}:
        raise NotPossible("Choose somebody of this practice.")
    await actions.reassign(asked.session, case.id, version, asked.by, to=to)


async def _snooze(asked: Asked, case: CaseRow, version: int) -> None:
    days = next((each for each in REST if str(each) == asked.field("days")), None)
    if days is None:
        raise NotPossible("Choose for how long.")
    zone = asked.inbox.directory.zone_of_practice(case.practice)
    until = datetime.combine(asked.now.astimezone(zone).date() + timedelta(days=days), MORNING, zone)
    await actions.snooze(asked.session, case.id, version, asked.by, until=until)


async def _note(asked: Asked, case: CaseRow, version: int) -> None:
    await actions.note(asked.session, case.id, version, asked.by, text=asked.field("text"))


async def _cannot_determine(asked: Asked, case: CaseRow, version: int) -> None:
    await actions.cannot_determine(asked.session, case.id, version, asked.by, comment=asked.field("comment"))


ACTIONS: dict[str, Act] = {
    "acknowledge": _acknowledge,
    "fixed": _fixed,
    "dispute": _dispute,
    "reassign": _reassign,
    "snooze": _snooze,
    "note": _note,
    "cannot-determine": _cannot_determine,
}
