"""The inbox's words for what the tables hold in one."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from palpate_notifier.cases import Status
from palpate_notifier.tables import CaseRow

PARTS = {
    "clinician": "treating clinician",
    "biller": "billing",
    "front_desk": "front desk",
    "cover": "cover",
    "manager": "manager",
}
STATUSES = {
    "open": "To do",
    "acknowledged": "In hand",
    "disputed": "Disputed",
    "escalated": "Escalated",
    "resolved": "Corrected",
    "cancelled": "Withdrawn",
}
REASONS = {
    "facts_are_wrong": "The claim does not say what the record says",
    "payer_differs": "This payer does it otherwise",
    "rule_is_wrong": "The rule does not say what the manual says",
    "other": "Something else",
}
HAPPENED = {
    "correction.requested": "A correction was asked for",
    "correction.resolved": "The corrected claim passed",
    "correction.cancelled": "The claim was withdrawn",
    "correction.escalated": "It was escalated",
    "acknowledged": "Acknowledged",
    "fixed in their system": "Marked as fixed in their own system",
    "disputed": "Disputed",
    "reassigned": "Given to somebody else",
    "snoozed": "Put off",
    "note": "Note",
    "cannot determine": "Could not be answered",
    "told": "Message written",
    "reminded": "Reminder written",
    "escalated": "Escalated",
}


def status(case: CaseRow) -> str:
    """Where a case stands, in two or three words."""
    if case.status == Status.ACKNOWLEDGED and case.mended_at is not None:
        return "Fixed, waiting for the new claim"
    return STATUSES[case.status]


def happened(what: str) -> str:
    """A step of the timeline."""
    return HAPPENED.get(what, what.removeprefix("correction.").replace("_", " ").capitalize())


def claims(count: int) -> str:
    """How many claims."""
    return "1 claim" if count == 1 else f"{count:,} claims"


def name(text: str) -> str:
    """A name of a fact or a rule as words: `timed_minutes` is `Timed minutes`."""
    return text.replace("_", " ").replace("/", ": ").capitalize()


def fact(value: Any) -> str:  # noqa: ANN401 - JSON
    """The value of a fact."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name(str(key)).lower()} {fact(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(fact(each) for each in value) or "none"
    return "none" if value is None else str(value)


def dates(days: list[str]) -> str:
    """Dates of service."""
    return ", ".join(short(date.fromisoformat(each)) for each in days) or "not given"


def short(each: date) -> str:
    """E.g. `Nov 3, 2026`."""
    return f"{each:%b} {each.day}, {each.year}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """E.g. `Tue, Nov 3, 2:15 PM`."""
    local = at.astimezone(zone)
    return f"{local:%a, %b} {local.day}, {local.hour % 12 or 12}:{local:%M} {local:%p}"


def due(case: CaseRow, now: datetime, zone: ZoneInfo) -> str:
    """When a case is due, from today."""
    days = (case.due_at.astimezone(zone).date() - now.astimezone(zone).date()).days
    if days < 0:
        return f"{-days} {'day' if days == -1 else 'days'} overdue"
    local = case.due_at.astimezone(zone)
    return "due today" if days == 0 else "due tomorrow" if days == 1 else f"due {local:%A, %b} {local.day}"
