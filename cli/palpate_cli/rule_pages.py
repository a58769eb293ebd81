"""Rule pages: in the terminal, as a list, and as the Markdown of `docs/rules/`."""

import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from palpate_cli.reports.text import WHO, denial_code
from palpate_schemas.values import Program, Severity
from palpate_validator.book import RuleBook, load_rule_book, shipped_rule_book
from palpate_validator.catalogue import catalogue, rule_by_id
from palpate_validator.dated import BEGINNING, DatedValue
from palpate_validator.parameters import load_parameters
from palpate_validator.profiles import Profile
from palpate_validator.rule import SAID, Rule

console, errors = Console(), Console(stderr=True)

CONFIDENCE = {
    "sourced": "Read in the sources below.",
    "practice": "Billing practice; no published authority was read.",
    "uncertain": "Varies by payer or is not settled: a warning at most, unless a payer profile says otherwise.",
}


def page_of(rules: tuple[Rule, ...]) -> str:
    """A rule's page as Markdown: the docstring, then what the header says, then the values that it looks up."""
    first = rules[0]
    title, _, body = first.page.partition("\n")
    parts = [f"# {first.id}", title, body.strip(), "## Facts", _facts(rules), *_dated_values(rules), *_sources(rules)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(rules: tuple[Rule, ...]) -> str:
    rows = [
        ("Family", rules[0].family),
        ("Severity", _each(rules, _severity)),
        ("Who mends it", _each(rules, lambda rule: WHO[rule.header.fixer])),
        ("Denial code", _each(rules, lambda rule: denial_code(rule.header.denial) if rule.header.denial else "")),
        ("Payers", _each(rules, _payers)),
        ("Dates of service", "; ".join(dict.fromkeys(_life(rule) for rule in rules))),
        ("How sure", _each(rules, lambda rule: CONFIDENCE[rule.header.confidence])),
        ("Remedy", _each(rules, lambda rule: rule.header.remedy)),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows if value)])


def _each(rules: tuple[Rule, ...], say: Callable[[Rule], str]) -> str:
    """What every dated decision of a rule says: once where they agree, else each with its days."""
    said = list(dict.fromkeys((say(rule), _life(rule)) for rule in rules))
    if len({text for text, _ in said}) == 1:
        return said[0][0]
    return " ".join(f"{text} ({life})" for text, life in said if text)


def _dated_values(rules: tuple[Rule, ...]) -> Iterator[str]:
    """The values of every parameter that the rule looks up, with their first days and sources."""
    names = sorted({name for rule in rules for name in rule.header.parameters})
    if names:
        yield "## Dated values"
    for name in names:
        parameter = load_parameters()[name]
        yield (
            f"`{name}`: {parameter.title} ({parameter.unit}). Checked for changes up to {parameter.verified_through}."
        )
        rows = [f"| {_from(each)} | {_value(each.value)} | {each.source} |" for each in parameter.timeline.values]
        yield "\n".join(["| dates of service | value | source |", "|---|---|---|", *rows])


def _from(dated: DatedValue) -> str:
    return f"from {dated.start}" + (f" to {dated.end}" if dated.end else "")


def _value(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    return _toml(value)


def _sources(rules: tuple[Rule, ...]) -> tuple[str, str]:
    sources = dict.fromkeys(source for rule in rules for source in rule.header.sources)
    return "## Sources", "\n".join(f"- {source}" for source in sources)


def _severity(rule: Rule) -> str:
    usual = rule.severity_for(None)
    others = {p: rule.severity_for(p) for p in rule.header.severity_by_program}
    return ", ".join([str(usual), *(f"{severity} for {program}" for program, severity in others.items())])


def _payers(rule: Rule) -> str:
    kinds = "all" if rule.header.programs is None else ", ".join(sorted(rule.header.programs))
    conditions = [
        f"`{key}`" if value is SAID else f"`{key}` = `{_toml(value)}`" for key, value in rule.header.profile.items()
    ]
    return kinds + (f", where the payer profile says {' and '.join(conditions)}" if conditions else "")


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _life(rule: Rule) -> str:
    start = "" if rule.header.start == BEGINNING else f"from {rule.header.start}"
    end = "" if rule.header.end is None else f"to {rule.header.end}"
    return f"{start} {end}".strip() or "all"


def page_named(rule_id: str) -> str | None:
    """A rule's page as Markdown; None when there is none of that id."""
    rules = rule_by_id(rule_id)
    return page_of(rules) if rules else None


def index_of(rules: Iterable[Rule]) -> str:
    """The index of all rules, by family."""
    families: dict[str, dict[str, Rule]] = {}
    for rule in rules:
        families.setdefault(rule.family, {}).setdefault(rule.id, rule)
    count = sum(len(family) for family in families.values())
    parts = [
        "# The rule book",
        (
            f"{count} rules in {len(families)} families. Built from the code by `make docs`; "
            "what is left out, and why, is in [not-covered.md](not-covered.md)."
        ),
    ]
    for family, members in sorted(families.items()):
        rows = [
            f"| [{i}]({i}.md) | {r.title}. | {_severity(r)} | {WHO[r.header.fixer]} |"
            for i, r in sorted(members.items())
        ]
        parts += [f"## {family}", "\n".join(["| rule | says | severity | who mends it |", "|---|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """Every built page by file name."""
    rules = catalogue()
    built = {f"{rule_id}.md": page_of(rule_by_id(rule_id)) for rule_id in sorted({rule.id for rule in rules})}
    return {**built, "README.md": index_of(rules)}


def write_pages(folder: Path) -> None:
    """Write the pages, and remove those of rules that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    built = pages()
    for old in folder.glob("*.md"):
        if old.name not in built and old.name != "not-covered.md":
            old.unlink()
    for name, text in built.items():
        (folder / name).write_text(text, "utf-8")
    console.print(f"{len(built)} pages in {folder}")


def show_rule(rule_id: str) -> int:
    """Print a rule's page; 2 when there is none of that id."""
    rules = rule_by_id(rule_id)
    if not rules:
        near = difflib.get_close_matches(rule_id, {rule.id for rule in catalogue()}, n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; `palpate rules` lists them"
        errors.print(f"[bold red]palpate:[/] there is no rule {rule_id!r}{hint}", highlight=False, soft_wrap=True)
        return 2
    console.print(Markdown(page_of(rules)))
    return 0


def list_rules(
    *, family: str | None, payer: str | None, on: date | None, profile_folders: tuple[Path, ...], as_json: bool
) -> int:
    """List rules: all, or what a payer applies on a day; 2 when the family or payer is unknown."""
    try:
        book = load_rule_book(profile_folders) if profile_folders else shipped_rule_book()
        listed = _listed(book, family, payer, on)
    except ValueError as error:
        errors.print(f"[bold red]palpate:[/] {error}", highlight=False, soft_wrap=True)
        return 2
    if as_json:
        print(json.dumps([_as_object(rule, severity) for rule, severity in listed], indent=2))
        return 0
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("rule", "family", "severity", "who", "says"):
        table.add_column(title, no_wrap=title in {"rule", "family"})
    for rule, severity in listed:
        table.add_row(rule.id, rule.family, str(severity), WHO[rule.header.fixer], rule.title)
    console.print(table)
    console.print(f"{len(listed)} rules. `palpate rule ID` shows one.")
    return 0


def _listed(book: RuleBook, family: str | None, payer: str | None, on: date | None) -> list[tuple[Rule, Severity]]:
    families = {rule.family for rule in book.rules}
    if family is not None and family not in families:
        raise ValueError(f"there is no family {family!r}; there are {', '.join(sorted(families))}")
    if payer is None:
        found = [(rule, rule.severity_for(None)) for rule in book.rules if on is None or rule.in_force(on)]
    else:
        selection = book.selection(profile_named(book, payer), on or date.today())  # noqa: DTZ011 - a person asks "now"
        found = [(each.rule, each.severity) for each in selection.selected]
    once: dict[str, tuple[Rule, Severity]] = {}
    for rule, severity in found:
        # A rule may have more than one decision in force; the list names it once.
        once.setdefault(rule.id, (rule, severity))
    return sorted(
        (pair for pair in once.values() if family is None or pair[0].family == family),
        key=lambda pair: (pair[0].family, pair[0].id),
    )


def profile_named(book: RuleBook, payer: str) -> Profile:
    """A payer profile by its id, or the one that speaks for a program.

    Raises:
        ValueError: there is none.
    """
    if payer in book.profiles.by_id:
        return book.profiles.by_id[payer]
    for profile in book.profiles.by_id.values():
        if profile.default_for_program and profile.program == payer:
            return profile
    known = sorted({*book.profiles.by_id, *Program})
    raise ValueError(f"there is no payer profile or program {payer!r}; there are {', '.join(known)}")


def _as_object(rule: Rule, severity: Severity) -> dict[str, object]:
    header = rule.header
    return {
        "id": rule.id,
        "family": rule.family,
        "title": rule.title,
        "severity": str(severity),
        "fixer": str(header.fixer),
        "denial": header.denial.model_dump(exclude_none=True) if header.denial else None,
        "sources": list(header.sources),
        "confidence": header.confidence,
        "from": None if header.start == BEGINNING else header.start.isoformat(),
        "through": header.end.isoformat() if header.end else None,
    }
