"""Who is told of a finding: a tree of routes, read from a file and checked.  Routing itself is pure.

```toml
[root]                          # catches every error that no route below it takes
receiver = "clinician"
group_wait = "2m"               # what comes within it is one message
repeat = "1d"                   # business days between reminders, or "never"

[[root.routes]]
name = "claim entry"
match = { fixer = "biller" }
receiver = "biller"

[[root.routes.routes]]          # below "claim entry": narrower, looked at first
name = "workers' compensation"
match = { program = ["workers_comp", "auto"], family = "payers" }
receiver = "comp-desk"
continue = true                 # the routes after it are looked at too

[receivers.comp-desk]
people = ["bo"]
channels = ["email"]
```

`match` takes `family`, `severity`, `fixer`, `program`, `practice` (NPI) and `clinician` (a person's id); each one value
or a list, and all of them have to fit.  Only errors are routed, unless a route asks for `severity = "warning"`.
`clinician`, `biller`, `front_desk` and `manager` are receivers that the directory fills by practice.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from palpate_notifier.directory import Channel, Directory, Person
from palpate_notifier.directory import Receiver as Told
from palpate_notifier.toml_lines import Path as TomlPath
from palpate_notifier.toml_lines import line_of, lines_of
from palpate_schemas.finding import Finding
from palpate_schemas.values import Fixer, Outcome, Program, Severity

SHIPPED = Path(__file__).parent / "routes.toml"
BY_PRACTICE = ("clinician", "biller", "front_desk", "manager")
"""Receivers that the directory fills."""
LONGEST_WAIT = timedelta(hours=24)
MOST_REPEAT = 10
_MATCHERS = ("family", "severity", "fixer", "program", "practice", "clinician")
_ROUTE_KEYS = {"name", "match", "receiver", "group_wait", "repeat", "continue", "routes"}
_RECEIVER_KEYS = {"people", "channels"}
_WAIT = re.compile(r"^(\d{1,6})(s|m|h)$")
_REPEAT = re.compile(r"^(\d{1,3})d$")


class WrongRoutes(ValueError):
    """A routing file that start-up refuses: `<file>:<line>: <what>`."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A finding, as far as routes look at it."""

    rule: str
    family: str | None
    severity: Severity
    fixer: Fixer
    program: Program | None
    practice: str
    clinician: str | None
    """The directory's id of the rendering provider; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who a route tells, and by which channels; no channels are the person's own."""

    name: str
    people: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One node of the tree.  What it does not say it has from the one above it."""

    name: str
    match: Mapping[str, frozenset[str]]
    receiver: Receiver
    group_wait: timedelta
    repeat: int
    """Business days between reminders; 0 for none."""
    goes_on: bool
    routes: tuple["Route", ...] = ()

    def fits(self, subject: Subject) -> bool:
        """Whether the finding is this route's."""
        return all(getattr(subject, key) in wanted for key, wanted in self.match.items())


@dataclass(frozen=True, slots=True)
class Hit:
    """A route that took a finding, and the way to it from the root."""

    route: Route
    way: tuple[str, ...]


def take(root: Route, subject: Subject) -> tuple[Hit, ...]:
    """The routes that take a finding: the deepest that fits, and those beside it where one says `continue`.

    An error always has one, since the root catches all; a warning only where a route asks for warnings.
    """
    hits = tuple(_take(root, subject, ()))
    if subject.severity is Severity.ERROR:
        return hits
    return tuple(hit for hit in hits if "severity" in hit.route.match)


def _take(route: Route, subject: Subject, above: tuple[str, ...]) -> Iterator[Hit]:
    way = (*above, route.name)
    taken = False
    for child in route.routes:
        if child.fits(subject):
            taken = True
            yield from _take(child, subject, way)
            if not child.goes_on:
                return
    if not taken:
        yield Hit(route, way)


@dataclass(frozen=True, slots=True)
class Assignment:
    """One person who is told of a claim: for which part of it, by which route, and why it is they."""

    person: Person
    part: Fixer
    why: str
    way: tuple[str, ...]
    channels: tuple[Channel, ...]
    group_wait: timedelta
    repeat: int
    rules: tuple[str, ...]


def assignments(
    root: Route,
    directory: Directory,
    findings: Iterable[Finding],
    *,
    program: Program | None,
    practice: str,
    rendering_npi: str,
) -> tuple[Assignment, ...]:
    """Who is told of a claim: one assignment for each person, part and route, in the order of parts.

    Never empty for a claim with an error.
    """
    clinician = directory.clinician(rendering_npi, practice)
    found: dict[tuple[Fixer, str, tuple[str, ...]], Assignment] = {}
    for finding in findings:
        if finding.outcome is not Outcome.VIOLATED or finding.severity is Severity.INFO:
            continue
        subject = Subject(
            rule=finding.rule,
            family=finding.family,
            severity=finding.severity,
            fixer=finding.fixer,
            program=program,
            practice=practice,
            clinician=clinician.id if clinician is not None else None,
        )
        for hit in take(root, subject):
            for told in receivers(hit.route.receiver, directory, rendering_npi, practice):
                key = (finding.fixer, told.person.id, hit.way)
                rules = (*found[key].rules, finding.rule) if key in found else (finding.rule,)
                found[key] = Assignment(
                    person=told.person,
                    part=finding.fixer,
                    why=told.why,
                    way=hit.way,
                    channels=hit.route.receiver.channels,
                    group_wait=hit.route.group_wait,
                    repeat=hit.route.repeat,
                    rules=tuple(dict.fromkeys(rules)),
                )
    return tuple(sorted(found.values(), key=lambda each: list(Fixer).index(each.part)))


def receivers(receiver: Receiver, directory: Directory, rendering_npi: str, practice: str) -> tuple[Told, ...]:
    """The people behind a receiver, for one claim."""
    if receiver.people:
        why = f"is on the list {receiver.name!r} of the routing file"
        return tuple(Told(person=directory.people[person], why=why) for person in receiver.people)
    if receiver.name == "manager":
        return (Told(person=directory.manager_of(practice), why="manages the practice"),)
    return (directory.fixer(Fixer(receiver.name), rendering_npi, practice),)


# -- reading -----------------------------------------------------------------------------------------------------------


def load_routes(path: Path | None, directory: Directory) -> Route:
    """Read and check a routing file; None is the shipped one.

    Raises:
        WrongRoutes: the file has a mistake; the text names file and line.
    """
    path = path or SHIPPED
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongRoutes(f"{path}:1: cannot be read ({type(error).__name__})") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise WrongRoutes(f"{path}:{line[1] if line else len(text.splitlines())}: not TOML: {error}") from error
    return _Reader(path, text, directory).tree(raw)


class _Reader:
    """Turns what TOML says into a tree, and refuses by line what makes no sense."""

    def __init__(self, path: Path, text: str, directory: Directory) -> None:
        self._path, self._lines, self._directory = path, lines_of(text), directory
        self._receivers = {name: Receiver(name) for name in BY_PRACTICE}
        self._used: set[str] = set()
        self._names: set[str] = set()

    def tree(self, raw: Mapping[str, Any]) -> Route:
        self._only(raw, {"root", "receivers"}, ())
        for name, entry in self._table(raw.get("receivers", {}), ("receivers",)).items():
            self._receivers[name] = self._receiver(name, entry, ("receivers", name))
        if "root" not in raw:
            raise self._wrong((), "there is no [root]; it catches what no other route takes")
        root = self._table(raw["root"], ("root",))
        for key in ("match", "continue"):
            if key in root:
                raise self._wrong(("root", key), f"the root takes everything that is left, so it has no `{key}`")
        if "receiver" not in root:
            raise self._wrong(("root",), "the root has no receiver; what no other route takes would be dropped")
        above = Route("root", {}, self._receivers["manager"], timedelta(minutes=2), 1, goes_on=False)
        route = self._route(root, ("root",), above, name="root")
        for unused in self._receivers.keys() - set(BY_PRACTICE) - self._used:
            raise self._wrong(("receivers", unused), f"no route goes to the receiver {unused!r}")
        return route

    def _route(self, raw: Mapping[str, Any], at: TomlPath, above: Route, *, name: str) -> Route:
        self._only(raw, _ROUTE_KEYS, at)
        match = self._match(raw.get("match", {}), (*at, "match"))
        own = Route(
            name=self._name(raw, at, name),
            match=match,
            receiver=self._named_receiver(raw["receiver"], (*at, "receiver")) if "receiver" in raw else above.receiver,
            group_wait=self._wait(raw["group_wait"], (*at, "group_wait")) if "group_wait" in raw else above.group_wait,
            repeat=self._repeat(raw["repeat"], (*at, "repeat")) if "repeat" in raw else above.repeat,
            goes_on=self._switch(raw.get("continue", False), (*at, "continue")),
        )
        children = self._children(raw.get("routes", []), (*at, "routes"), own)
        return Route(own.name, own.match, own.receiver, own.group_wait, own.repeat, own.goes_on, children)

    def _children(self, raw: object, at: TomlPath, above: Route) -> tuple[Route, ...]:
        if not isinstance(raw, list) or not all(isinstance(each, dict) for each in raw):
            raise self._wrong(at, "routes are tables of their own: [[" + ".".join(str(k) for k in at) + "]]")
        routes: list[Route] = []
        for index, each in enumerate(raw):
            here = (*at, index)
            if not each.get("match"):
                raise self._wrong(here, "this route has no match: it would take everything from the routes around it")
            route = self._route(each, here, above, name=f"{above.name}.{index + 1}")
            for before in routes:
                if not before.goes_on and _covers(before.match, route.match):
                    raise self._wrong(here, f"nothing ever comes here: {before.name!r} takes all of it first")
            routes.append(route)
        return tuple(routes)

    def _match(self, raw: object, at: TomlPath) -> dict[str, frozenset[str]]:
        match: dict[str, frozenset[str]] = {}
        for key, value in self._table(raw, at).items():
            here = (*at, key)
            if key not in _MATCHERS:
                raise self._wrong(here, f"there is no match on {key!r}; there is {', '.join(_MATCHERS)}")
            values = value if isinstance(value, list) else [value]
            if not values or not all(isinstance(each, str) and each for each in values):
                raise self._wrong(here, f"{key} matches a text, or a list of texts with something in it")
            for each in values:
                self._known_value(key, each, here)
            match[key] = frozenset(values)
        return match

    def _known_value(self, key: str, value: str, at: TomlPath) -> None:
        closed = {
            "severity": [Severity.ERROR.value, Severity.WARNING.value],
            "fixer": [each.value for each in Fixer],
            "program": [each.value for each in Program],
        }
        if key in closed and value not in closed[key]:
            raise self._wrong(at, f"{value!r} is no {key}; there is {', '.join(closed[key])}")
        if key == "family" and not re.fullmatch(r"[a-z][a-z0-9_-]*", value):
            raise self._wrong(at, f"{value!r} is no rule family; `palpate rules` lists them")
        if key == "practice" and value not in self._directory.practices:
            raise self._wrong(at, f"practice {value} is not in the directory")
        if key == "clinician" and value not in self._directory.people:
            raise self._wrong(at, f"{value!r} is not in the directory")
        if key == "clinician" and self._directory.people[value].npi is None:
            raise self._wrong(at, f"{value!r} has no NPI in the directory, so no claim is ever theirs")

    def _receiver(self, name: str, raw: object, at: TomlPath) -> Receiver:
        if name in BY_PRACTICE:
            raise self._wrong(at, f"{name!r} is filled by the directory; give a receiver of your own another name")
        entry = self._table(raw, at)
        self._only(entry, _RECEIVER_KEYS, at)
        people = entry.get("people")
        if not isinstance(people, list) or not people:
            raise self._wrong((*at, "people"), f"the receiver {name!r} names nobody")
        for person in people:
            if person not in self._directory.people:
                raise self._wrong((*at, "people"), f"{person!r} is not in the directory")
        return Receiver(name, tuple(people), self._channels(entry, tuple(people), at))

    def _channels(self, entry: Mapping[str, Any], people: tuple[str, ...], at: TomlPath) -> tuple[Channel, ...]:
        here = (*at, "channels")
        channels: list[Channel] = []
        for name in entry.get("channels", []):
            if name not in list(Channel):
                raise self._wrong(here, f"there is no channel {name!r}; there is {', '.join(Channel)}")
            channels.append(Channel(name))
        for person in people:
            if Channel.WEBHOOK in channels and self._directory.people[person].webhook is None:
                raise self._wrong(here, f"{person!r} has no webhook in the directory")
            if Channel.APPRISE in channels and not self._directory.people[person].apprise:
                raise self._wrong(here, f"{person!r} has no apprise address in the directory")
        return tuple(channels)

    def _named_receiver(self, name: object, at: TomlPath) -> Receiver:
        if not isinstance(name, str) or name not in self._receivers:
            raise self._wrong(at, f"there is no receiver {name!r}; there is {', '.join(sorted(self._receivers))}")
        self._used.add(name)
        return self._receivers[name]

    def _name(self, raw: Mapping[str, Any], at: TomlPath, otherwise: str) -> str:
        name = raw.get("name", otherwise)
        if not isinstance(name, str) or not name.strip():
            raise self._wrong((*at, "name"), "a route's name is a text")
        if name in self._names:
            raise self._wrong((*at, "name"), f"two routes have the name {name!r}")
        self._names.add(name)
        return name

    def _wait(self, value: object, at: TomlPath) -> timedelta:
        found = _WAIT.match(value) if isinstance(value, str) else None
        if found is None:
            raise self._wrong(at, f"{value!r} is no time to wait; write 30s, 2m or 1h")
        wait = timedelta(seconds=int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]])
        if wait > LONGEST_WAIT:
            raise self._wrong(at, f"{value} is longer than a day; a person's digest_at is for that")
        return wait

    def _repeat(self, value: object, at: TomlPath) -> int:
        if value == "never":
            return 0
        found = _REPEAT.match(value) if isinstance(value, str) else None
        if found is None or not 1 <= int(found[1]) <= MOST_REPEAT:
            raise self._wrong(at, f"{value!r} is no time between reminders; write 1d to {MOST_REPEAT}d, or never")
        return int(found[1])

    def _switch(self, value: object, at: TomlPath) -> bool:
        if not isinstance(value, bool):
            raise self._wrong(at, "continue is true or false")
        return value

    def _table(self, value: object, at: TomlPath) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(at, f"{at[-1]} is a table")
        return value

    def _only(self, raw: Mapping[str, Any], keys: set[str], at: TomlPath) -> None:
        for key in raw:
            if key not in keys:
                raise self._wrong((*at, key), f"there is no {key!r} here; there is {', '.join(sorted(keys))}")

    def _wrong(self, at: TomlPath, what: str) -> WrongRoutes:
        return WrongRoutes(f"{self._path}:{line_of(self._lines, at)}: {what}")


def _covers(wider: Mapping[str, frozenset[str]], narrower: Mapping[str, frozenset[str]]) -> bool:
    """Whether everything that fits the second fits the first."""
    return all(key in narrower and narrower[key] <= values for key, values in wider.items()) and (
        ("severity" in wider) == ("severity" in narrower)
    )
