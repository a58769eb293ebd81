"""Who would be told of a claim, by which route, when and why.  Nothing is sent and nothing is written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from palpate_notifier.cases import errors
from palpate_notifier.directory import Channel, Directory
from palpate_notifier.preferences import Preferences, Quiet, may_be_told_at, silenced_until
from palpate_notifier.routing import Route, assignments
from palpate_notifier.schedule import Place, due
from palpate_schemas.finding import Finding
from palpate_schemas.values import Fixer, Program


@dataclass(frozen=True, slots=True)
class Would:
    """One person who would be told."""

    person: str
    """Their name."""
    part: Fixer
    rules: tuple[str, ...]
    route: str
    """The way from the root, e.g. `root > claim entry`."""
    why: str
    instead: str | None
    """The name of who would be told in their place, because they are away."""
    channels: tuple[Channel, ...]
    at: datetime
    """The earliest instant."""
    held_back: str | None
    """What holds it back beyond the group wait."""
    due_at: datetime


def explain(
    root: Route,
    directory: Directory,
    findings: Iterable[Finding],
    *,
    program: Program | None,
    practice: str,
    rendering_npi: str,
    now: datetime,
    silences: Sequence[Quiet] = (),
) -> list[Would]:
    """Who would be told of these findings if they came now.  Empty when there is no error among them."""
    found = tuple(findings)
    faults = [(finding.rule, finding.family) for finding in errors(found)]
    if not faults:
        return []
    place = Place(directory.zone_of_practice(practice), directory.state_of(practice))
    would: list[Would] = []
    for each in assignments(root, directory, found, program=program, practice=practice, rendering_npi=rendering_npi):
        zone = directory.zone_of(each.person)
        heard_by = directory.standing_in(each.person, now.astimezone(zone).date())
        ready = now + each.group_wait
        at = may_be_told_at(
            ready,
            Preferences(directory.zone_of(heard_by), heard_by.quiet_hours, heard_by.digest_at),
            waiting_since=now,
            urgent=False,
            sent=(),
        )
        silent = silenced_until(silences, practice=practice, person=each.person.id, faults=faults)
        held = "quiet hours, or their digest" if at > ready else None
        would.append(
            Would(
                person=each.person.name,
                part=each.part,
                rules=each.rules,
                route=" > ".join(each.way),
                why=each.why,
                instead=heard_by.name if heard_by.id != each.person.id else None,
                channels=each.channels or heard_by.channels,
                at=max(at, silent) if silent is not None else max(at, ready),
                held_back="a silence" if silent is not None else held,
                due_at=due(now, place),
            )
        )
    return would
