"""From a finding, or the reason why a claim could not be read, to the claim status of a 277CA: `claim_status.toml`."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from palpate_schemas.finding import Finding
from palpate_schemas.rejection import RejectionError

TABLE = Path(__file__).with_name("claim_status.toml")
BY_POINTER = "pointer"

_ENTITIES = {
    "billing_provider": "85",
    "rendering_provider": "82",
    "referring_provider": "DN",
    "supervising_provider": "DQ",
    "payer": "PR",
    "patient": "QC",
}
_NUMBERS = re.compile(r"/[0-9]+(?=/|$)")


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """Category and code of the X12 lists 507 and 508, with what they want beside them."""

    category: str
    status: str
    entity: str = ""
    """Who is meant (X12 data element 98), where the code asks for it."""
    also: str = ""
    """A second status code of the same category; it names no entity."""
    why: str = ""

    def composites(self) -> list[tuple[str, ...]]:
        """As they stand in STC01 and STC10: category, status, entity."""
        first = (self.category, self.status, *([self.entity] if self.entity else []))
        return [first, (self.category, self.also)] if self.also else [first]


@dataclass(frozen=True, slots=True)
class StatusTable:
    """The whole table."""

    accepted: ClaimStatus
    received: ClaimStatus
    unreadable: ClaimStatus
    families: dict[str, ClaimStatus]
    rules: dict[str, ClaimStatus]
    fields: dict[str, ClaimStatus]


@cache
def status_table() -> StatusTable:
    """The shipped table.

    Raises:
        ValueError: it is not as it should be; with the file's name.
    """
    try:
        written = tomllib.loads(TABLE.read_text("utf-8"))
        return StatusTable(
            accepted=ClaimStatus(**written["accepted"]),
            received=ClaimStatus(**written["received"]),
            unreadable=ClaimStatus(**written["unreadable"]),
            families=_rows(written["families"]),
            rules=_rows(written["rules"]),
            fields=_rows(written["fields"]),
        )
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{TABLE.name} is no table of claim statuses: {error}") from error


def _rows(written: dict[str, dict[str, Any]]) -> dict[str, ClaimStatus]:
    return {key: ClaimStatus(**row) for key, row in written.items()}


def status_of(finding: Finding) -> ClaimStatus:
    """By the rule's id, else by its family; a rule that is in neither is a rule of a newer book."""
    table = status_table()
    row = table.rules.get(finding.rule) or table.families.get(finding.family or "") or table.unreadable
    if row.entity != BY_POINTER:
        return row
    part = (finding.pointer or "").split("/")[1:2]
    return ClaimStatus(row.category, row.status, _ENTITIES.get("".join(part), "82"), row.also, row.why)


def status_of_reason(reason: RejectionError) -> ClaimStatus:
    """By the field that the reason is about; as missing where it is not there."""
    table = status_table()
    row = table.fields.get(field_of(reason.pointer), table.unreadable)
    if row is table.unreadable or not is_missing(reason):
        return row
    return ClaimStatus("A6", row.status, row.entity, row.also, row.why)


def field_of(pointer: str) -> str:
    """The field that a pointer leads to: without the numbers of list items, and no deeper than a table knows."""
    plain = _NUMBERS.sub("", pointer)
    return plain if not plain.startswith("/lines/") else "/".join(plain.split("/")[:3])


def is_missing(reason: RejectionError) -> bool:
    """Whether the field is not there at all, as `palpate_schemas.reasons` says it."""
    return reason.reason.startswith("this field is required")
