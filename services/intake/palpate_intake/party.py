"""A person or organization that an 837P names (NM1): who it is, and by which identifier."""

from dataclasses import dataclass
from typing import Any

from palpate_intake.x12_segments import words

NO_NPI = "missing"
"""Stands for an NPI that the file does not carry, which the claim then fails for; a payer refuses it for the same."""

NPI_QUALIFIER = "XX"


@dataclass(slots=True)
class Party:
    """One NM1 with what follows it."""

    segment: int
    name: str | None
    first_name: str
    id_qualifier: str
    identifier: str
    taxonomy: str | None = None

    @property
    def npi(self) -> str | None:
        """The National Provider Identifier, when that is what the identifier is.  A tax number is none."""
        return (self.identifier[:20] or None) if self.id_qualifier == NPI_QUALIFIER else None

    def as_provider(self) -> dict[str, Any]:
        """The contract's provider."""
        return {"npi": self.npi or NO_NPI, "name": self.name, "taxonomy": self.taxonomy}


def party_of(elements: list[str], segment: int) -> Party:
    """The party that an NM1 segment names: last or organization name, first name, identifier."""
    padded = [*elements, *[""] * (10 - len(elements))]
    first = words(padded[4])
    name = " ".join(part for part in (first, words(padded[3])) if part)
    return Party(segment, name or None, first, padded[8].strip(), padded[9].strip())
