"""Who is who: practices and the people in them, read from one file and from tables of people that it names.

```toml
manager = "pat"                       # receives what no practice claims
people = ["people.csv"]               # more people, one a row (see `directory_csv`); beside this file
timezone = "America/New_York"         # of whoever names none

[[practice]]
npi = "1497758544"
name = "Harbor Physical Therapy"
manager = "pat"
timezone = "America/Chicago"
state = "ND"                          # whose holidays are no business days; federal ones alone without it
biller = "bo"                         # who mends claim-entry faults; the clinician where nobody is named
front_desk = "fay"                    # who mends coverage and demographics; the clinician where nobody is named

[[person]]
id = "ada"
npi = "1245319599"
name = "Ada Quist, PT"
email = "ada@harbor.example"
practices = ["1497758544"]
roles = ["clinician"]                 # clinician, biller, front_desk, manager, ops; what they may see and do
cover = "ben"                         # takes over while away, and is asked first when nothing happens
away = [{ from = 2026-12-21, through = 2027-01-02 }]
quiet_hours = { from = "19:00", to = "07:00" }
digest_at = "07:30"                   # one mail a morning instead of one a window
channels = ["email", "webhook"]       # email alone by default; webhook and apprise need their addresses
webhook = { url = "https://chat.harbor.example/hooks/ada", secret_file = "/run/secrets/ada_webhook" }
apprise = ["sms://..."]               # needs the extra `palpate[apprise]`
openid_subject = "00u1a2b3"           # their account at the OpenID provider; by e-mail address without it
```
"""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar
from zoneinfo import ZoneInfo

import holidays
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    Strict,
    StringConstraints,
    ValidationError,
    model_validator,
)

from palpate_notifier.directory_csv import Row, WrongTable, read_rows
from palpate_notifier.toml_lines import Path as TomlPath
from palpate_notifier.toml_lines import line_of, lines_of
from palpate_schemas.values import Fixer, Wire

Email = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+$", max_length=254)
]
PersonId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"{name!r} is no time zone, e.g. America/Chicago") from error
    return name


def _state(name: str) -> str:
    if name not in holidays.list_supported_countries()["US"]:
        raise ValueError(f"{name!r} is no US state or territory, e.g. ND")
    return name


_CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
"""As people write a time, and as spreadsheets rewrite it."""


def _clock(written: object) -> object:
    if not isinstance(written, str):
        return written
    for form in _CLOCKS:
        try:
            return datetime.strptime(" ".join(written.split()), form).time()  # noqa: DTZ007 - of any day, anywhere
        except ValueError:
            continue
    raise ValueError(f"{written!r} is no time of day, e.g. 07:30")


def _day(written: object) -> object:
    return date.fromisoformat(written.strip()) if isinstance(written, str) else written


Zone = Annotated[str, AfterValidator(_zone)]
State = Annotated[str, AfterValidator(_state)]
# Strict, for pydantic takes a number for seconds: 730 would be twelve minutes past midnight.
Clock = Annotated[time, Strict(), BeforeValidator(_clock)]
Day = Annotated[date, Strict(), BeforeValidator(_day)]


class WrongDirectory(ValueError):
    """A directory that start-up refuses; the text names file, line and entry."""


class Role(StrEnum):
    """What somebody may see and do."""

    CLINICIAN = "clinician"
    BILLER = "biller"
    FRONT_DESK = "front_desk"
    MANAGER = "manager"
    OPS = "ops"


class Channel(StrEnum):
    """A way to reach somebody."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    APPRISE = "apprise"


class _Entry(Wire, extra="forbid"):
    """A part of the file.  A misspelt key is a mistake, not something to pass over."""


class Absence(_Entry):
    """Days on which somebody is away, both included, where they are."""

    from_: Annotated[Day, Field(alias="from")]
    through: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.through < self.from_:
            raise ValueError("it ends before it begins")
        return self


class QuietHours(_Entry):
    """Hours of the day in which nothing is sent; they may go past midnight."""

    from_: Annotated[Clock, Field(alias="from")]
    to: Clock

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("quiet hours from and to the same time are none, or all day")
        return self


class Webhook(_Entry):
    """Where signed messages go (Standard Webhooks)."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=1024)]
    secret_file: Path
    """Holds `whsec_` and the secret in base64."""

    def secret(self) -> SecretStr:
        """The secret, as it is now."""
        return SecretStr(self.secret_file.read_text("utf-8").strip())


class Person(_Entry):
    """Somebody who can be told."""

    id: PersonId
    npi: str | None = None
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\r\n]+$")]
    email: Email
    practice: str | None = None
    """The one practice they are in; `practices` where there are more."""
    practices: tuple[str, ...] = ()
    roles: frozenset[Role] = frozenset()
    timezone: Zone | None = None
    cover: PersonId | None = None
    away: tuple[Absence, ...] = ()
    quiet_hours: QuietHours | None = None
    digest_at: Clock | None = None
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] = (Channel.EMAIL,)
    webhook: Webhook | None = None
    apprise: tuple[SecretStr, ...] = ()
    openid_subject: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    """Their account at the OpenID provider (`sub`); without it they are known there by their e-mail address."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if Channel.WEBHOOK in self.channels and self.webhook is None:
            raise ValueError("the channel webhook needs a webhook with url and secret_file")
        if Channel.APPRISE in self.channels and not self.apprise:
            raise ValueError("the channel apprise needs an apprise URL")
        if self.cover == self.id:
            raise ValueError("nobody covers for themselves")
        return self

    @property
    def in_practices(self) -> tuple[str, ...]:
        """Every practice they are in."""
        return tuple(dict.fromkeys((*((self.practice,) if self.practice else ()), *self.practices)))

    def is_away(self, day: date) -> bool:
        """Whether they are away on a day."""
        return any(absence.from_ <= day <= absence.through for absence in self.away)


class Practice(_Entry):
    """A billing provider, and who answers for it."""

    npi: str
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\r\n]+$")]
    manager: PersonId
    biller: PersonId | None = None
    front_desk: PersonId | None = None
    timezone: Zone | None = None
    state: State | None = None


class Receiver(Wire):
    """Who is told of a failed claim, and why it is they."""

    person: Person
    why: str


def _a_list(written: object) -> object:
    if not isinstance(written, list):
        raise ValueError('a list is wanted, e.g. ["people.csv"]')  # noqa: TRY004 - pydantic turns ValueError into its own
    return written


class _File(_Entry):
    manager: PersonId
    timezone: Zone = "America/New_York"
    people: Annotated[tuple[Path, ...], BeforeValidator(_a_list)] = ()
    """CSV files with more people, relative to this one."""
    practice: tuple[Practice, ...] = ()
    person: tuple[Person, ...] = ()


class Directory:
    """Looks people up.  Whatever is unknown goes to a manager: nothing is ever dropped."""

    def __init__(
        self,
        people: Mapping[str, Person],
        practices: Mapping[str, Practice],
        manager: Person,
        timezone: str = "America/New_York",
    ) -> None:
        self.people, self.practices, self.manager, self.timezone = people, practices, manager, timezone
        self._by_npi = {
            (person.npi, practice): person
            for person in people.values()
            if person.npi is not None
            for practice in (person.in_practices or (None,))
        }

    def clinician(self, rendering_npi: str, practice_npi: str) -> Person | None:
        """The rendering provider of a practice's claim, if they are known."""
        return self._by_npi.get((rendering_npi, practice_npi)) or self._by_npi.get((rendering_npi, None))

    def receiver(self, rendering_npi: str, practice_npi: str) -> Receiver:
        """Who is told of a claim that this provider rendered and this practice bills."""
        person = self.clinician(rendering_npi, practice_npi)
        if person is not None:
            return Receiver(person=person, why="rendered the service")
        practice = self.practices.get(practice_npi)
        if practice is not None:
            return Receiver(person=self.people[practice.manager], why="manages the practice; the provider is unknown")
        return Receiver(person=self.manager, why="receives what no practice claims; the practice is unknown")

    def fixer(self, part: Fixer, rendering_npi: str, practice_npi: str) -> Receiver:
        """Who mends this kind of fault on a claim.  Where the practice names nobody for it, the clinician does."""
        practice = self.practices.get(practice_npi)
        if practice is not None and part is Fixer.BILLER and practice.biller is not None:
            return Receiver(person=self.people[practice.biller], why="does the billing of the practice")
        if practice is not None and part is Fixer.FRONT_DESK and practice.front_desk is not None:
            return Receiver(person=self.people[practice.front_desk], why="looks after the practice's front desk")
        return self.receiver(rendering_npi, practice_npi)

    def manager_of(self, practice_npi: str) -> Person:
        """Who answers for a practice, known or not."""
        practice = self.practices.get(practice_npi)
        return self.people[practice.manager] if practice is not None else self.manager

    def practice_name(self, practice_npi: str) -> str:
        """A practice's name, or its NPI where it is unknown."""
        practice = self.practices.get(practice_npi)
        return practice.name if practice is not None else f"practice {practice_npi}"

    def cover_of(self, person: Person) -> Person | None:
        """Who covers for somebody."""
        return self.people[person.cover] if person.cover is not None else None

    def standing_in(self, person: Person, day: date) -> Person:
        """Who is told in somebody's place on a day: they, or whoever covers for them, or the one after that."""
        seen = {person.id}
        now = person
        while now.is_away(day):
            cover = self.cover_of(now)
            if cover is None or cover.id in seen:
                # Everybody is away: it waits for the one whose it is rather than for somebody by accident.
                return person
            seen.add(cover.id)
            now = cover
        return now

    def zone_of_practice(self, practice_npi: str) -> ZoneInfo:
        """A practice's time zone."""
        practice = self.practices.get(practice_npi)
        return ZoneInfo((practice.timezone if practice is not None else None) or self.timezone)

    def zone_of(self, person: Person) -> ZoneInfo:
        """A person's time zone: their own, their practice's, or the directory's."""
        if person.timezone is not None:
            return ZoneInfo(person.timezone)
        return self.zone_of_practice(person.in_practices[0]) if person.in_practices else ZoneInfo(self.timezone)

    def state_of(self, practice_npi: str) -> str | None:
        """Whose holidays a practice keeps beside the federal ones."""
        practice = self.practices.get(practice_npi)
        return practice.state if practice is not None else None

    def roles_of(self, person: Person) -> frozenset[Role]:
        """What somebody may see and do: as the file says, and what follows from what they are in it."""
        implied = set(person.roles)
        if person.npi is not None:
            implied.add(Role.CLINICIAN)
        for practice in self.practices.values():
            if practice.manager == person.id:
                implied.add(Role.MANAGER)
            if practice.biller == person.id:
                implied.add(Role.BILLER)
            if practice.front_desk == person.id:
                implied.add(Role.FRONT_DESK)
        if self.manager.id == person.id:
            implied.add(Role.MANAGER)
        return frozenset(implied)

    def practices_of(self, person: Person) -> frozenset[str]:
        """Every practice whose cases somebody may see: those they are in, and those they work for by name."""
        named = {
            practice.npi
            for practice in self.practices.values()
            if person.id in {practice.manager, practice.biller, practice.front_desk}
        }
        return frozenset(named | set(person.in_practices))

    def by_email(self, email: str) -> Person | None:
        """Whose address this is, whatever its case; nobody's where several share it: it says not which of them."""
        wanted = _same(email)
        found = [person for person in self.people.values() if _same(person.email) == wanted]
        return found[0] if len(found) == 1 else None

    def by_subject(self, subject: str) -> Person | None:
        """Whose account at the OpenID provider this is, where the directory says so."""
        return next((person for person in self.people.values() if person.openid_subject == subject), None)

    @property
    def shared_addresses(self) -> list[str]:
        """The ids of people who share an e-mail address with somebody: by it they cannot sign in."""
        counts = Counter(_same(person.email) for person in self.people.values())
        return sorted(person.id for person in self.people.values() if counts[_same(person.email)] > 1)


def _same(email: str) -> str:
    """An address as it is compared.

    Upper and lower case are one in ASCII alone: elsewhere two addresses can fold to one (U+212A KELVIN SIGN to `k`),
    and whoever owns the one would sign in as the other.
    """
    stripped = email.strip()
    return stripped.lower() if stripped.isascii() else stripped


def load_directory(path: Path) -> Directory:
    """Read the directory, and the tables of people that it names.

    Raises:
        WrongDirectory: a file is not there, cannot be read, or names somebody who is nowhere.
    """
    try:
        text = path.read_text("utf-8")
        raw = tomllib.loads(text)
    except FileNotFoundError as error:
        raise WrongDirectory(f"{path}: there is no such file; write one, or set PALPATE_DIRECTORY") from error
    except OSError as error:
        raise WrongDirectory(f"{path}: cannot be read ({type(error).__name__})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongDirectory(f"{path}: not TOML: {error}") from error
    return _checked(_Source(path, lines_of(text)), raw)


@dataclass(frozen=True, slots=True)
class _Source:
    """The TOML file, which knows where in it something stands."""

    path: Path
    lines: dict[TomlPath, int]

    def place(self, *where: str | int) -> str:
        return f"{self.path}:{line_of(self.lines, where)}"


@dataclass(frozen=True, slots=True)
class _Listed:
    """A person, and where they are written down."""

    person: Person
    place: str


_Name = TypeVar("_Name", bound=Hashable)


def _checked(source: _Source, raw: Mapping[str, Any]) -> Directory:
    file = _file(source, raw)
    listed = (*(_Listed(each, source.place("person", at)) for at, each in enumerate(file.person)), *_rows(source, file))
    if not listed:
        raise WrongDirectory(
            f'{source.path}: there is no [[person]]; write one, or name a table: people = ["people.csv"]'
        )
    _no_person_twice(listed)
    people = {each.person.id: each.person for each in listed}
    practices = _practices(source, file)
    _all_known(source, file, listed, people, practices)
    return Directory(people, practices, people[file.manager], file.timezone)


def _all_known(
    source: _Source,
    file: _File,
    listed: Iterable[_Listed],
    people: Mapping[str, Person],
    practices: Mapping[str, Practice],
) -> None:
    """Whoever and whatever is named is there."""
    _known(source.place("manager"), people, "the manager of the directory", file.manager)
    for at, practice in enumerate(file.practice):
        for what in ("manager", "biller", "front_desk"):
            place = source.place("practice", at, what)
            _known(place, people, f"the {what} of practice {practice.npi}", getattr(practice, what))
    for place, person in ((each.place, each.person) for each in listed):
        _known(place, people, f"the cover of {person.id!r}", person.cover)
        for npi in person.in_practices:
            if npi not in practices:
                raise WrongDirectory(f"{place}: person {person.id!r} is in practice {npi}, which is no [[practice]]")


def _file(source: _Source, raw: Mapping[str, Any]) -> _File:
    try:
        return _File.model_validate(raw)
    except ValidationError as error:
        where, what = _first(error)
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in where)
        raise WrongDirectory(f"{source.place(*where)}: {place}: {what}") from error


def _rows(source: _Source, file: _File) -> Iterator[_Listed]:
    """The people of the tables, by the same model as those of the file."""
    _once([(source.place("people"), name) for name in file.people], lambda name: f"the table {str(name)!r}")
    for name in file.people:
        try:
            rows = read_rows(source.path.parent / name)
        except WrongTable as error:
            raise WrongDirectory(str(error)) from error
        yield from map(_of_row, rows)


def _of_row(row: Row) -> _Listed:
    try:
        return _Listed(Person.model_validate(row.person), row.place)
    except ValidationError as error:
        raise WrongDirectory(row.refusal(*_first(error))) from error


def _first(error: ValidationError) -> tuple[TomlPath, str]:
    """Where the first mistake is, and what it is."""
    first = error.errors(include_url=False, include_input=False)[0]
    return first["loc"], re.sub(r"^Value error, ", "", first["msg"])


def _practices(source: _Source, file: _File) -> dict[str, Practice]:
    places = [(source.place("practice", at, "npi"), each.npi) for at, each in enumerate(file.practice)]
    _once(places, lambda npi: f"two practices have the NPI {npi!r}")
    return {practice.npi: practice for practice in file.practice}


def _no_person_twice(listed: Iterable[_Listed]) -> None:
    """Nobody shares what somebody is known by: id, account, or in one practice the NPI."""
    everybody = [(each.place, each.person) for each in listed]
    _once([(place, person.id) for place, person in everybody], lambda id_: f"two people have the id {id_!r}")
    accounts = [(place, person.openid_subject) for place, person in everybody if person.openid_subject]
    _once(accounts, lambda account: f"two people have the openid_subject {account!r}")
    clinicians = [
        (place, (person.npi, practice))
        for place, person in everybody
        if person.npi
        for practice in person.in_practices or (None,)
    ]
    _once(clinicians, lambda both: f"two people of one practice have the NPI {both[0]!r}: whose are its claims?")


def _once(named: Iterable[tuple[str, _Name]], what: Callable[[_Name], str]) -> None:
    """Refuse what is written down a second time, with both places."""
    seen: dict[_Name, str] = {}
    for place, name in named:
        if name in seen:
            raise WrongDirectory(f"{place}: {what(name)}; the other stands at {seen[name]}; change or delete one")
        seen[name] = place


def _known(place: str, people: Mapping[str, Person], what: str, named: str | None) -> None:
    if named is not None and named not in people:
        raise WrongDirectory(f"{place}: {what} is {named!r}, who is not in the directory; add them, or correct the id")
