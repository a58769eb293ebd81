"""Payer profiles: everything payer-specific, one TOML file each, every value dated and sourced where it can be.

A claim names its profile in `payer.profile`; else it is found by `payer.id`, then by `payer.program`; else it is
`commercial-unknown`.  A site adds a folder of its own, whose profiles extend or replace the shipped ones.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from palpate_schemas.claim import Payer
from palpate_schemas.values import Profession, Program, Severity
from palpate_validator.dated import BEGINNING, BadData, DatedValue, Timeline, toml_line

PAYERS = Path(__file__).parent / "payers"
FALLBACK = "commercial-unknown"

KEYS: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "timing_rule": (str,),
        "requires_gp": (bool,),
        "gp_applies_to": (list,),
        "gp_accepted": (bool,),
        "ncci": (str,),
        "extra_pairs": (list,),
        "mue": (str,),
        "cmt_97140": (str,),
        "distinct_modifier": (str,),
        "daily_timed_unit_cap": (int,),
        "daily_line_cap": (dict,),
        "allowed_provider_types": (list,),
        "required_modifiers": (list,),
        "forbidden_modifiers": (list,),
        "habilitative_modifier": (bool,),
        "kx": (bool,),
        "cq_co": (bool,),
        "timely_filing_days": (int,),
        "auth_required": (bool,),
        "referral_required": (bool,),
        "start_end_times_required": (bool,),
        "telehealth_97140": (bool,),
        "visit_limit": (int,),
        "experimental_techniques": (list,),
        "supporting_diagnoses": (list,),
        "note_minutes": (bool,),
    }
)
"""Every key that a profile may hold, with the TOML type of its value."""

CHOICES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "timing_rule": frozenset({"cms", "ama", "strict15"}),
        "ncci": frozenset({"medicare", "medicaid", "none", "custom"}),
        "mue": frozenset({"medicare", "medicaid", "none"}),
        "cmt_97140": frozenset({"region_59", "never", "no_rule"}),
        "distinct_modifier": frozenset({"59", "X_preferred", "59_only"}),
    }
)
_OWN_KEYS: Mapping[str, tuple[type, str]] = MappingProxyType(
    {
        "id": (str, "text"),
        "title": (str, "text"),
        "extends": (str, "the id of another profile"),
        "program": (str, "the kind of payer"),
        "default_for_program": (bool, "true or false"),
        "payer_ids": (list, "a list of payer ids"),
        "rules": (dict, "a table with select, ignore and severity"),
    }
)
_ROW_KEYS = frozenset({"from", "through", "value", "source"})
_PAIR_KEYS = frozenset({"column1", "column2", "modifier_allowed"})
_MODIFIER = re.compile(r"[A-Z0-9]{2}")
_CODE = re.compile(r"[A-Z0-9]{5}")


@dataclass(frozen=True, slots=True)
class RuleChoices:
    """Which rules a profile turns on or off, and how grave they are there."""

    select: frozenset[str] | None
    ignore: frozenset[str]
    severity: Mapping[str, Severity]

    @property
    def named(self) -> frozenset[str]:
        """Every rule id that the profile names."""
        return self.ignore | self.severity.keys() | (self.select or frozenset())


@dataclass(frozen=True, slots=True)
class Profile:
    """One payer's ways, with everything it extends already folded in."""

    id: str
    title: str
    program: Program | None
    default_for_program: bool
    """Whether a claim that names only this kind of payer is judged by it."""
    payer_ids: frozenset[str]
    settings: Mapping[str, Timeline]
    rules: RuleChoices
    origin: Path
    """The file that it was read from."""

    def on(self, key: str, day: date) -> DatedValue | None:
        """The value of a key on a day; None where the profile does not say."""
        timeline = self.settings.get(key)
        return None if timeline is None else timeline.on(day)


class Profiles:
    """All profiles, and which of them a claim is judged by.  A later one is preferred: a site's own over a shipped."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self.by_id = {profile.id: profile for profile in profiles}
        self._by_payer = {payer: profile for profile in self.by_id.values() for payer in profile.payer_ids}
        self._by_program = {profile.program: profile for profile in self.by_id.values() if profile.default_for_program}
        self.fallback = self.by_id[FALLBACK]

    def for_payer(self, payer: Payer) -> Profile:
        """The profile that a claim to this payer is judged by; `commercial-unknown` when none fits."""
        named = payer.profile
        if named is not None and named in self.by_id:
            return self.by_id[named]
        return self._by_payer.get(payer.id) or self._by_program.get(payer.program) or self.fallback


def load_profiles(*folders: Path) -> Profiles:
    """The shipped profiles, then those of a site's folders; a later file replaces an earlier one of the same id.

    Raises:
        BadData: a file is not TOML, has an unknown key or a value of the wrong kind, extends what is not there, or
            claims the id, the payer or the program of another file of its folder.
    """
    drafts: dict[str, _Draft] = {}
    for folder in (PAYERS, *folders):
        own = _drafts(folder)
        for each in own:
            drafts.pop(each.id, None)
            drafts[each.id] = each
        _refuse_rivals([(each, _fold(each, drafts, ())) for each in own])
    return Profiles(_fold(draft, drafts, ()) for draft in drafts.values())


def _drafts(folder: Path) -> list["_Draft"]:
    if not folder.is_dir():
        raise BadData(folder, "", None, "no such folder of payer profiles")
    return [_Draft(path) for path in sorted(folder.glob("*.toml"))]


def _refuse_rivals(profiles: Iterable[tuple["_Draft", Profile]]) -> None:
    """Within one folder an id, a payer and a program each lead to one profile."""
    taken: dict[tuple[str, str], Path] = {}
    for draft, profile in profiles:
        claims = [("id", profile.id), *(("payer_ids", payer) for payer in sorted(profile.payer_ids))]
        if profile.default_for_program:
            if profile.program is None:
                raise draft.bad("default_for_program", "a default needs a `program`")
            claims.append(("default_for_program", profile.program))
        for key, value in claims:
            rival = taken.setdefault((key, value), draft.path)
            if rival != draft.path:
                raise draft.bad(key, f"`{key}`: {value} is already taken by {rival.name}")


class _Draft:
    """A profile file as written, before what it extends is folded in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text("utf-8")
        try:
            self.raw = tomllib.loads(self.text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise BadData(path, self.text, None, f"not TOML: {error}", line=toml_line(error)) from error
        for key, value in self.raw.items():
            self._own(key, value)
        if not self.raw.get("id"):
            raise self.bad(None, "`id` is missing")
        self.id: str = self.raw["id"]
        if not all(isinstance(payer, str) for payer in self.raw.get("payer_ids", ())):
            raise self.bad("payer_ids", "`payer_ids` holds payer ids in quotes")

    def _own(self, key: str, value: object) -> None:
        if key in KEYS:
            return
        if key not in _OWN_KEYS:
            raise self.bad(key, f"`{key}` is not a key of a payer profile; the keys are {', '.join(sorted(KEYS))}")
        kind, words = _OWN_KEYS[key]
        if not isinstance(value, kind):
            raise self.bad(key, f"`{key}` is {words}, not {value!r}")

    def bad(self, key: str | None, problem: str, nth: int = 0) -> BadData:
        """The refusal, at the line where `key` is set (the nth time, counted from 0)."""
        return BadData(self.path, self.text, key, problem, line=self._line(key, nth))

    def _line(self, key: str | None, nth: int) -> int | None:
        if key is None:
            return 1
        sets = re.compile(rf"\s*(\[*\s*[\"']?{re.escape(key)}[\"']?\s*\]|[\"']?{re.escape(key)}[\"']?\s*[=.])")
        lines = [number for number, line in enumerate(self.text.splitlines(), start=1) if sets.match(line)]
        return lines[min(nth, len(lines) - 1)] if lines else None

    def timeline(self, key: str) -> Timeline:
        """A plain value holds always; a list of tables with `from` holds by date."""
        raw = self.raw[key]
        rows = raw if _is_dated(raw) else [{"value": raw, "from": BEGINNING}]
        values = [self._dated(key, row, nth) for nth, row in enumerate(rows)]
        try:
            return Timeline(values)
        except ValueError as error:
            raise self.bad(key, f"`{key}`: {error}") from error

    def _dated(self, key: str, row: dict[str, Any], nth: int) -> DatedValue:
        if "from" not in row or "value" not in row:
            raise self.bad(key, f"`{key}`: each dated value needs from and value", nth)
        if unknown := row.keys() - _ROW_KEYS:
            raise self.bad(key, f"`{key}`: a dated value has from, through, value and source, not {min(unknown)}", nth)
        start, end, source = row["from"], row.get("through"), row.get("source", f"payer profile {self.id}")
        if type(start) is not date or not (end is None or type(end) is date):
            raise self.bad(key, f"`{key}`: from and through are dates, written without quotes", nth)
        if end is not None and end < start:
            raise self.bad(key, f"`{key}`: through ({end}) lies before from ({start})", nth)
        if not isinstance(source, str) or not source.strip():
            raise self.bad(key, f"`{key}`: a source is a citation in words", nth)
        if problem := _problem(key, row["value"]):
            raise self.bad(key, f"`{key}` {problem}", nth)
        return DatedValue(row["value"], start, end, source)

    def choices(self) -> RuleChoices:
        """Its `[rules]` table."""
        raw = self.raw.get("rules", {})
        if unknown := raw.keys() - {"select", "ignore", "severity"}:
            raise self.bad(min(unknown), f"[rules] knows select, ignore and severity, not {min(unknown)}")
        for key in ("select", "ignore"):
            if not _is_list_of_text(raw.get(key, [])):
                raise self.bad(key, f"`{key}` is a list of rule ids in quotes")
        try:
            severity = {rule: Severity(value) for rule, value in raw.get("severity", {}).items()}
        except (AttributeError, ValueError) as error:
            raise self.bad("severity", f"a severity is error, warning or info ({error})") from error
        select = raw.get("select")
        return RuleChoices(None if select is None else frozenset(select), frozenset(raw.get("ignore", ())), severity)

    def program(self) -> Program | None:
        """The kind of payer that it says it is for."""
        try:
            return None if "program" not in self.raw else Program(self.raw["program"])
        except ValueError as error:
            raise self.bad("program", f"program is one of {', '.join(Program)} ({error})") from error


def _is_dated(raw: object) -> bool:
    """A list of tables is a list of dated values, except that `extra_pairs` may be a plain list of pairs."""
    if not isinstance(raw, list) or not raw or not all(isinstance(row, dict) for row in raw):
        return False
    return any("from" in row or "value" in row for row in raw)


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _problem(key: str, value: object) -> str | None:
    """What is wrong with a key's value; None when nothing is."""
    wrong_bool = isinstance(value, bool) and bool not in KEYS[key]
    if wrong_bool or not isinstance(value, KEYS[key]):
        return f"takes {' or '.join(_WORDS[kind] for kind in KEYS[key])}, not {value!r}"
    if key in CHOICES and value not in CHOICES[key]:
        return f"is one of {', '.join(sorted(CHOICES[key]))}, not {value!r}"
    if isinstance(value, int) and value < 0:
        return f"is 0 or more, not {value}"
    if key == "extra_pairs":
        return _problem_of_pairs(cast("list[object]", value))
    if isinstance(value, dict):
        good = all(_CODE.fullmatch(code) and type(cap) is int and cap >= 0 for code, cap in value.items())
        return None if good else "holds procedure codes, each with its most units a day"
    return _problem_of_items(key, value) if isinstance(value, list) else None


def _problem_of_pairs(pairs: list[object]) -> str | None:
    for pair in pairs:
        if not isinstance(pair, dict) or pair.keys() != _PAIR_KEYS:
            return f"holds tables with column1, column2 and modifier_allowed, not {pair!r}"
        if not all(_CODE.fullmatch(str(pair[column])) for column in ("column1", "column2")):
            return f"has a procedure code of five letters or digits in each column, not {pair!r}"
        if not isinstance(pair["modifier_allowed"], bool):
            return f"says modifier_allowed = true or false, not {pair['modifier_allowed']!r}"
    return None


def _problem_of_items(key: str, items: list[object]) -> str | None:
    if not _is_list_of_text(items):
        return "holds text in quotes"
    if key in {"gp_applies_to", "allowed_provider_types"}:
        strange = [item for item in items if item not in set(Profession)]
        return f"holds professions ({', '.join(Profession)}), not {strange[0]!r}" if strange else None
    if key in {"required_modifiers", "forbidden_modifiers"}:
        strange = [item for item in items if not _MODIFIER.fullmatch(str(item))]
        return f"holds modifiers of two letters or digits, not {strange[0]!r}" if strange else None
    return None


_WORDS: Mapping[type, str] = MappingProxyType(
    {str: "text", bool: "true or false", int: "a whole number", list: "a list", dict: "a table"}
)


def _fold(draft: _Draft, drafts: Mapping[str, _Draft], below: tuple[str, ...]) -> Profile:
    if draft.id in below:
        raise draft.bad("extends", f"profiles extend each other in a circle: {' -> '.join((*below, draft.id))}")
    settings = {key: draft.timeline(key) for key in draft.raw if key in KEYS}
    own = draft.choices()
    program = draft.program()
    base_id = draft.raw.get("extends")
    if base_id is not None:
        if base_id not in drafts:
            raise draft.bad("extends", f"extends {base_id!r}, which is not a profile here")
        base = _fold(drafts[base_id], drafts, (*below, draft.id))
        settings = {**base.settings, **settings}
        own = RuleChoices(
            base.rules.select if own.select is None else own.select,
            base.rules.ignore | own.ignore,
            {**base.rules.severity, **own.severity},
        )
        program = program or base.program
    return Profile(
        id=draft.id,
        title=draft.raw.get("title", draft.id),
        program=program,
        default_for_program=draft.raw.get("default_for_program", False),
        payer_ids=frozenset(draft.raw.get("payer_ids", ())),
        settings=settings,
        rules=own,
        origin=draft.path,
    )
