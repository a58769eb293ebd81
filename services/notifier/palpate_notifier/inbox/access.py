"""Who may see and do what in the inbox.  Pure: the directory in, an answer out.

Somebody works *in* a practice as something: whoever manages one practice and treats patients in another oversees the
first alone.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from palpate_notifier.directory import Directory, Person, Role
from palpate_notifier.tables import CaseMember, CaseRow


def covers_elsewhere(directory: Directory) -> Counter[str]:
    """How many people of each practice are covered for by somebody who may not see that practice's cases."""
    found: Counter[str] = Counter()
    for person in directory.people.values():
        cover = directory.cover_of(person)
        seen = directory.practices_of(cover) if cover is not None else None
        if seen:
            found.update(directory.practices_of(person) - seen)
    return found


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in."""

    person: Person
    directory: Directory

    def practices_as(self, *roles: Role) -> frozenset[str]:
        """The practices in which they are one of these."""
        found: set[str] = set()
        for role in roles:
            found |= {
                p.npi for p in self.directory.practices.values() if getattr(p, role.value, None) == self.person.id
            }
            if role in self.person.roles:
                found |= set(self.person.in_practices)
        return frozenset(found)

    @property
    def overseen(self) -> frozenset[str]:
        """The practices whose every case they see: those that they bill for or manage."""
        return self.practices_as(Role.BILLER, Role.MANAGER)

    @property
    def is_last_resort(self) -> bool:
        """Whether they receive what no practice of the directory claims."""
        return self.directory.manager.id == self.person.id

    @property
    def bills(self) -> bool:
        """Whether the billing view is theirs."""
        return bool(self.overseen) or self.is_last_resort

    @property
    def manages(self) -> bool:
        """Whether the manager view is theirs."""
        return bool(self.practices_as(Role.MANAGER)) or self.is_last_resort

    @property
    def operates(self) -> bool:
        """Whether they look after the machinery: they see what is sent and what is not, and no case."""
        return Role.OPS in self.person.roles

    def overseen_cases(self) -> ColumnElement[bool]:
        """The cases that they see because they bill for or manage a practice."""
        return self._in(self.overseen)

    def managed_cases(self) -> ColumnElement[bool]:
        """The cases of the practices that they manage."""
        return self._in(self.practices_as(Role.MANAGER))

    def own_cases(self) -> ColumnElement[bool]:
        """The cases that somebody gave them: routed, reassigned, escalated, or theirs to cover, in their practices."""
        covered = [each.id for each in self.directory.people.values() if each.cover == self.person.id]
        mine = CaseRow.id.in_(select(CaseMember.case_id).where(CaseMember.person.in_([self.person.id, *covered])))
        return and_(mine, self._at_home())

    def visible_cases(self) -> ColumnElement[bool]:
        """Every case whose page they may open; all others do not exist for them."""
        return or_(self.own_cases(), self.overseen_cases())

    def _at_home(self) -> ColumnElement[bool]:
        # Whoever the file puts in no practice at all renders for any of them: routing looks them up by NPI alone.
        practices = self.directory.practices_of(self.person)
        return self._in(practices) if practices or self.is_last_resort else true()

    def _in(self, practices: Collection[str]) -> ColumnElement[bool]:
        here = CaseRow.practice.in_(practices) if practices else false()
        return or_(here, CaseRow.practice.not_in(self.directory.practices)) if self.is_last_resort else here

    def colleagues(self, practice: str) -> list[Person]:
        """To whom a case of a practice can be given, by name."""
        there = (
            each
            for each in self.directory.people.values()
            if practice in self.directory.practices_of(each) or self.directory.manager_of(practice).id == each.id
        )
        return sorted(there, key=lambda each: each.name)
