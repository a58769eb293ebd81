"""The rule book: every rule, parameter, table and payer profile, loaded once, with a digest of all of it."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path

from palpate_schemas.values import Severity
from palpate_schemas.verdict import Ruleset
from palpate_validator.catalogue import catalogue
from palpate_validator.dated import BadData, DatedValue
from palpate_validator.parameters import Parameter, load_parameters
from palpate_validator.profiles import Profile, Profiles, load_profiles
from palpate_validator.rule import Question, Rule
from palpate_validator.tables import Tables, load_tables
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """A rule as one payer applies it on one day."""

    rule: Rule
    severity: Severity


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Rules that begin with the same question, which is asked once for all of them."""

    given: Question | None
    selected: tuple[Selected, ...]


_Look = frozenset[str]
_Trigger = tuple[frozenset[str] | None, frozenset[str] | None, frozenset[Unusual] | None]
"""The codes, modifiers and unusual things of a header."""


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The rules in force for one payer on one day, and the settings that they miss in its profile."""

    per_visit: tuple[Selected, ...]
    per_claim: tuple[Selected, ...]
    unsaid_settings: tuple[str, ...]
    ids: frozenset[str]
    """All of their ids."""
    settings: Mapping[str, DatedValue]
    """What the profile says on that day, by key."""
    telling_codes: frozenset[str]
    """The codes and, below, the modifiers that any rule is triggered by; no other changes what is asked."""
    telling_modifiers: frozenset[str]
    _by_trigger: dict[bool, dict[_Trigger, list[Selected]]] = field(default_factory=dict)
    _steps: dict[tuple[bool, _Look, _Look, _Look], tuple[Step, ...]] = field(default_factory=dict)

    def steps(self, visit: Visit, *, per_claim: bool) -> tuple[Step, ...]:
        """What to ask of a visit, by its codes, its modifiers and what is unusual about it.

        Most visits look alike, so what was chosen for a look is remembered.
        """
        look = visit.codes & self.telling_codes, visit.modifiers & self.telling_modifiers, visit.unusual
        found = self._steps.get((per_claim, *look))
        if found is None:
            if len(self._steps) >= _MOST_STEPS:
                self._steps.clear()
            found = self._steps[per_claim, *look] = _steps(self._triggered(look, per_claim=per_claim))
        return found

    def _triggered(self, look: tuple[_Look, _Look, _Look], *, per_claim: bool) -> Iterator[Selected]:
        if not self._by_trigger:
            self._by_trigger[False], self._by_trigger[True] = (
                self._triggers(self.per_visit),
                self._triggers(self.per_claim),
            )
        for trigger, together in self._by_trigger[per_claim].items():
            if all(want is None or not want.isdisjoint(seen) for want, seen in zip(trigger, look, strict=True)):
                yield from together

    def _triggers(self, chosen: Iterable[Selected]) -> dict[_Trigger, list[Selected]]:
        """Rules by what makes them look at a visit, but for those that hang on settings the profile does not have."""
        found: dict[_Trigger, list[Selected]] = {}
        for each in chosen:
            header = each.rule.header
            if header.settings is None or not self.settings.keys().isdisjoint(header.settings):
                found.setdefault((header.codes, header.modifiers, header.unusual), []).append(each)
        return found


_MOST_STEPS = 4096


def _steps(selected: Iterable[Selected]) -> tuple[Step, ...]:
    by_question: dict[Question | None, list[Selected]] = {}
    for each in selected:
        by_question.setdefault(each.rule.header.given, []).append(each)
    return tuple(Step(given, tuple(together)) for given, together in by_question.items())


class RuleBook:
    """Everything that decides, apart from the claim."""

    def __init__(
        self,
        rules: tuple[Rule, ...],
        parameters: Mapping[str, Parameter],
        tables: Tables,
        profiles: Profiles,
        ruleset: Ruleset,
    ) -> None:
        self.rules = rules
        self.parameters = parameters
        self.tables = tables
        self.profiles = profiles
        self.ruleset = ruleset
        self._changes = {profile.id: self._change_days(profile) for profile in profiles.by_id.values()}
        self._selections: dict[tuple[str, int], Selection] = {}
        self._refuse_unknown_rules()

    def selection(self, profile: Profile, day: date) -> Selection:
        """The rules that judge a visit of `day` under `profile`; worked out once for each stretch without change."""
        stretch = (profile.id, bisect_right(self._changes[profile.id], day))
        found = self._selections.get(stretch)
        if found is None:
            found = self._selections[stretch] = self._select(profile, day)
        return found

    def _change_days(self, profile: Profile) -> list[date]:
        changes = {rule.header.start for rule in self.rules}
        changes |= {date.fromordinal(r.header.end.toordinal() + 1) for r in self.rules if r.header.end is not None}
        for timeline in profile.settings.values():
            changes |= timeline.changes()
        return sorted(changes)

    def _select(self, profile: Profile, day: date) -> Selection:
        selected: list[Selected] = []
        unsaid: set[str] = set()
        for rule in self.rules:
            if not rule.in_force(day) or not _concerns(rule, profile):
                continue
            answers = {key: profile.on(key, day) for key in rule.header.profile}
            unsaid |= {key for key, answer in answers.items() if answer is None}
            if all(a is not None and a.value == rule.header.profile[key] for key, a in answers.items()):
                severity = profile.rules.severity.get(rule.id) or rule.severity_for(profile.program)
                selected.append(Selected(rule, severity))
        return Selection(
            tuple(each for each in selected if each.rule.header.per == "visit"),
            tuple(each for each in selected if each.rule.header.per == "claim"),
            tuple(sorted(unsaid)),
            frozenset(each.rule.id for each in selected),
            {key: dated for key in profile.settings if (dated := profile.on(key, day)) is not None},
            frozenset().union(*(each.rule.header.codes or () for each in selected)),
            frozenset().union(*(each.rule.header.modifiers or () for each in selected)),
        )

    def _refuse_unknown_rules(self) -> None:
        ids = {rule.id for rule in self.rules}
        for profile in self.profiles.by_id.values():
            if unknown := profile.rules.named - ids:
                text = profile.origin.read_text("utf-8")
                raise BadData(profile.origin, text, min(unknown), f"there is no rule {', '.join(sorted(unknown))}")


def _concerns(rule: Rule, profile: Profile) -> bool:
    programs, choices = rule.header.programs, profile.rules
    if programs is not None and profile.program not in programs:
        return False
    if rule.id in choices.ignore:
        return False
    return choices.select is None or rule.id in choices.select


def load_rule_book(profile_folders: Iterable[Path] = (), table_store: Path | None = None) -> RuleBook:
    """The shipped rule book, with a site's own payer profiles and imported tables laid over it.

    Args:
        profile_folders: Folders of payer profiles.
        table_store: A folder that `table_import.import_files` has written CMS's quarters into.

    Raises:
        BadData: a data file is wrong; the text names it with its line.
    """
    folders = tuple(profile_folders)
    return RuleBook(
        rules=catalogue(),
        parameters=load_parameters(),
        tables=load_tables(store=table_store),
        profiles=load_profiles(*folders),
        ruleset=Ruleset(version=version("palpate"), digest=digest_of(folders, table_store)),
    )


@cache
def shipped_rule_book() -> RuleBook:
    """The rule book as it comes, loaded once a process."""
    return load_rule_book()


def digest_of(profile_folders: tuple[Path, ...], table_store: Path | None = None) -> str:
    """SHA-256 over the name and bytes of every file that can change a verdict."""
    digest = hashlib.sha256()
    for name, path in _files(profile_folders, table_store):
        digest.update(f"{name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(profile_folders: tuple[Path, ...], table_store: Path | None) -> Iterator[tuple[str, Path]]:
    package = Path(__file__).parent
    kinds = {".py", ".toml", ".csv"}
    for path in sorted(p for p in package.rglob("*") if p.suffix in kinds):
        yield str(path.relative_to(package)), path
    for folder in profile_folders:
        for path in sorted(folder.glob("*.toml")):
            yield f"site/{path.name}", path
    if table_store is not None:
        for path in sorted(table_store.glob("*.csv")):
            yield f"store/{path.name}", path
