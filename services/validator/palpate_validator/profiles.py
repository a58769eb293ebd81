"""Payer profiles: everything payer-specific, one TOML file each, every value dated and sourced where it can be.

A claim names its profile in `payer.profile`; else it is found by `payer.id`, then by `payer.program`; else it is
`commercial-unknown`.  A site adds a folder of its own, whose profiles extend or replace the shipped ones.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from palpate_schemas.claim import Payer
from palpate_schemas.values import Program, Severity
from palpate_validator.dated import BEGINNING, BadData, DatedValue, Timeline

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
_OWN_KEYS = frozenset({"id", "title", "extends", "program", "default_for_program", "payer_ids", "rules"})


@dataclass(frozen=True, slots=True)
class RuleChoices:
    """Which rules a profile turns on or off, and how grave they are there."""

    select: frozenset[str] | None
    ignore: frozenset[str]
    severity: Mapping[str, Severity]


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

    def on(self, key: str, day: date) -> DatedValue | None:
        """The value of a key on a day; None where the profile does not say."""
        timeline = self.settings.get(key)
        return None if timeline is None else timeline.on(day)


class Profiles:
    """All profiles, and which of them a claim is judged by."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self.by_id = {profile.id: profile for profile in profiles}
        self._by_payer = {payer: profile for profile in self.by_id.values() for payer in profile.payer_ids}
        self._by_program = {profile.program: profile for profile in self.by_id.values() if profile.default_for_program}
        self.fallback = self.by_id[FALLBACK]

    def for_payer(self, payer: Payer) -> Profile:
        """The profile that a claim to this payer is judged by; `commercial-unknown` when none fits."""
        if payer.profile is not None and payer.profile in self.by_id:
            return self.by_id[payer.profile]
        if payer.id in self._by_payer:
            return self._by_payer[payer.id]
        if payer.program in self._by_program:
            return self._by_program[payer.program]
        return self.fallback


def load_profiles(*folders: Path) -> Profiles:
    """The shipped profiles, then those of a site's folders; a later file replaces an earlier one of the same id.

    Raises:
        BadData: a file is not TOML, has an unknown key or a value of the wrong kind, or extends what is not there.
    """
    drafts: dict[str, _Draft] = {}
    for folder in (PAYERS, *folders):
        if not folder.is_dir():
            raise BadData(folder, "", None, "no such folder of payer profiles")
        for path in sorted(folder.glob("*.toml")):
            draft = _Draft(path)
            drafts[draft.id] = draft
    return Profiles(_fold(draft, drafts, ()) for draft in drafts.values())


class _Draft:
    """A profile file as written, before what it extends is folded in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text("utf-8")
        try:
            self.raw = tomllib.loads(self.text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise BadData(path, self.text, None, f"not TOML: {error}") from error
        for key in self.raw:
            if key not in KEYS and key not in _OWN_KEYS:
                raise self.bad(key, f"`{key}` is not a key of a payer profile; the keys are {', '.join(sorted(KEYS))}")
        if not isinstance(self.raw.get("id"), str):
            raise self.bad(None, "`id` is missing")
        self.id: str = self.raw["id"]

    def bad(self, key: str | None, problem: str) -> BadData:
        return BadData(self.path, self.text, key, problem)

    def timeline(self, key: str) -> Timeline:
        """A plain value holds always; a list of tables with `from` holds by date."""
        raw = self.raw[key]
        rows = raw if _is_dated(raw) else [{"value": raw, "from": BEGINNING}]
        try:
            return Timeline(self._value(key, row) for row in rows)
        except (KeyError, ValueError) as error:
            raise self.bad(key, f"`{key}`: each dated value needs from and value ({error})") from error

    def _value(self, key: str, row: dict[str, Any]) -> DatedValue:
        value = row["value"]
        wrong_bool = isinstance(value, bool) and bool not in KEYS[key]
        if wrong_bool or not isinstance(value, KEYS[key]):
            raise self.bad(key, f"`{key}` takes {' or '.join(kind.__name__ for kind in KEYS[key])}, not {value!r}")
        if key in CHOICES and value not in CHOICES[key]:
            raise self.bad(key, f"`{key}` is one of {', '.join(sorted(CHOICES[key]))}, not {value!r}")
        if not isinstance(row["from"], date) or not isinstance(row.get("through", BEGINNING), date):
            raise self.bad(key, f"`{key}`: from and through are dates, written without quotes")
        return DatedValue(value, row["from"], row.get("through"), row.get("source", f"payer profile {self.id}"))

    def choices(self) -> RuleChoices:
        raw = self.raw.get("rules", {})
        unknown = raw.keys() - {"select", "ignore", "severity"}
        if unknown:
            raise self.bad(min(unknown), f"[rules] knows select, ignore and severity, not {min(unknown)}")
        try:
            severity = {rule: Severity(value) for rule, value in raw.get("severity", {}).items()}
        except ValueError as error:
            raise self.bad("severity", f"a severity is error, warning or info ({error})") from error
        select = raw.get("select")
        return RuleChoices(None if select is None else frozenset(select), frozenset(raw.get("ignore", ())), severity)

    def program(self) -> Program | None:
        try:
            return None if "program" not in self.raw else Program(self.raw["program"])
        except ValueError as error:
            raise self.bad("program", f"program is one of {', '.join(Program)} ({error})") from error


def _is_dated(raw: object) -> bool:
    return isinstance(raw, list) and bool(raw) and all(isinstance(row, dict) and "from" in row for row in raw)


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
        default_for_program=bool(draft.raw.get("default_for_program", False)),
        payer_ids=frozenset(draft.raw.get("payer_ids", ())),
        settings=settings,
        rules=own,
    )
