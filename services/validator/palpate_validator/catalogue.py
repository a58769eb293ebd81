"""Every rule there is, found by looking into `rules/`: nothing is registered by hand."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType

from palpate_validator import rules
from palpate_validator.rule import Decision, Rule


@cache
def catalogue() -> tuple[Rule, ...]:
    """All rules by id, then by first day.

    Raises:
        ValueError: a module under `rules/` has no rule, or two modules have the same id.
    """
    found: list[Rule] = []
    for module in _modules():
        found += _rules_of(module)
    homes: dict[str, str] = {}
    for each in found:
        home = homes.setdefault(each.id, each.family + each.page)
        if home != each.family + each.page:
            raise ValueError(f"two modules are rule {each.id}")
    return tuple(sorted(found, key=lambda each: (each.id, each.header.start)))


def rule_by_id(rule_id: str) -> tuple[Rule, ...]:
    """All dated decisions of one rule; empty when there is none of that id."""
    return tuple(each for each in catalogue() if each.id == rule_id)


def _modules() -> Iterator[ModuleType]:
    for family in pkgutil.iter_modules(rules.__path__, rules.__name__ + "."):
        package = importlib.import_module(family.name)
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            yield importlib.import_module(module.name)


def _rules_of(module: ModuleType) -> list[Rule]:
    decisions = [value for value in vars(module).values() if isinstance(value, Decision)]
    if not decisions:
        raise ValueError(f"{module.__name__} has no rule")
    family, name = module.__name__.split(".")[-2:]
    page = (module.__doc__ or "").strip()
    title = page.partition("\n")[0].rstrip(".")
    return [
        Rule(
            id=decision.header.id or name.replace("_", "-"),
            family=family,
            title=title,
            page=page,
            header=decision.header,
            judge=decision.judge,
        )
        for decision in decisions
    ]
