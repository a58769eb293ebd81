"""What the validator says of a claim: the `data` of `claim.passed` and `claim.failed`.  It holds no PHI."""

from datetime import date, datetime

from palpate_schemas.finding import Finding
from palpate_schemas.values import Modifier, ProcedureCode, Program, Units, Verdict, Wire


class Ruleset(Wire):
    """Which rule book judged: its version, and the SHA-256 of every rule, parameter, table and profile in it."""

    version: str
    digest: str


class SourceEvent(Wire):
    """The CloudEvents identity of the event that was judged."""

    source: str
    id: str


class JudgedLine(Wire):
    """As much of a service line as a correction case shows."""

    line_number: int
    procedure_code: ProcedureCode
    modifiers: tuple[Modifier, ...] = ()
    units: Units


class Counts(Wire):
    """How many rules were judged, and how many of them found a fault or could not tell."""

    judged: int
    violated: int
    undetermined: int


class ClaimVerdict(Wire):
    """The verdict on one version of one claim.

    The same claim and the same ruleset give the same verdict, byte for byte, apart from `judged_at`.
    """

    claim_id: str
    version: int
    verdict: Verdict
    applicable: bool
    """False when manual therapy (97140) is neither billed nor documented: nothing is judged and the claim passes."""
    voided: bool = False
    """True when the event withdrew the claim: nothing is judged and its correction case is cancelled."""
    judged_at: datetime
    ruleset: Ruleset
    profile: str
    """The payer profile that it was judged by."""
    claim_digest: str
    """SHA-256 of the canonical claim."""
    payer_id: str
    program: Program | None = None
    """The kind of payer: as the claim says, else as its profile does."""
    practice: str
    """The billing provider's NPI."""
    rendering_npi: str
    source_event: SourceEvent
    service_dates: tuple[date, ...]
    lines: tuple[JudgedLine, ...]
    counts: Counts
    findings: tuple[Finding, ...]
