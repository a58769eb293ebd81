"""An assistant worked without the supervision that Medicare asks for.

## What it checks
In a private practice that bills Medicare: when a PTA or OTA gave a service without the therapist beside them, the
therapist was on the premises (dates of service through 2024-12-31). From 2025-01-01 general supervision is enough,
and the therapist need not be there. On every date, an assistant did not give an evaluation.

## Why it matters
A service that an assistant gave without the required supervision, and an evaluation by an assistant, is not a covered
therapy service.

## How to fix
Correct who treated or whether the supervisor was there, if the claim says it wrongly. If the supervision was in fact
lacking, take the service off the claim.

## Example that fails
97140 on 2024-12-31, given by a PTA while the supervising therapist was not on site.

## Example that passes
97140 on 2025-01-02, given by a PTA while the supervising therapist was not on site.

## Limits
State practice acts may be stricter than Medicare and then win; they are not known here. A therapist who is not
enrolled in Medicare still needs direct supervision, which the claim cannot show. Assistants under a physician are for
`prov-physician-incident-to`. Before 2005 the rule answers "cannot tell".
"""

from collections.abc import Iterator

from palpate_schemas.values import Program
from palpate_validator.rule import CLINICIAN, Result, fails, rule
from palpate_validator.sources import BPM15
from palpate_validator.unusual import Unusual
from palpate_validator.visit import Visit
from palpate_validator.who_treated import THERAPISTS, by_assistant_alone, rendering_profession

EVALUATIONS = frozenset({"97001", "97002", "97003", "97004", *(str(code) for code in range(97161, 97169))})
"""Therapy evaluations and re-evaluations, old codes and new."""


@rule(
    remedy="Correct who treated or whether the supervisor was on site; if supervision was lacking, take the line off.",
    fixer=CLINICIAN,
    sources=("42 CFR 410.59, 410.60", "89 FR 97710", f"{BPM15} §230.4"),
    confidence="sourced",
    programs={Program.MEDICARE},
    parameters=("assistant_supervision",),
    unusual={Unusual.ASSISTANT},
)
def assistant_supervision(visit: Visit) -> Iterator[Result]:
    assisted = tuple(line for line in visit.lines if by_assistant_alone(line))
    if not assisted or rendering_profession(visit) not in THERAPISTS:
        return
    for line in assisted:
        if line.code in EVALUATIONS:
            yield fails(f"Line {line.line_number}: an assistant gave the evaluation {line.code}.", line=line)
    if visit.amount("assistant_supervision") != "direct":
        return
    supervisor = visit.claim.supervising_provider
    if not visit.known(None if supervisor is None else supervisor.on_site, "supervising_provider/on_site"):
        yield fails(
            "An assistant treated while the supervising therapist was not on site, "
            f"which Medicare asked for on {visit.date_of_service}.",
            pointer="/supervising_provider/on_site",
            line_numbers=[line.line_number for line in assisted],
        )
