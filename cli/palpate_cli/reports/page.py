"""`--report`: one HTML file that a biller reads and prints.  No script, no request, no name.

Its looks are the inbox's: the same style sheet, and a few rules more.  The Content-Security-Policy allows that one
style sheet by its hash, and nothing else.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from palpate_cli.reports.tally import MOST_CLAIMS, OTHERS, Count, RuleCount, Tally
from palpate_cli.reports.text import WHO, denial_code
from palpate_intake.party import NO_NPI
from palpate_schemas.values import Fixer, Severity
from palpate_schemas.verdict import Ruleset

HERE = Path(__file__).parent
GroupKey = TypeVar("GroupKey", str, tuple[str, str])
MOST_BARS, MOST_SHORT_BARS = 8, 6
MOST_ROWS = 50
MOST_COLUMNS = 36
MOST_RULES_ACROSS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `share` is of the longest, from 0 to 100."""

    label: str
    note: str
    value: str
    share: float


@dataclass(frozen=True, slots=True)
class Column:
    """One day's or month's claims: positions in percent across, in pixels up."""

    label: str
    claims: int
    failed: int
    x: float
    width: float
    height: float
    failed_height: float


COLUMN_PX = 140


def render_page(tally: Tally, ruleset: Ruleset, at: datetime) -> str:
    """The page.

    Args:
        tally: What was counted.
        ruleset: The rule book that judged.
        at: When; aware.
    """
    style = style_sheet()
    rules = sorted(
        tally.by_rule.values(), key=lambda each: (each.severity is not Severity.ERROR, -each.claims, each.rule)
    )
    errors = [each for each in rules if each.severity is Severity.ERROR]
    clinicians = _ranked(tally.by_clinician)
    payers = _ranked(tally.by_payer)
    return (
        _environment()
        .get_template("report.html")
        .render(
            policy=_policy(style),
            style=style,
            tally=tally,
            ruleset=ruleset,
            at=at,
            most_claims=MOST_CLAIMS,
            most_rows=MOST_ROWS,
            rules=rules,
            clinicians=clinicians,
            payers=payers,
            across=[each.rule for each in errors[:MOST_RULES_ACROSS]],
            parts=_parts(tally),
            rule_bars=_rule_bars(errors),
            fixer_bars=_fixer_bars(tally),
            clinician_bars=_share_bars([(clinician(npi), "", count) for npi, count in clinicians]),
            payer_bars=_share_bars([(payer, profile, count) for (payer, profile), count in payers]),
            columns=_columns(tally),
            column_px=COLUMN_PX,
            open=sorted(tally.open.items(), key=lambda each: (-each[1].claims, each[0])),
            oddities=sorted(tally.oddities.items(), key=lambda each: (-each[1].times, each[0])),
        )
    )


def _policy(style: str) -> str:
    """That one style sheet, and nothing else that a browser could load or run."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def style_sheet() -> str:
    """The inbox's, and ours after it.  `</` cannot end the element that it is put into."""
    shared = (resources.files("palpate_notifier.inbox") / "static" / "inbox.css").read_text("utf-8")
    return (shared + (HERE / "report.css").read_text("utf-8")).replace("</", "<\\/")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "money": money,
        "dollars": dollars,
        "day": short,
        "who": who,
        "denial": denial_code,
        "clinician": clinician,
        "fact": fact,
        "beginning": beginning,
    }
    environment.filters["number"] = number
    return environment


# -- words -------------------------------------------------------------------------------------------------------------


def money(amount: Decimal) -> str:
    """E.g. `$1,234.50`."""
    return f"-${-amount:,.2f}" if amount < 0 else f"${amount:,.2f}"


def dollars(amount: Decimal) -> str:
    """E.g. `$1,235`: a sum of many, to be taken in at a glance."""
    return money(amount).partition(".")[0] if amount >= 1000 else money(amount)


def number(count: int) -> str:
    """E.g. `1,234`."""
    return f"{count:,}"


def short(each: date) -> str:
    """E.g. `Nov 3, 2026`."""
    return f"{each:%b} {each.day}, {each.year}"


def who(fixer: Fixer) -> str:
    """Who puts it right."""
    return WHO[fixer].capitalize()


def clinician(npi: str) -> str:
    """A clinician by number; the word for one whom the claim does not name."""
    return "No NPI on the claim" if npi == NO_NPI else npi


def fact(needs: str) -> str:
    """What a rule wants to know, in words: `patient/birth_date` is `Patient: birth date`."""
    return beginning(needs.replace("_", " ").replace("/", ": "))


def beginning(text: str) -> str:
    """A sentence as it begins."""
    return text[:1].upper() + text[1:]


# -- figures -----------------------------------------------------------------------------------------------------------


def _parts(tally: Tally) -> list[tuple[str, str, int, float, float]]:
    """Class, name, count, start and width in percent, of the bar of all claims."""
    passed = tally.claims - tally.failed - tally.not_judged
    parts = [("fails", "fail", tally.failed), ("clean", "pass", passed), ("unjudged", "not judged", tally.not_judged)]
    found, start = [], 0.0
    for name, word, count in parts:
        width = round(100 * count / tally.claims, 2) if tally.claims else 0.0
        if count:
            found.append((name, word, count, start, width))
        start = round(start + width, 2)
    return found


def _rule_bars(rules: Sequence[RuleCount]) -> list[Bar]:
    return _bars([(each.title, each.rule, each.claims, _claims(each.claims)) for each in rules[:MOST_BARS]])


def _fixer_bars(tally: Tally) -> list[Bar]:
    ranked = sorted(tally.by_fixer.items(), key=lambda each: (-each[1], each[0]))
    return _bars([(who(fixer), "", count, _claims(count)) for fixer, count in ranked])


def _share_bars(groups: Iterable[tuple[str, str, Count]]) -> list[Bar]:
    failing = [(label, note, count) for label, note, count in groups if count.failed][:MOST_SHORT_BARS]
    return _bars(
        [(label, note, count.failed, f"{count.failed:,} of {_claims(count.claims)}") for label, note, count in failing]
    )


def _bars(rows: Sequence[tuple[str, str, int, str]]) -> list[Bar]:
    longest = max((count for _, _, count, _ in rows), default=0) or 1
    return [Bar(label, note, value, round(100 * count / longest, 1)) for label, note, count, value in rows]


def _claims(count: int) -> str:
    return "1 claim" if count == 1 else f"{count:,} claims"


def _columns(tally: Tally) -> list[Column]:
    """Claims by day of service; by month, and then by year, where those are too many to tell apart.

    One column alone would tell nothing and is none.
    """
    days = sorted((day, count) for day, count in tally.by_day.items() if isinstance(day, date))
    merged: dict[str, tuple[int, int]] = {}
    for label in (short, _month, _year):
        merged = {}
        for day, count in days:
            claims, failed = merged.get(label(day), (0, 0))
            merged[label(day)] = (claims + count.claims, failed + count.failed)
        if len(merged) <= MOST_COLUMNS:
            break
    spans = list(merged.items())[-MOST_COLUMNS:]
    return _drawn(spans) if len(spans) > 1 else []


def _month(day: date) -> str:
    return f"{day:%b %Y}"


def _year(day: date) -> str:
    return f"{day:%Y}"


def _drawn(spans: Sequence[tuple[str, tuple[int, int]]]) -> list[Column]:
    tallest = max((claims for _, (claims, _) in spans), default=0) or 1
    step = 100 / len(spans)
    return [
        Column(
            label=label,
            claims=claims,
            failed=failed,
            x=round(index * step + step * 0.1, 2),
            width=round(step * 0.8, 2),
            height=round(COLUMN_PX * claims / tallest, 1),
            failed_height=round(COLUMN_PX * failed / tallest, 1),
        )
        for index, (label, (claims, failed)) in enumerate(spans)
    ]


# -- tables ------------------------------------------------------------------------------------------------------------


def _ranked(groups: dict[GroupKey, Count]) -> list[tuple[GroupKey, Count]]:
    """Those with most failed claims first; what was counted together last."""

    def rank(each: tuple[GroupKey, Count]) -> tuple[bool, int, int, str]:
        key, count = each
        return key in {OTHERS, (OTHERS, "")}, -count.failed, -count.claims, str(key)

    return sorted(groups.items(), key=rank)


def _rules_ranked(tally: Tally) -> list[RuleCount]:
    """Errors before warnings, then those of most claims."""
    return sorted(
        tally.by_rule.values(), key=lambda each: (each.severity is not Severity.ERROR, -each.claims, each.rule)
    )
