"""The rule book: every rule, parameter, table and payer profile, loaded once, with a digest of all of it."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path

from palpate_schemas.verdict import Ruleset
from palpate_validator.catalogue import catalogue
from palpate_validator.dated import BadData
from palpate_validator.parameters import Parameter, load_parameters
from palpate_validator.profiles import Profile, Profiles, load_profiles
from palpate_validator.rule import Rule
from palpate_validator.selection import Selected, Selection
from palpate_validator.tables import Tables, load_tables


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
        self._stretches: dict[str, tuple[list[date], dict[int, Selection]]] = {
            profile.id: (self._change_days(profile), {}) for profile in profiles.by_id.values()
        }
        self._refuse_unknown_rules()

    def selection(self, profile: Profile, day: date) -> Selection:
        """The rules that judge a visit of `day` under `profile`; worked out once for each stretch without change."""
        changes, selections = self._stretches[profile.id]
        stretch = bisect_right(changes, day)
        found = selections.get(stretch)
        if found is None:
            found = selections[stretch] = self._select(profile, day)
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
                selected.append(Selected(rule, severity, rule.judge))
        return Selection(
            tuple(selected),
            unsaid_settings=tuple(sorted(unsaid)),
            settings={key: dated for key in profile.settings if (dated := profile.on(key, day)) is not None},
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
