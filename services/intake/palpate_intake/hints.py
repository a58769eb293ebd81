"""What whoever reads a file knows about it and the file does not say."""

from dataclasses import dataclass

from palpate_schemas.claim import Claim
from palpate_schemas.values import Program


@dataclass(frozen=True, slots=True)
class Hints:
    """Said once for all claims of a file."""

    program: Program | None = None
    """The kind of payer of claims that do not say it themselves."""
    profile: str | None = None
    """The payer profile to judge by, whatever the claims say."""
    minutes_in_notes: bool = False
    """Whether this payer or sender writes treatment minutes into NTE segments (`MIN 25`, `TIME 0900-0925`)."""

    def applied(self, claim: Claim) -> Claim:
        """The claim with the payer's programme and profile filled in."""
        program = claim.payer.program or self.program
        profile = self.profile or claim.payer.profile
        if program == claim.payer.program and profile == claim.payer.profile:
            return claim
        payer = claim.payer.model_copy(update={"program": program, "profile": profile})
        return claim.model_copy(update={"payer": payer})


NO_HINTS = Hints()
