"""A finding: what one rule says of one claim, in plain words, with what decided it and who can mend it."""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from palpate_schemas.values import CodeNumber, Fixer, Outcome, Severity, Wire


class Denial(Wire):
    """The answer that the payer would return: claim adjustment reason, remark and group codes (X12 835)."""

    carc: CodeNumber
    rarc: CodeNumber | None = None
    group: Literal["CO", "PR", "OA", "PI"] = "CO"


class PatchOperation(Wire):
    """One RFC 6902 operation on the claim."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: str
    value: Any = None
    from_: Annotated[str | None, Field(alias="from", serialization_alias="from")] = None


class Finding(Wire):
    """One fault, or one question that the claim's facts leave open."""

    rule: str
    """The rule's id, e.g. `units-total-over`."""
    family: str | None = None
    """The family that the rule belongs to, e.g. `units`; what a notifier routes by."""
    outcome: Outcome
    severity: Severity
    title: str
    message: str
    """What is wrong, with this claim's numbers and codes filled in."""
    line_number: int | None = None
    pointer: str | None = None
    """RFC 6901 pointer into the claim."""
    fixer: Fixer
    remedy: str
    """What to do, in the imperative.  It never suggests clinical facts to write down."""
    needs: str | None = None
    """Undetermined only: the fact that is not in the event."""
    patch: tuple[PatchOperation, ...] | None = None
    """Repairs the claim, only where no clinical judgement is needed."""
    applicability: Literal["safe", "confirm"] | None = None
    """Whether `patch` may be applied as it is, or needs a person to confirm it."""
    denial: Denial | None = None
    sources: tuple[str, ...] = ()
    evidence: dict[str, Any] = Field(default_factory=dict)
    """The numbers that decided it, by name."""

    @cached_property
    def place(self) -> tuple[int, str, str]:
        """Where it stands among findings of its severity: by line, those of the whole claim first, then by rule."""
        return self.line_number or 0, self.rule, self.pointer or ""
