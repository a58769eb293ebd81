"""What a clinician is told, in words.  No PHI: no name, birth date, note or diagnosis is known here."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from palpate_schemas.finding import Finding
from palpate_schemas.values import Fixer

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)

WHO = {
    Fixer.CLINICIAN: "For you, as the treating clinician",
    Fixer.BILLER: "For billing",
    Fixer.FRONT_DESK: "For the front desk",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend, as a message shows it."""

    title: str
    remedy: str
    where: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message in its two forms."""

    subject: str
    text: str
    html: str


def correction_requested(
    *, name: str, practice: str, reference: str, claim_id: str, version: int, findings: tuple[Finding, ...], why: str
) -> Message:
    """Tells one person that one claim needs correcting."""
    values = {
        "name": name,
        "practice": practice,
        "reference": reference,
        "claim_id": claim_id,
        "version": version,
        "why": why,
        "count": len(findings),
        "groups": [(WHO[fixer], faults) for fixer in Fixer if (faults := _faults(findings, fixer))],
    }
    return Message(
        subject=f"A claim needs correcting, case {reference}",
        text=TEMPLATES.get_template("correction_requested.txt").render(values),
        html=TEMPLATES.get_template("correction_requested.html").render(values),
    )


def not_delivered(*, name: str, practice: str, reference: str, claim_id: str, person: str) -> Message:
    """Tells a manager that somebody could not be reached."""
    values = {"name": name, "practice": practice, "reference": reference, "claim_id": claim_id, "person": person}
    return Message(
        subject=f"A message could not be delivered, case {reference}",
        text=TEMPLATES.get_template("not_delivered.txt").render(values),
        html=TEMPLATES.get_template("not_delivered.html").render(values),
    )


def _faults(findings: tuple[Finding, ...], fixer: Fixer) -> list[Fault]:
    # Title and remedy are the rule book's own words; a finding's message holds the claim's facts and stays out.
    return [
        Fault(
            title=finding.title,
            remedy=finding.remedy,
            where="the claim" if finding.line_number is None else f"line {finding.line_number}",
        )
        for finding in findings
        if finding.fixer is fixer
    ]
