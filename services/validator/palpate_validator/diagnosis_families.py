"""Families of diagnoses, by the beginning of their codes: where they lie, what they support, what goes before them."""

from collections import defaultdict
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
    by_prefix = _excludes1()
    beginnings = {code[:length] for code in codes for length in range(3, len(code) + 1)}
    notes = [note for prefix in beginnings for note in by_prefix.get(prefix, ()) if note[2] in beginnings]
    for _, prefix, excluded, first_day, note_at in sorted(notes):
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


_Excludes1 = tuple[int, str, str, date, str]
"""A note's place in the table, the codes that it stands for and those that it excludes, its first day, its place."""


@cache
def _excludes1() -> Mapping[str, tuple[_Excludes1, ...]]:
    """By the beginning of the codes that a note stands for, of three characters or more."""
    by_prefix: defaultdict[str, list[_Excludes1]] = defaultdict(list)
    for at, row in enumerate(rows(TABLES / "excludes1_pairs.csv")):
        by_prefix[row["code"]].append(
            (at, row["code"], row["excluded"], row.day("first_day") or BEGINNING, row["note_at"])
        )
    return {prefix: tuple(notes) for prefix, notes in by_prefix.items()}
