"""A professional claim as a practice-management system (PMS) sends it: the `data` of a claim event.

Names follow X12 837P and FHIR `Claim`.  Only what a payer could not process without is required; everything else
that is absent makes the rules that need it answer "cannot tell".
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import Field

from palpate_schemas.values import (
    ClockTime,
    DiagnosisCode,
    FrequencyCode,
    Identifier,
    Minutes,
    Modifier,
    Money,
    PlaceOfService,
    ProcedureCode,
    Profession,
    Program,
    Region,
    Units,
    Wire,
)

Npi = Annotated[str, Field(min_length=1, max_length=20)]
"""A National Provider Identifier as sent.  A malformed one is a finding (`prov-npi-format`), not a rejection."""

MAX_VERSION = 2**63 - 1
"""What a 64-bit column keeps; a PMS may count its versions in milliseconds since 1970, or in ticks."""

_MOST_MEMBERS = 500
_FIRST_FAULT = Field(fail_fast=True)
"""Of a list only the first member that is wrong is told, with all that is wrong with it.

With the most members that a list may have, this is the bound on what one claim costs that is nothing but members, or
nothing but wrong ones.
"""

_Member = TypeVar("_Member")
Listed = Annotated[tuple[_Member, ...], _FIRST_FAULT, Field(max_length=_MOST_MEMBERS)]
"""Far more members than a claim has; a rule says what is too many for a payer."""


class Payer(Wire):
    """Who is asked to pay, and by which profile of rules it is judged."""

    id: Identifier
    name: str | None = None
    program: Program | None = None
    profile: Identifier | None = None
    """A payer-profile id that overrides the look-up by `id` and `program`."""


class Patient(Wire):
    """The patient, by an opaque account number.  A name may be sent; it never leaves the validator."""

    id: Identifier
    birth_date: date | None = None
    sex: str | None = None
    death_date: date | None = None
    name: str | None = Field(default=None, repr=False)


class BillingProvider(Wire):
    """The practice that bills (837P loop 2010AA)."""

    npi: Npi
    name: str | None = None
    taxonomy: str | None = None


class Provider(Wire):
    """A rendering, supervising or referring provider."""

    npi: Npi
    taxonomy: str | None = None
    profession: Profession | None = None
    name: str | None = None
    incident_to: bool | None = None
    """True when the service is billed incident to a physician's."""
    on_site: bool | None = None
    """Supervising provider only: whether they were on the premises."""


class PriorAuthorization(Wire):
    """The payer's prior authorization (REF*G1) and what is left of it."""

    number: str | None = None
    valid_from: date | None = None
    valid_through: date | None = None
    units_authorized: Decimal | None = None
    units_used: Decimal | None = None


class Interval(Wire):
    """One stretch of one-on-one time, local, end after start."""

    start: ClockTime
    end: ClockTime


class Performance(Wire):
    """The part of a service that one person gave."""

    npi: Npi | None = None
    profession: Profession | None = None
    minutes: Minutes | None = None
    with_supervisor: bool = False
    """True when an assistant worked together with the therapist: those minutes are the therapist's."""


class ExcludedMinutes(Wire):
    """Minutes that do not count as treatment, with the reason (rest, waiting, set-up, documentation, ...)."""

    reason: str
    minutes: Minutes


class ServiceLine(Wire):
    """One service line (837P loop 2400)."""

    line_number: int
    service_date: date
    service_date_through: date | None = None
    procedure_code: ProcedureCode
    modifiers: Listed[Modifier] = ()
    """As sent.  More than four is a finding, not a rejection."""
    units: Units
    """As sent.  A fraction, zero or a negative number is a finding, not a rejection."""
    charge: Money | None = None
    diagnosis_pointers: Listed[int] = ()
    """1-based positions in the claim's `diagnoses`."""
    place_of_service: PlaceOfService | None = None
    minutes: Minutes | None = None
    """Countable one-on-one minutes of this service."""
    intervals: Listed[Interval] = ()
    performed_by: Listed[Performance] = ()
    regions: Listed[Region] = ()
    encounter: Annotated[int | None, Field(json_schema_extra={"default": 1})] = None
    """Which encounter of the day: two visits on one day are 1 and 2.  Absent, it counts as 1 and is no statement."""
    excluded_minutes: Listed[ExcludedMinutes] = ()


class Signature(Wire):
    """Who signed a note, and with which credentials."""

    name: str | None = None
    credentials: str | None = None


class NoteAuthor(Wire):
    """The clinician who gave the visit."""

    npi: Npi | None = None
    profession: Profession | None = None
    name: str | None = None


class Contributor(Wire):
    """Someone else who took part in the treatment."""

    npi: Npi | None = None
    profession: Profession | None = None
    name: str | None = None
    credentials: str | None = None


class PlanOfCare(Wire):
    """The therapy plan of care and its certification (42 CFR 424.24)."""

    established_on: date | None = None
    certified_on: date | None = None
    certified_through: date | None = None
    signed_order_on_file: bool | None = None
    sent_to_physician_on: date | None = None
    visits_per_week: Decimal | None = None
    procedure_codes: Listed[ProcedureCode] | None = None


class ProgressReport(Wire):
    """When progress was last reported, and how many treatment days have passed since."""

    last_on: date | None = None
    treatment_days_since: Annotated[int, Field(ge=0)] | None = None


class VisitNote(Wire):
    """What the clinician documented of one visit.  Its free text never leaves the validator."""

    service_date: date
    clinician: NoteAuthor | None = None
    text: str | None = Field(default=None, repr=False)
    techniques: Listed[str] | None = None
    regions: Listed[Region] | None = None
    total_timed_minutes: Minutes | None = None
    total_treatment_minutes: Minutes | None = None
    start: ClockTime | None = None
    end: ClockTime | None = None
    response: str | None = Field(default=None, repr=False)
    medical_necessity: str | None = Field(default=None, repr=False)
    location: str | None = None
    signed_by: Signature | None = None
    signed_on: date | None = None
    contributors: Listed[Contributor] | None = None
    service_minutes: Annotated[dict[ProcedureCode, Minutes], _FIRST_FAULT, Field(max_length=_MOST_MEMBERS)] | None = (
        None
    )
    """Minutes of every timed service given that day, billed or not: the pool that units are allocated from."""
    patients_treated_at_once: Annotated[int, Field(ge=0)] | None = None
    restricted_motion: str | None = Field(default=None, repr=False)
    goals: str | None = Field(default=None, repr=False)
    plan_of_care: PlanOfCare | None = None
    progress_report: ProgressReport | None = None


class TherapyAccrual(Wire):
    """Medicare allowed charges of the year before this claim, by threshold bucket."""

    year: int | None = None
    pt_slp: Money | None = None
    ot: Money | None = None


class Coverage(Wire):
    """What the eligibility check said for the date of service."""

    active_on_service_date: bool | None = None
    part_a_stay: bool | None = None
    home_health_episode: bool | None = None
    visit_limit: Annotated[int, Field(ge=0)] | None = None
    visits_used: Annotated[int, Field(ge=0)] | None = None


class Claim(Wire):
    """A full snapshot of one professional claim at one version."""

    claim_id: Identifier
    """The PMS's claim number (CLM01)."""
    version: Annotated[int, Field(ge=1, le=MAX_VERSION)] = 1
    """Rises with every correction; an older version than one already judged changes nothing."""
    frequency_code: FrequencyCode = "1"
    submitted_on: date | None = None
    """The day it goes to the payer; by default the day of the event's `time`."""
    payer: Payer
    patient: Patient
    billing_provider: BillingProvider
    rendering_provider: Provider
    supervising_provider: Provider | None = None
    referring_provider: Provider | None = None
    place_of_service: PlaceOfService
    prior_authorization: PriorAuthorization | None = None
    diagnoses: Annotated[tuple[DiagnosisCode, ...], _FIRST_FAULT, Field(min_length=1, max_length=12)]
    lines: Annotated[tuple[ServiceLine, ...], _FIRST_FAULT, Field(min_length=1, max_length=50)]
    documentation: Listed[VisitNote] | None = None
    """Visit notes; absent means that the PMS does not share notes."""
    therapy_accrual: TherapyAccrual | None = None
    coverage: Coverage | None = None
