"""What the manager view counts, and how it is drawn.  Pure: cases in, numbers and bars out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from palpate_notifier.cases import Status
from palpate_notifier.tables import CaseRow

AGES = ((1, "Today"), (3, "1 to 2 days"), (7, "3 to 6 days"), (None, "A week or more"))
MOST_BARS = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a figure: `share` is of the longest, from 0 to 100."""

    label: str
    value: str
    share: float
    hint: str = ""
    """The rule that the bar is about, if it is about one."""


def bars(counts: Sequence[tuple[str, float]], *, unit: str = "") -> list[Bar]:
    """Bars for some counts, in their order."""
    longest = max((count for _, count in counts), default=0) or 1
    return [Bar(label, f"{count:g}{unit}", round(100 * count / longest, 1)) for label, count in counts]


def by_age(cases: Iterable[CaseRow], now: datetime) -> list[Bar]:
    """How many cases have been open for how long."""
    counts = Counter(_age(now - case.opened_at) for case in cases)
    return bars([(label, counts[label]) for _, label in AGES])


def _age(span: timedelta) -> str:
    return next(label for days, label in AGES if days is None or span < timedelta(days=days))


def top_rules(cases: Iterable[CaseRow]) -> list[tuple[str, int]]:
    """The rules that most cases failed by, and how many did."""
    counts = Counter(rule for case in cases for rule in case.rules)
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_BARS]


def of_rules(counts: Sequence[tuple[str, float]], titles: Mapping[str, str]) -> list[Bar]:
    """Bars for some rules, each named by what it says."""
    named = [replace(bar, label=titles.get(bar.label, ""), hint=bar.label) for bar in bars(counts)]
    return [bar if bar.label else replace(bar, label=bar.hint, hint="") for bar in named]


def hours_to_correct(cases: Iterable[CaseRow]) -> list[float]:
    """From asking for a correction to the corrected claim that passed, in hours."""
    return [
        (case.closed_at - case.opened_at).total_seconds() / 3600
        for case in cases
        if case.status == Status.RESOLVED and case.closed_at is not None
    ]


def in_words(hours: Sequence[float]) -> str:
    """Half of them took at most so long."""
    if not hours:
        return "none yet"
    middle = median(hours)
    return f"{middle * 60:.0f} min" if middle < 1 else f"{middle:.1f} h" if middle < 48 else f"{middle / 24:.1f} days"


def time_by_week(cases: Sequence[CaseRow], now: datetime, weeks: int = 8) -> list[Bar]:
    """The median hours to correct, of the cases that closed in each of the last weeks; the oldest first.

    A week in which none closed has no bar: it has no time, which is not a time of nothing.
    """
    found: list[tuple[str, float]] = []
    for ago in reversed(range(weeks)):
        end = now - timedelta(weeks=ago)
        closed = [c for c in cases if c.closed_at is not None and end - timedelta(weeks=1) < c.closed_at <= end]
        hours = hours_to_correct(closed)
        if not hours:
            continue
        label = "This week" if ago == 0 else "Last week" if ago == 1 else f"{ago} weeks ago"
        found.append((label, round(median(hours), 1)))
    return bars(found, unit=" h")


def clinician_by_rule(cases: Iterable[CaseRow]) -> tuple[list[str], list[tuple[str, list[Bar]]]]:
    """Who has failed by what: the rules, and for each rendering provider a bar for each, of the longest of all."""
    counts = Counter((case.rendering_npi, rule) for case in cases for rule in case.rules)
    of_rule: Counter[str] = Counter()
    of_person: Counter[str] = Counter()
    for (person, rule), count in counts.items():
        of_rule[rule] += count
        of_person[person] += count
    rules = sorted(of_rule, key=lambda each: (-of_rule[each], each))[:6]
    people = sorted(of_person, key=lambda each: (-of_person[each], each))
    cells = iter(bars([(rule, counts[person, rule]) for person in people for rule in rules]))
    return rules, [(person, [next(cells) for _ in rules]) for person in people]
