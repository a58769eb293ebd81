"""What becomes of a failed claim: the `data` of the `correction.*` events."""

from datetime import datetime

from palpate_schemas.values import Wire
from palpate_schemas.verdict import SourceEvent


class CorrectionStep(Wire):
    """One step of a correction case.  It holds no PHI."""

    case_id: str
    claim_id: str
    version: int
    """The claim version that this step is about."""
    practice: str
    rendering_npi: str
    source_event: SourceEvent
    """The claim event whose verdict led here."""
    at: datetime
    assignee: str | None = None
    """The directory's id of whoever the case is with."""
    reason: str | None = None
    rules: tuple[str, ...] = ()
    """Ids of the rules whose errors are still open."""
