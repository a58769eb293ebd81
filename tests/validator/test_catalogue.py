"""The catalogue held to account: pages, sources, cases on each side of every date, parameters, the list of rules."""

import ast
import inspect
import re
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from palpate_cli.rule_pages import pages
from palpate_schemas.values import Severity
from palpate_validator.book import shipped_rule_book
from palpate_validator.catalogue import catalogue, rule_by_id
from palpate_validator.dated import BEGINNING, BadData
from palpate_validator.parameters import PARAMETERS, load_parameters
from palpate_validator.rule import MissingFact, Rule
from palpate_validator.visit import Visit, lines_of
from tests.conftest import SHARED
from tests.validator.claims import parsed
from tests.validator.test_rule_cases import RULE_IDS, cases_of

DOCS = Path(__file__).parents[2] / "docs" / "rules"
RULES_MD = SHARED / "domain" / "RULES.md"
SECTIONS = (
    "What it checks",
    "Why it matters",
    "How to fix",
    "Example that fails",
    "Example that passes",
    "Limits",
)
CODE_BEGAN = date(1999, 1, 1)
"""97140 exists since this day: no rule is asked about a day before it, except whether the code existed."""

A_DAY = timedelta(days=1)

# -- pages -----------------------------------------------------------------------------------------------------------


def test_a_page_has_its_six_sections_in_order_and_none_is_empty() -> None:
    pages_by_id = {rule_id: rule_by_id(rule_id)[0].page for rule_id in RULE_IDS}
    headings = {rule_id: tuple(re.findall(r"^## (.+)$", page, re.MULTILINE)) for rule_id, page in pages_by_id.items()}
    assert {rule_id: found for rule_id, found in headings.items() if found != SECTIONS} == {}
    texts = {rule_id: re.split(r"^## .+$", page, flags=re.MULTILINE) for rule_id, page in pages_by_id.items()}
    assert [rule_id for rule_id, parts in texts.items() if not all(part.strip() for part in parts)] == []


def test_a_title_is_one_sentence_in_plain_words() -> None:
    tops = {rule_id: rule_by_id(rule_id)[0].page.splitlines()[:2] for rule_id in RULE_IDS}
    strange = {rule_id: top for rule_id, top in tops.items() if top[1] or not _plain(top[0])}
    assert strange == {}


def _plain(title: str) -> bool:
    one_sentence = re.fullmatch(r"[A-Z0-9][^`_{}|<>;!?]+\.", title) and not re.search(r"\. [A-Z]", title)
    return bool(one_sentence) and len(title) <= 110


def test_every_decision_has_its_sources_and_a_remedy_in_sentences() -> None:
    without = [each.id for each in catalogue() if not each.header.sources or "" in map(str.strip, each.header.sources)]
    assert without == []
    remedies = {each.id: each.header.remedy for each in catalogue()}
    assert {i: remedy for i, remedy in remedies.items() if not re.fullmatch(r"[A-Z].+\.", remedy)} == {}


def test_an_uncertain_rule_warns_and_says_so_among_its_limits() -> None:
    uncertain = {each.id: each for each in catalogue() if each.header.confidence == "uncertain"}
    assert uncertain
    limits = {rule_id: each.page.partition("## Limits")[2] for rule_id, each in uncertain.items()}
    assert [i for i, text in limits.items() if not re.search(r"\bwarning\b|payers differ", text, re.IGNORECASE)] == []
    assert [i for i, each in uncertain.items() if each.severity_for(None) is Severity.ERROR] == []


def test_the_committed_pages_are_those_of_the_code() -> None:
    built = pages()
    stale = [name for name, text in built.items() if not _same(DOCS / name, text)]
    strays = {path.name for path in DOCS.glob("*.md")} - built.keys() - {"not-covered.md"}
    assert not stale, "run `make docs`"
    assert not strays, "run `make docs`"


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


# -- cases -----------------------------------------------------------------------------------------------------------


def test_a_rule_has_cases_that_speak_and_cases_that_pass() -> None:
    answers = {rule_id: {case["expect"] for case in cases_of(rule_id)} for rule_id in RULE_IDS}
    assert [rule_id for rule_id, given in answers.items() if not given & {"fails", "warns", "informs"}] == []
    assert [rule_id for rule_id, given in answers.items() if "passes" not in given] == []


def test_no_two_cases_of_a_rule_have_one_name() -> None:
    names = {rule_id: [case["it"] for case in cases_of(rule_id)] for rule_id in RULE_IDS}
    assert [rule_id for rule_id, mine in names.items() if len(mine) != len(set(mine))] == []


@dataclass(frozen=True)
class Asks:
    """What a function asks of a visit, as its source has it."""

    function: FunctionType

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(self.function)))))

    def of(self, attribute: str) -> set[str]:
        """The names that it hands to a look-up of a visit, e.g. `visit.amount("kx_threshold")`."""
        calls = (n for n in self.nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute))
        named = [n.args[0] for n in calls if isinstance(n.func, ast.Attribute) and n.func.attr == attribute and n.args]
        return {each.value for each in named if isinstance(each, ast.Constant) and isinstance(each.value, str)}

    @cached_property
    def misses(self) -> bool:
        """Whether it can meet a fact that is not there, apart from settings and amounts."""
        names = {node.id for node in self.nodes if isinstance(node, ast.Name)}
        attributes = {node.attr for node in self.nodes if isinstance(node, ast.Attribute)}
        return bool(names & {"cannot_tell", "MissingFact"} or attributes & {"known", "note"})

    @cached_property
    def callees(self) -> tuple[FunctionType, ...]:
        """The functions, and the methods of the classes, of the validator that it names."""
        named = (self.function.__globals__.get(node.id) for node in self.nodes if isinstance(node, ast.Name))
        return tuple(function for each in named for function in _functions(each))


_asks = cache(Asks)


def _functions(value: object) -> Iterator[FunctionType]:
    module = str(getattr(value, "__module__", ""))
    if not module.startswith("palpate_validator.") or module.endswith((".rule", ".visit", ".tables", ".dated")):
        return
    members = vars(value).values() if isinstance(value, type) else [value]
    for member in members:
        function = getattr(member, "fget", None) or getattr(member, "func", None) or member
        function = inspect.unwrap(function) if callable(function) else function
        # A dataclass's own methods are made of text that no file holds.
        if isinstance(function, FunctionType) and Path(function.__code__.co_filename).is_file():
            yield function


@cache
def reach_of(rule_id: str) -> tuple[Asks, ...]:
    """Everything that a rule's functions may call."""
    found: dict[FunctionType, Asks] = {}
    open_ends: list[Callable[..., Any]] = [each.judge for each in rule_by_id(rule_id)]
    open_ends += [each.header.given for each in rule_by_id(rule_id) if each.header.given is not None]
    while open_ends:
        function = inspect.unwrap(open_ends.pop())
        if isinstance(function, FunctionType) and function not in found:
            found[function] = _asks(function)
            open_ends += found[function].callees
    return tuple(found.values())


NEVER_MISSED = {
    "doc-cloned": "it compares notes of three days, and without them there is nothing to compare: it asks for the note "
    "only when it has found them",
}
"""Rules whose source names a look-up that can miss, and which never comes to it without the fact."""


@pytest.mark.parametrize("rule_id", RULE_IDS)
def test_a_rule_that_can_miss_a_fact_has_a_case_that_cannot_tell(rule_id: str) -> None:
    asked = reach_of(rule_id)
    in_header = {key for each in rule_by_id(rule_id) for key in each.header.profile}
    unguarded = {key for each in asked for key in each.of("setting")} - in_header
    # `says` and `profile.on` ask whether the profile has a value, and never raise.
    unguarded -= {key for each in asked for look in ("says", "on") for key in each.of(look)}
    can_miss = any(each.misses for each in asked) or bool(unguarded)
    proved = any(case["expect"] == "cannot tell" for case in cases_of(rule_id))
    assert proved or not can_miss or rule_id in NEVER_MISSED, unguarded
    assert not (proved and rule_id in NEVER_MISSED)


# -- dates -----------------------------------------------------------------------------------------------------------


@cache
def days_of(rule_id: str) -> frozenset[date]:
    """Every date of service in a rule's cases."""
    shorthand = ("lines", "date", "payer", "claim", "note", "notes")
    claims = [parsed(**{key: case[key] for key in shorthand if key in case}) for case in cases_of(rule_id)]
    return frozenset(line.service_date for claim in claims for line in claim.lines)


def limits_of(rule_id: str) -> set[date]:
    """The days on which something about a rule begins: its decisions, and the day after each ends."""
    headers = [each.header for each in rule_by_id(rule_id)]
    starts = {header.start for header in headers} - {BEGINNING}
    return starts | {header.end + A_DAY for header in headers if header.end is not None}


@pytest.mark.parametrize("rule_id", [rule_id for rule_id in RULE_IDS if limits_of(rule_id)])
def test_a_rule_has_a_case_on_each_side_of_its_dates(rule_id: str) -> None:
    wanted = {day for limit in limits_of(rule_id) for day in (limit - A_DAY, limit)}
    assert not wanted - days_of(rule_id)


def changes_of(rule_id: str) -> set[date]:
    """The days in a rule's life on which a value that it looks up becomes another one, or none."""
    parameters = {name for each in rule_by_id(rule_id) for name in each.header.parameters}
    days = {day for name in parameters for day in load_parameters()[name].timeline.changes()}
    lives = [each.header for each in rule_by_id(rule_id) if each.header.parameters]
    return {
        day for day in days if any(max(h.start, CODE_BEGAN) < day and (h.end is None or day <= h.end) for h in lives)
    }


@pytest.mark.parametrize("rule_id", [rule_id for rule_id in RULE_IDS if changes_of(rule_id)])
def test_a_rule_has_a_case_on_each_side_of_every_change_of_its_values(rule_id: str) -> None:
    wanted = {day for change in changes_of(rule_id) for day in (change - A_DAY, change)}
    assert not wanted - days_of(rule_id)


# -- parameters ------------------------------------------------------------------------------------------------------


def test_the_header_names_exactly_the_parameters_that_the_code_looks_up() -> None:
    named = {rule_id: {name for each in rule_by_id(rule_id) for name in each.header.parameters} for rule_id in RULE_IDS}
    asked = {rule_id: {name for asks in reach_of(rule_id) for name in asks.of("amount")} for rule_id in RULE_IDS}
    assert {rule_id: (named[rule_id], asked[rule_id]) for rule_id in RULE_IDS if named[rule_id] != asked[rule_id]} == {}


def test_every_parameter_is_looked_up_by_a_rule() -> None:
    assert load_parameters().keys() == {name for each in catalogue() for name in each.header.parameters}


@pytest.mark.parametrize(
    ("each", "name"),
    [
        pytest.param(each, name, id=f"{each.id} from {each.header.start}: {name}")
        for each in catalogue()
        for name in each.header.parameters
    ],
)
def test_a_parameter_has_a_value_on_every_day_of_a_rule_s_life_or_ends_in_writing(each: Rule, name: str) -> None:
    values = load_parameters()[name].timeline.values
    first_day = max(each.header.start, CODE_BEGAN)
    unsaid = [values[0].start - A_DAY] if values[0].start > first_day else []
    unsaid += [
        value.end + A_DAY
        for value, following in zip(values, [*values[1:], None], strict=True)
        if value.end is not None and (following is None or following.start != value.end + A_DAY)
    ]
    in_life = [day for day in unsaid if each.in_force(day)]
    undecided = {day for case in cases_of(each.id) if case["expect"] == "cannot tell" for day in _days(case)}
    assert set(in_life) <= undecided, "a day without a value needs a case that cannot tell"


def _days(case: dict[str, Any]) -> set[date]:
    return {date.fromisoformat(case["date"])} if "date" in case else set()


def raw_values(name: str) -> list[dict[str, Any]]:
    """A parameter's values as its file has them, in order of their first days."""
    text = (PARAMETERS / f"{name}.toml").read_text("utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text, parse_float=Decimal)["value"]
    return sorted(rows, key=lambda row: row["from"])


def on_the_day(rows: list[dict[str, Any]], day: date) -> dict[str, Any] | None:
    """The row that holds on a day, by the plainest reading of the file."""
    begun = [row for row in rows if row["from"] <= day]
    return begun[-1] if begun and day <= begun[-1].get("through", date.max) else None


def change_days(name: str) -> set[date]:
    rows = raw_values(name)
    return {row["from"] for row in rows} | {row["through"] + A_DAY for row in rows if "through" in row}


def visit_of(day: date) -> Visit:
    """A visit of that day, to a payer of whom nothing is known."""
    book = shipped_rule_book()
    claim = parsed(date=day.isoformat(), payer={"program": "commercial"})
    profile = book.profiles.for_payer(claim.payer)
    return Visit(claim, day, lines_of(claim), None, profile, book, book.selection(profile, day))


@pytest.mark.parametrize(
    ("name", "day"),
    [
        pytest.param(name, day, id=f"{name} on {day}")
        for name in sorted(path.stem for path in PARAMETERS.glob("*.toml"))
        for change in sorted(change_days(name))
        for day in (change - A_DAY, change)
    ],
)
def test_on_each_change_date_the_new_value_holds_and_on_the_day_before_the_old(name: str, day: date) -> None:
    row, visit = on_the_day(raw_values(name), day), visit_of(day)
    if row is None:
        with pytest.raises(MissingFact, match=f"parameter: {name}"):
            visit.amount(name)
        return
    value = row["value"]
    assert visit.amount(name) == (frozenset(value) if isinstance(value, list) else value)
    assert (visit.consulted[name].start, visit.consulted[name].source) == (row["from"], row["source"])


@pytest.mark.parametrize("name", sorted(load_parameters()))
def test_two_values_in_a_row_are_not_the_same(name: str) -> None:
    rows = raw_values(name)
    assert all(earlier["value"] != later["value"] for earlier, later in pairwise(rows))


@pytest.mark.parametrize("name", sorted(load_parameters()))
def test_a_parameter_was_checked_at_least_up_to_its_last_change(name: str) -> None:
    assert load_parameters()[name].verified_through >= raw_values(name)[-1]["from"]


HEAD = 'title = "limit"\nunit = "days"\nverified_through = 2026-01-01\n'
ROW = '[[value]]\nfrom = 2020-01-01\nvalue = 1\nsource = "a manual"\n'
REFUSED = {
    "not TOML": (HEAD + "value = \n", 4, "not TOML"),
    "a key that is there twice": (HEAD + 'title = "again"\n' + ROW, 4, "not TOML"),
    "a key that there is not": (HEAD + "default = 7\n" + ROW, 4, "`default` is not a key of a parameter file"),
    "no title": (HEAD.replace("title", "# title") + ROW, 1, "`title` is missing"),
    "no day up to which it was checked": (
        HEAD.replace("verified_through", "# verified_through") + ROW,
        1,
        "`verified_through` is missing",
    ),
    "a checked day in quotes": (
        HEAD.replace("2026-01-01", '"2026-01-01"') + ROW,
        3,
        "`verified_through` is a date, written without quotes",
    ),
    "no value": (HEAD, 1, "`value` is missing"),
    "an empty list of values": (HEAD + "value = []\n", 4, "`value` needs at least one [[value]]"),
    "one value without its first day": (HEAD + "value = 7\n", 4, "`value` needs at least one [[value]]"),
    "a second value without its first day": (
        HEAD + ROW + '[[value]]\nvalue = 2\nsource = "a manual"\n',
        8,
        "each [[value]] needs from, value and source",
    ),
    "a second value without its source": (
        HEAD + ROW + "[[value]]\nfrom = 2021-01-01\nvalue = 2\n",
        8,
        "each [[value]] needs from, value and source",
    ),
    "a source of nothing": (HEAD + ROW.replace("a manual", " "), 4, "a source is a citation in words"),
    "a first day in quotes": (
        HEAD + ROW.replace("2020-01-01", '"2020-01-01"'),
        4,
        "from and through are dates, written without quotes",
    ),
    "an end before its start": (
        HEAD + ROW + "through = 2019-12-31\n",
        4,
        "through (2019-12-31) lies before from (2020-01-01)",
    ),
    "a key of a value that there is not": (HEAD + ROW + "until = 2021-01-01\n", 4, "not until"),
    "two values on one day": (HEAD + ROW + ROW, 4, "two values hold on 2020-01-01"),
    "a value that begins before the one before it has ended": (
        HEAD + ROW + "through = 2022-01-01\n" + ROW.replace("2020-01-01", "2022-01-01"),
        4,
        "two values hold on 2022-01-01",
    ),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_wrong_parameter_file_is_refused_with_its_name_and_line(mistake: str, tmp_path: Path) -> None:
    text, line, problem = REFUSED[mistake]
    (tmp_path / "limit.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadData) as refusal:
        load_parameters(tmp_path)
    where, what = str(refusal.value).split(": ", 1)
    assert where == f"{tmp_path / 'limit.toml'}:{line}"
    assert problem in what


# -- the list of rules -----------------------------------------------------------------------------------------------


def table_after(heading: str) -> dict[str, str]:
    """A table of not-covered.md: the id, and what stands beside it."""
    text = (DOCS / "not-covered.md").read_text("utf-8")
    section = re.split(r"^## ", text.partition(f"## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "an id stands there twice"
    return dict(rows)


def test_what_is_judged_under_another_id_names_a_rule_that_there_is() -> None:
    elsewhere = table_after("Judged under another id")
    assert elsewhere
    for rule_id, beside in elsewhere.items():
        named = re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", beside.partition(" | ")[0])
        assert named, rule_id
        for name, page in named:
            assert name in RULE_IDS, rule_id
            assert page == f"{name}.md"


def test_what_is_not_judged_has_its_reason() -> None:
    assert all(len(reason.split()) >= 6 for reason in table_after("Not judged").values())


@pytest.mark.skipif(not RULES_MD.is_file(), reason="the source of the rules is not beside the repository")
def test_every_rule_of_the_source_is_in_the_catalogue_or_left_out_with_its_reason() -> None:
    text = RULES_MD.read_text("utf-8")
    sections = text[text.index("\n## 1. ") : text.index("\n## 10. ")]
    wanted = {
        rule_id for bold in re.findall(r"\*\*(`[^*]+`)\*\*", sections) for rule_id in re.findall("`([^`]+)`", bold)
    }
    elsewhere, left_out = table_after("Judged under another id").keys(), table_after("Not judged").keys()
    assert not elsewhere & left_out
    assert not (elsewhere | left_out) & set(RULE_IDS)
    assert wanted == set(RULE_IDS) | elsewhere | left_out
    assert len(left_out) <= 0.15 * len(wanted)
