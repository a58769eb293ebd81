"""Who is who: practices and the people in them, read from one file.

```toml
manager = "pat"                       # receives what no practice claims

[[practice]]
npi = "1497758544"
name = "Harbor Physical Therapy"
manager = "pat"

[[person]]
id = "ada"
npi = "1245319599"
name = "Ada Quist, PT"
email = "ada@harbor.example"
practice = "1497758544"
```
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from palpate_schemas.values import Wire

Email = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+$", max_length=254)
]


class WrongDirectory(ValueError):
    """A directory file that start-up refuses; the text names file and entry."""


class Person(Wire):
    """Somebody who can be told."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
    npi: str | None = None
    name: str
    email: Email
    practice: str | None = None


class Practice(Wire):
    """A billing provider, and who answers for it."""

    npi: str
    name: str
    manager: str


class Receiver(Wire):
    """Who is told of a failed claim, and why it is they."""

    person: Person
    why: str


class _File(Wire):
    manager: str
    practice: tuple[Practice, ...] = ()
    person: Annotated[tuple[Person, ...], Field(min_length=1)]


class Directory:
    """Looks people up.  Whatever is unknown goes to a manager: nothing is ever dropped."""

    def __init__(self, people: Mapping[str, Person], practices: Mapping[str, Practice], manager: Person) -> None:
        self.people, self.practices, self.manager = people, practices, manager
        self._by_npi = {(p.npi, p.practice): p for p in people.values() if p.npi is not None}

    def receiver(self, rendering_npi: str, practice_npi: str) -> Receiver:
        """Who is told of a claim that this provider rendered and this practice bills."""
        person = self._by_npi.get((rendering_npi, practice_npi)) or self._by_npi.get((rendering_npi, None))
        if person is not None:
            return Receiver(person=person, why="rendered the service")
        practice = self.practices.get(practice_npi)
        if practice is not None:
            return Receiver(person=self.people[practice.manager], why="manages the practice; the provider is unknown")
        return Receiver(person=self.manager, why="receives what no practice claims; the practice is unknown")

    def manager_of(self, practice_npi: str) -> Person:
        """Who answers for a practice, known or not."""
        practice = self.practices.get(practice_npi)
        return self.people[practice.manager] if practice is not None else self.manager

    def practice_name(self, practice_npi: str) -> str:
        """A practice's name, or its NPI where it is unknown."""
        practice = self.practices.get(practice_npi)
        return practice.name if practice is not None else f"practice {practice_npi}"


def load_directory(path: Path) -> Directory:
    """Read the directory.

    Raises:
        WrongDirectory: the file is not there, is not TOML, or names somebody who is not in it.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise WrongDirectory(f"{path}: there is no such file; write one, or set PALPATE_DIRECTORY") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongDirectory(f"{path}: not TOML: {error}") from error
    return _checked(path, raw)


def _checked(path: Path, raw: Mapping[str, Any]) -> Directory:
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise WrongDirectory(f"{path}: {place}: {first['msg']}") from error
    people: dict[str, Person] = {}
    for person in file.person:
        if person.id in people:
            raise WrongDirectory(f"{path}: two people have the id {person.id!r}")
        people[person.id] = person
    practices: dict[str, Practice] = {}
    for practice in file.practice:
        if practice.npi in practices:
            raise WrongDirectory(f"{path}: two practices have the NPI {practice.npi}")
        practices[practice.npi] = practice
    _known(path, people, "the directory", file.manager)
    for practice in file.practice:
        _known(path, people, f"practice {practice.npi}", practice.manager)
    for person in file.person:
        if person.practice is not None and person.practice not in practices:
            raise WrongDirectory(f"{path}: person {person.id!r} is in practice {person.practice}, which is not here")
    return Directory(people, practices, people[file.manager])


def _known(path: Path, people: Mapping[str, Person], whose: str, manager: str) -> None:
    if manager not in people:
        raise WrongDirectory(f"{path}: the manager of {whose} is {manager!r}, who is not in it")
