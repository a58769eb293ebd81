"""Families of diagnoses, by the beginning of their codes: where they lie, what they support, what goes before them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache

from palpate_validator.dated import BEGINNING
from palpate_validator.tables import TABLES, rows


def longest_prefix(code: str, prefixes: Collection[str]) -> str | None:
    """The longest of some prefixes that a normalised code begins with; quick where they are a set or a mapping."""
    return next((code[:length] for length in range(len(code), 0, -1) if code[:length] in prefixes), None)


@lru_cache(maxsize=4096)
def regions_of(code: str) -> frozenset[str]:
    """The body regions in which a diagnosis lies; empty when it lies nowhere in particular."""
    by_prefix = _regions()
    prefix = longest_prefix(code, by_prefix)
    return frozenset() if prefix is None else by_prefix[prefix]


@lru_cache(maxsize=4096)
def is_manifestation(code: str) -> bool:
    """Whether the tabular list wants the underlying disease coded before it."""
    return longest_prefix(code, _manifestations()) is not None


@lru_cache(maxsize=4096)
def supports_manual_therapy(code: str) -> bool:
    """Whether a diagnosis can be the reason for manual therapy, by the default list."""
    return longest_prefix(code, _supporting()) is not None


def excluded_together(codes: Sequence[str], day: date) -> Iterator[tuple[str, str, str]]:
    """Pairs among normalised codes that an Excludes1 note sets apart on a day, and the code that the note stands at."""
    for prefix, excluded, first_day, note_at in _excludes1():
        if first_day <= day:
            for one in (code for code in codes if code.startswith(prefix)):
                yield from ((one, other, note_at) for other in codes if other.startswith(excluded))


@cache
def _regions() -> Mapping[str, frozenset[str]]:
    return {row["prefix"]: frozenset(row["regions"].split()) for row in rows(TABLES / "diagnosis_regions.csv")}


@cache
def _manifestations() -> frozenset[str]:
    return frozenset(row["code"] for row in rows(TABLES / "icd10cm_manifestations.csv"))


@cache
def _supporting() -> frozenset[str]:
    return frozenset(row["prefix"] for row in rows(TABLES / "supporting_diagnoses.csv"))


@cache
def _excludes1() -> tuple[tuple[str, str, date, str], ...]:
    return tuple(
        (row["code"], row["excluded"], row.day("first_day") or BEGINNING, row["note_at"])
        for row in rows(TABLES / "excludes1_pairs.csv")
    )
