"""What people are told, in words.  No PHI: no name of a patient, birth date, note or diagnosis is known here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from palpate_notifier.directory import Channel
from palpate_notifier.notices import Kind
from palpate_schemas.finding import Finding
from palpate_schemas.values import Fixer

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)

MOST_IN_FULL = 20
"""A mail that names claims names so many; more are a number."""

WHO = {
    Fixer.CLINICIAN: "For you, as the treating clinician",
    Fixer.BILLER: "For billing",
    Fixer.FRONT_DESK: "For the front desk",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One case in a message."""

    reference: str
    claim_id: str
    version: int
    practice: str
    """Its name."""
    kind: Kind
    why: str
    due_at: datetime
    zone: ZoneInfo
    """Where the practice is: the due date is a date there."""
    findings: tuple[Finding, ...]
    """The errors."""
    still: tuple[str, ...] = ()
    """Rules that were open before and still are."""

    @property
    def due_on(self) -> str:
        """E.g. `Friday, November 27`."""
        day = self.due_at.astimezone(self.zone)
        return f"{day:%A, %B} {day.day}"

    @property
    def groups(self) -> list[tuple[str, list["Fault"]]]:
        """What is to be mended, by who mends it."""
        return [(WHO[fixer], faults) for fixer in Fixer if (faults := _faults(self.findings, fixer))]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend, as a message shows it."""

    title: str
    remedy: str
    where: str


@dataclass(frozen=True, slots=True)
class PracticeCount:
    """What a message says of one practice without naming a claim."""

    practice: str
    count: int
    new: int
    reminders: int
    up: int
    """How many came up to this person: escalated, disputed, reassigned."""
    due_on: str
    """When the first of them is due."""


@dataclass(frozen=True, slots=True)
class Named:
    """A case as a message names it that says nothing else of it."""

    reference: str
    claim_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message in its two forms."""

    subject: str
    text: str
    html: str


def corrections(*, name: str, cases: Sequence[Told], inbox_url: str | None, in_full: bool = False) -> Message:
    """Tells one person of all that waits for them.

    It says how many, where and by when, and links to the inbox: no claim number leaves the site.  `in_full` names the
    claims and what to do: a mail where there is no inbox to read it in.
    """
    counts = by_practice(cases)
    values = {
        "name": name,
        "count": len(cases),
        "practices": counts,
        "whys": list(dict.fromkeys(case.why for case in cases)),
        "url": inbox_url,
        "cases": sorted(cases, key=lambda case: case.due_at)[:MOST_IN_FULL],
        "more": max(0, len(cases) - MOST_IN_FULL),
    }
    return _message("corrections_in_full" if in_full else "corrections", _subject(cases), values)


def names_claims(channel: Channel, inbox_url: str | None) -> bool:
    """Whether a message names claims: a mail, where there is no inbox to read of them in.

    What passes through a chat, a telephone company or somebody else's server never names one.
    """
    return inbox_url is None and channel is Channel.EMAIL


def by_practice(cases: Sequence[Told]) -> list[PracticeCount]:
    """How many cases of each practice, and when the first of them is due."""
    names = dict.fromkeys(case.practice for case in cases)
    found: list[PracticeCount] = []
    for name in names:
        mine = [case for case in cases if case.practice == name]
        kinds = [case.kind for case in mine]
        found.append(
            PracticeCount(
                practice=name,
                count=len(mine),
                new=kinds.count(Kind.REQUESTED),
                reminders=kinds.count(Kind.REMINDER),
                up=len(mine) - kinds.count(Kind.REQUESTED) - kinds.count(Kind.REMINDER),
                due_on=min(mine, key=lambda case: case.due_at).due_on,
            )
        )
    return found


def not_delivered(
    *,
    name: str,
    practice: str,
    cases: Sequence[Named],
    person: str,
    channel: str,
    disabled: bool,
    inbox_url: str | None,
    in_full: bool,
) -> Message:
    """Tells a manager that somebody could not be reached.  `in_full` names the claims, as in `corrections`."""
    values = {
        "name": name,
        "practice": practice,
        "count": len(cases),
        "cases": cases[:MOST_IN_FULL] if in_full else [],
        "more": max(0, len(cases) - MOST_IN_FULL),
        "person": person,
        "channel": {"email": "e-mail", "webhook": "webhook"}.get(channel, "message"),
        "disabled": disabled,
        "url": inbox_url,
    }
    return _message("not_delivered", f"A message could not be delivered at {practice}", values)


def _message(folder: str, subject: str, values: dict[str, object]) -> Message:
    return Message(
        subject=subject,
        text=TEMPLATES.get_template(f"{folder}/text.txt").render(values, subject=subject),
        html=TEMPLATES.get_template(f"{folder}/page.html").render(values, subject=subject),
    )


def _subject(cases: Sequence[Told]) -> str:
    count, kinds = len(cases), {case.kind for case in cases}
    practices = list(dict.fromkeys(case.practice for case in cases))
    claims = "1 claim" if count == 1 else f"{count} claims"
    need = "needs" if count == 1 else "need"
    where = f" at {practices[0]}" if len(practices) == 1 else ""
    if kinds == {Kind.REMINDER}:
        return f"Reminder: {claims} still {need} correcting{where}"
    if kinds <= {Kind.ESCALATION, Kind.DISPUTED, Kind.REASSIGNED}:
        return f"{claims} {need} your attention{where}"
    return f"{claims} {need} correcting{where}"


def _faults(findings: tuple[Finding, ...], fixer: Fixer) -> list[Fault]:
    # Title and remedy are the rule book's own words; a finding's message holds the claim's facts and stays out.
    return [
        Fault(
            title=finding.title,
            remedy=finding.remedy,
            where="the claim" if finding.line_number is None else f"line {finding.line_number}",
        )
        for finding in findings
        if finding.fixer is fixer
    ]
