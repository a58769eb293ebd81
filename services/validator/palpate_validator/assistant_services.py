"""The services of a visit that an assistant may have given, with who gave which minutes and how many units say so."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, NamedTuple

from palpate_schemas.values import Profession
from palpate_validator.assistant_units import AssistantUnits, units_of_timed, units_of_untimed
from palpate_validator.code_pairs import OT_EVALUATIONS, PT_EVALUATIONS
from palpate_validator.modifier_patches import MOST_MODIFIERS, with_added
from palpate_validator.rule import Result, cannot_tell, fails, warns
from palpate_validator.visit import DISCIPLINE_MODIFIERS, Line, Visit
from palpate_validator.who_treated import ASSISTANTS, THERAPISTS, known_rendering, rendering_profession, under_physician

ASSISTANT_OF = MappingProxyType({"CQ": Profession.PTA, "CO": Profession.OTA})
"""The assistant whose work each modifier marks."""
_MODIFIER_OF = {assistant: modifier for modifier, assistant in ASSISTANT_OF.items()}
DISCIPLINE_OF = MappingProxyType({"CQ": Profession.PT, "CO": Profession.OT})
PLAN_OF = MappingProxyType({"CQ": "GP", "CO": "GO"})
"""The therapy-plan modifier that each goes with."""
WORDS = MappingProxyType({"CQ": "A physical therapist assistant", "CO": "An occupational therapist assistant"})

_OF_A_DISCIPLINE = THERAPISTS | ASSISTANTS
_NEVER_AN_ASSISTANT = PT_EVALUATIONS | OT_EVALUATIONS


class AssistantService(NamedTuple):
    """One code of one discipline on one day, all of its lines together."""

    code: str
    lines: tuple[Line, ...]
    units: int
    marked_units: int
    """Units on lines that carry the modifier."""
    therapist_minutes: int
    assistant_minutes: int
    expected: AssistantUnits | None
    """None where the claim does not say who gave which minutes."""
    needs: str | None = None
    """The fact that is missing then."""

    @property
    def minutes(self) -> int:
        """All minutes of the service."""
        return self.therapist_minutes + self.assistant_minutes

    def facts(self) -> dict[str, Any]:
        """What a finding shows as evidence."""
        facts: dict[str, Any] = {"units": self.units, "marked_units": self.marked_units}
        if self.expected is not None:
            facts |= {"expected_units": self.expected.least, "expected_units_at_most": self.expected.most}
            facts |= {"assistant_minutes": self.assistant_minutes, "therapist_minutes": self.therapist_minutes}
        return facts


def assistant_services(visit: Visit, modifier: str) -> Iterator[AssistantService]:
    """The services of the discipline that CQ or CO belongs to, in the order of their line numbers.

    Nothing for a claim that somebody else than a therapist renders, where the modifiers do not apply.

    Raises:
        MissingFact: the claim does not say who renders it.
    """
    discipline = DISCIPLINE_OF[modifier]
    mine = [line for line in visit.lines if visit.discipline(line) is discipline and _may_be(visit, line)]
    if not mine or under_physician(visit):
        return
    profession = visit.known(known_rendering(visit).profession, "rendering_provider/profession")
    if profession not in _OF_A_DISCIPLINE:
        return
    by_code: dict[str, list[Line]] = {}
    for line in mine:
        by_code.setdefault(line.code, []).append(line)
    for code, lines in by_code.items():
        units = [line.whole_units for line in lines]
        if None not in units:
            yield _service(visit, modifier, code, tuple(lines))


def assistants_in_question(visit: Visit) -> bool:
    """Whether an assistant may have given any of the visit without its modifier.

    Not where the claim says of every service who gave it, and an assistant's lines are one's alone and bear theirs.
    """
    if rendering_profession(visit) is None:
        return True
    told = [line for line in visit.lines if line.performed_by]
    if not told:
        return not _nobody_else(visit)
    return len(told) < len(visit.lines) or not all(_is_plain(line) for line in told)


def _is_plain(line: Line) -> bool:
    """Whether a line says who gave it and how long, and bears the modifier of an assistant who gave all of it."""
    alone = len(line.performed_by) == 1
    for part in line.performed_by:
        who = part.profession
        if who is None or (part.minutes is None and not (alone and line.minutes is not None)):
            return False
        if who in _MODIFIER_OF and not (alone and _MODIFIER_OF[who] in line.modifiers):
            return False
    return True


def not_marked(visit: Visit, modifier: str) -> Iterator[Result]:
    """Services of which the assistant gave a unit and no line carries the modifier."""
    unmarked = [service for service in assistant_services(visit, modifier) if service.marked_units == 0]
    for service in unmarked:
        place, expected = service.lines[0], service.expected
        if expected is None or not (expected.least > 0 or expected.methods_differ):
            continue
        message = (
            f"{WORDS[modifier]} gave {service.assistant_minutes} of the {service.minutes} minutes of {service.code} "
            f"alone, and no line of it carries {modifier}."
        )
        if expected.least > 0:
            yield fails(message, line=place, pointer="/modifiers", **service.facts())
        else:
            doubt = f" By one of the two ways of measuring 10 percent {modifier} is due. Are the minutes right?"
            yield warns(message + doubt, line=place, pointer="/modifiers", **service.facts())
    if unknown := [service for service in unmarked if service.expected is None]:
        yield unanswered(modifier, unknown[0])


def not_paired(visit: Visit, modifier: str) -> Iterator[Result]:
    """Lines with the modifier and without that of the plan; a patch adds it where the line names no plan at all."""
    plan = PLAN_OF[modifier]
    for line in visit.lines:
        if line.has(modifier) and not line.has(plan):
            bare = not line.has(*DISCIPLINE_MODIFIERS) and len(line.modifiers) < MOST_MODIFIERS
            yield fails(
                f"Line {line.line_number} carries {modifier} without {plan}.",
                line=line,
                pointer="/modifiers",
                patch=with_added(line, plan) if bare else None,
                modifiers=line.modifiers,
            )


def unanswered(modifier: str, service: AssistantService) -> Result:
    """That the claim does not say who gave a service."""
    return cannot_tell(
        service.needs or "lines/performed_by",
        f"The claim does not say who gave which minutes of {service.code}, so whether {modifier} belongs there "
        "cannot be checked.",
        line=service.lines[0],
    )


def _may_be(visit: Visit, line: Line) -> bool:
    return visit.kind(line.code) is not None and line.code not in _NEVER_AN_ASSISTANT


def _service(visit: Visit, modifier: str, code: str, lines: tuple[Line, ...]) -> AssistantService:
    units = sum([int(line.units) for line in lines])
    marked = sum([int(line.units) for line in lines if modifier in line.modifiers])
    shares = _minutes(visit, lines, ASSISTANT_OF[modifier])
    if isinstance(shares, str):
        return AssistantService(code, lines, units, marked, 0, 0, expected=None, needs=shares)
    therapist, assistant = shares
    if visit.kind(code) == "timed_15":
        midpoint = bool(visit.amount("assistant_midpoint_rule"))
        expected = units_of_timed(units, therapist, assistant, midpoint=midpoint)
    else:
        expected = units_of_untimed(units, therapist, assistant)
    return AssistantService(code, lines, units, marked, therapist, assistant, expected)


def _minutes(visit: Visit, lines: tuple[Line, ...], assistant: Profession) -> tuple[int, int] | str:
    """Minutes of everybody else and of the assistant alone; or the fact that is missing."""
    if not any(line.performed_by for line in lines):
        return (sum(line.minutes or 0 for line in lines), 0) if _nobody_else(visit) else "lines/performed_by"
    therapist = assisted = 0
    for line in lines:
        if not line.performed_by:
            return "lines/performed_by"
        for part in line.performed_by:
            if part.profession is None:
                return "lines/performed_by/profession"
            alone = len(line.performed_by) == 1
            minutes = line.minutes if part.minutes is None and alone else part.minutes
            if minutes is None:
                return "lines/performed_by/minutes"
            if part.profession is assistant and not part.with_supervisor:
                assisted += minutes
            else:
                therapist += minutes
    return therapist, assisted


def _nobody_else(visit: Visit) -> bool:
    """Whether the day's notes say that a therapist treated and that nobody else took part."""
    return bool(visit.notes) and all(
        note.contributors == () and note.clinician is not None and note.clinician.profession in DISCIPLINE_OF.values()
        for note in visit.notes
    )
