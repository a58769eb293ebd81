"""`palpate diff-rules`: what the rule book demands differently between two dates of service."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from palpate_cli.rule_pages import profile_named
from palpate_validator.book import RuleBook, load_rule_book
from palpate_validator.dated import DatedValue
from palpate_validator.profiles import Profile
from palpate_validator.rule import Rule
from palpate_validator.tables import MueLimit, PtpEdit
from palpate_validator.visit import MANUAL_THERAPY

console, errors = Console(), Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same on both days; a value is None on a day that has none."""

    kind: str
    """`begins`, `ends` or `changes`."""
    what: str
    """`rule`, `parameter`, `profile`, `ncci` or `mue`."""
    name: str
    title: str
    before: Any
    after: Any
    source_before: str | None
    source_after: str | None


def show_differences(
    earlier: date,
    later: date,
    *,
    payer: str | None,
    profile_folders: tuple[Path, ...],
    table_store: Path | None,
    as_json: bool,
) -> int:
    """Print what differs between two dates of service; 2 when the days or the payer make no sense."""
    if later < earlier:
        return _refuse(f"--to ({later}) lies before --from ({earlier})")
    try:
        book = load_rule_book(profile_folders, table_store)
        profile = None if payer is None else profile_named(book, payer)
    except ValueError as error:
        return _refuse(str(error))
    found = differences(book, earlier, later, profile)
    if as_json:
        listed = {"from": earlier, "to": later, "payer": profile and profile.id, "differences": map(asdict, found)}
        print(json.dumps(listed, indent=2, default=_plain, ensure_ascii=False))
    else:
        _print(found, earlier, later)
    return 0


def _refuse(problem: str) -> int:
    errors.print(f"[bold red]palpate:[/] {escape(problem)}", highlight=False, soft_wrap=True)
    return 2


def differences(book: RuleBook, earlier: date, later: date, profile: Profile | None) -> list[Difference]:
    """Everything that differs: for one payer, or for all."""
    return [
        *_rules(book, earlier, later, profile),
        *_parameters(book, earlier, later, profile),
        *_profile_values([profile] if profile else book.profiles.by_id.values(), earlier, later),
        *_edits(book, earlier, later, _programs(book, "ncci", earlier, later, profile)),
        *_unit_limits(book, earlier, later, _programs(book, "mue", earlier, later, profile)),
    ]


def _rules(book: RuleBook, earlier: date, later: date, profile: Profile | None) -> Iterator[Difference]:
    before, after = (_in_force(book, day, profile) for day in (earlier, later))
    for rule_id in sorted(before.keys() | after.keys()):
        old, new = before.get(rule_id, []), after.get(rule_id, [])
        if old != new:
            yield Difference(
                _kind(old, new), "rule", rule_id, (new or old)[0].title,
                _decisions(old), _decisions(new), _sources(old), _sources(new),
            )  # fmt: skip


def _in_force(book: RuleBook, day: date, profile: Profile | None) -> dict[str, list[Rule]]:
    """The decisions in force on a day, by rule id; a rule may have several over time."""
    if profile is None:
        rules = [rule for rule in book.rules if rule.in_force(day)]
    else:
        selection = book.selection(profile, day)
        rules = [each.rule for each in selection.selected]
    by_id: dict[str, list[Rule]] = {}
    for rule in rules:
        by_id.setdefault(rule.id, []).append(rule)
    return by_id


def _decisions(rules: list[Rule]) -> str | None:
    return "; ".join(dict.fromkeys(rule.header.remedy for rule in rules)) or None


def _sources(rules: list[Rule]) -> str | None:
    return "; ".join(dict.fromkeys(source for rule in rules for source in rule.header.sources)) or None


def _parameters(book: RuleBook, earlier: date, later: date, profile: Profile | None) -> Iterator[Difference]:
    asked = {
        name
        for day in (earlier, later)
        for rules in _in_force(book, day, profile).values()
        for rule in rules
        for name in rule.header.parameters
    }
    for name, parameter in sorted(book.parameters.items()):
        if profile is None or name in asked:
            yield from _values(
                "parameter", name, f"{parameter.title} ({parameter.unit})",
                parameter.timeline.on(earlier), parameter.timeline.on(later),
            )  # fmt: skip


def _profile_values(profiles: Iterable[Profile], earlier: date, later: date) -> Iterator[Difference]:
    for profile in profiles:
        for key in sorted(profile.settings):
            yield from _values(
                "profile", f"{profile.id}.{key}", profile.title, profile.on(key, earlier), profile.on(key, later)
            )


def _values(
    what: str, name: str, title: str, before: DatedValue | None, after: DatedValue | None
) -> Iterator[Difference]:
    old, new = (None if each is None else each.value for each in (before, after))
    if old != new:
        sources = (None if each is None else each.source for each in (before, after))
        yield Difference(_kind(before, after), what, name, title, old, new, *sources)


def _programs(book: RuleBook, key: str, earlier: date, later: date, profile: Profile | None) -> list[str]:
    """Whose table judges: all tables' programs, or those that the payer names on either day."""
    tables = book.tables.ptp if key == "ncci" else book.tables.mue_quarters
    if profile is None:
        return sorted(tables)
    named = {dated.value for day in (earlier, later) if (dated := profile.on(key, day)) is not None}
    return sorted(named & tables.keys())


def _edits(book: RuleBook, earlier: date, later: date, programs: list[str]) -> Iterator[Difference]:
    for program in programs:
        before, after = (_active(book, program, day) for day in (earlier, later))
        for pair in sorted(before.keys() | after.keys()):
            old, new = before.get(pair), after.get(pair)
            told = (_edit_in_words(old), _edit_in_words(new))
            if told[0] != told[1]:
                sources = (
                    None if old is None else _table_of(book, program, earlier),
                    None if new is None else _table_of(book, program, later),
                )
                title = "; ".join(dict.fromkeys(each.rationale for each in (old, new) if each))
                yield Difference(_kind(old, new), "ncci", f"{program} {' + '.join(pair)}", title, *told, *sources)


def _edit_in_words(edit: PtpEdit | None) -> str | None:
    if edit is None:
        return None
    return "a modifier sets the two apart" if edit.modifier_allowed else "no modifier sets the two apart"


def _table_of(book: RuleBook, program: str, day: date) -> str:
    return f"CMS NCCI table of {program}, {book.tables.ptp[program].quarter(day)}"


def _active(book: RuleBook, program: str, day: date) -> dict[tuple[str, str], PtpEdit]:
    table = book.tables.ptp[program]
    pairs = (edit for partner in table.partners(MANUAL_THERAPY, day)
             for edit in table.edits((MANUAL_THERAPY, partner), day))  # fmt: skip
    return {(edit.column1, edit.column2): edit for edit in pairs}


def _unit_limits(book: RuleBook, earlier: date, later: date, programs: list[str]) -> Iterator[Difference]:
    for program in programs:
        old, new = (book.tables.mue_on(program, day).get(MANUAL_THERAPY) for day in (earlier, later))
        if old != new:
            told = (_limit_in_words(old), _limit_in_words(new))
            sources = (
                None if each is None else f"CMS MUE table of {program} ({each.rationale})" for each in (old, new)
            )
            name = f"{program} {MANUAL_THERAPY}"
            yield Difference(_kind(old, new), "mue", name, "Most units of a day", *told, *sources)


def _limit_in_words(limit: MueLimit | None) -> str | None:
    return None if limit is None else f"{limit.units} units a day, adjudication indicator {limit.adjudication}"


def _kind(before: object, after: object) -> str:
    if not before:
        return "begins"
    return "changes" if after else "ends"


_HEADINGS = {
    "rule": "Rules",
    "parameter": "Dated values",
    "profile": "Payer profiles",
    "ncci": f"NCCI pairs of {MANUAL_THERAPY}",
    "mue": f"Unit limits of {MANUAL_THERAPY}",
}


def _print(found: list[Difference], earlier: date, later: date) -> None:
    console.print(f"[bold]Dates of service {earlier} and {later}[/]: {len(found)} differences.", highlight=False)
    for what, heading in _HEADINGS.items():
        listed = [each for each in found if each.what == what]
        if listed:
            console.print(f"\n[bold]{heading}[/]")
        for each in listed:
            _line(f"  {each.kind:<8} {each.name}: {each.title}")
            if each.what != "rule" or each.kind == "changes":
                _line(f"           {earlier}: {_side(each.before, each.source_before)}")
                _line(f"           {later}: {_side(each.after, each.source_after)}")
            else:
                _line(f"           {each.source_after or each.source_before}")


def _side(value: object, source: str | None) -> str:
    return "none" if source is None else f"{_shown(value)}   [{source}]"


def _shown(value: object) -> str:
    if isinstance(value, frozenset | list):
        return ", ".join(sorted(map(str, value))) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(text: str) -> None:
    console.print(escape(text), highlight=False, soft_wrap=True)


def _plain(value: object) -> object:
    """Sets and maps in an order of their own, days and decimals as text."""
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, map) else str(value)
