"""The closed sets and constrained values that the contract's models share."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints


class Wire(BaseModel):
    """A model of the wire: immutable; fields that it does not know are ignored, never a reason to reject."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @cached_property
    def json_text(self) -> str:
        """What it says as JSON, without what is None; written once, however often it is sent."""
        return self.model_dump_json(by_alias=True, exclude_none=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with some facts changed.  What the original has worked out of its own is not the copy's."""
        copy = super().model_copy(update=update, deep=deep)
        for worked_out in copy.__dict__.keys() - type(self).model_fields.keys():
            del copy.__dict__[worked_out]
        return copy


class Program(StrEnum):
    """The kind of payer, as an 837P claim-filing indicator distinguishes it."""

    MEDICARE = "medicare"
    MEDICARE_ADVANTAGE = "medicare_advantage"
    MEDICAID = "medicaid"
    TRICARE = "tricare"
    VA = "va"
    COMMERCIAL = "commercial"
    WORKERS_COMP = "workers_comp"
    AUTO = "auto"


class Profession(StrEnum):
    """Who treated or bills, by the licence's usual letters."""

    PT = "PT"
    OT = "OT"
    PTA = "PTA"
    OTA = "OTA"
    DC = "DC"
    LMT = "LMT"
    MD = "MD"
    DO = "DO"
    DPM = "DPM"
    NP = "NP"
    PA = "PA"
    CNS = "CNS"
    AT = "AT"
    SLP = "SLP"
    LAC = "LAC"


class Fixer(StrEnum):
    """Who can mend a finding: a clinical fact, claim mechanics, or coverage and demographics."""

    CLINICIAN = "clinician"
    BILLER = "biller"
    FRONT_DESK = "front_desk"


class Severity(StrEnum):
    """`error` makes the claim fail; `warning` and `info` never do."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Outcome(StrEnum):
    """What a rule found: a fault, or that a fact it needs is not in the event."""

    VIOLATED = "violated"
    UNDETERMINED = "undetermined"


class Verdict(StrEnum):
    """Whether the claim may go to the payer as it stands."""

    PASS = "pass"  # noqa: S105 - the contract's word, not a secret
    FAIL = "fail"


LIMB_REGIONS = ("shoulder", "elbow", "wrist", "hand", "hip", "knee", "ankle", "foot", "upper_limb", "lower_limb")
_TRUNK_REGIONS = ("head", "tmj", "cervical", "thoracic", "lumbar", "sacral", "pelvic", "rib", "abdomen")
_SIDES = ("left", "right", "both")
REGION_PATTERN = rf"^(?:{'|'.join(_TRUNK_REGIONS)}|(?:{'|'.join(LIMB_REGIONS)})(?:\.(?:{'|'.join(_SIDES)}))?)$"
REGIONS = (*_TRUNK_REGIONS, *LIMB_REGIONS, *(f"{limb}.{side}" for limb in LIMB_REGIONS for side in _SIDES))

Identifier = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
"""An opaque id of another system, 1 to 64 characters."""

ProcedureCode = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z0-9]{5}$")]
"""A CPT or HCPCS code: five letters or digits."""

Modifier = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z0-9]{2}$")]
"""A two-character procedure modifier."""

PlaceOfService = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{2}$")]
"""A two-digit CMS place-of-service code."""

DiagnosisCode = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_upper=True, pattern=r"^[!-~][ -~]{1,6}[!-~]$", min_length=3, max_length=8
    ),
]
"""An ICD-10-CM code, with or without the dot."""

Region = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=REGION_PATTERN)]
"""A body region of the contract; a limb region may carry its side (`knee.left`)."""

ClockTime = Annotated[str, StringConstraints(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A local time of day, HH:MM, 24 hours."""

Minutes = Annotated[int, Field(ge=0, le=1440)]
"""Minutes of one day."""

_MOST_DIGITS = 40
"""No claim has a number this long; without a bound, `1e9999999` would be written out digit by digit."""

Money = Annotated[Decimal, Field(max_digits=_MOST_DIGITS), PlainSerializer(str, return_type=str, when_used="json")]
"""US dollars as a decimal string."""


def json_number(number: Decimal | int) -> int | float:
    """A number as JSON shows it: without a point where it is whole."""
    return int(number) if number == int(number) else float(number)


Units = Annotated[
    Decimal,
    Field(max_digits=_MOST_DIGITS),
    PlainSerializer(json_number, return_type=int | float, when_used="json"),
]
"""Units as sent: a JSON number, whole on a right claim."""

FrequencyCode = Literal["1", "7", "8"]
"""CLM05-3: 1 original, 7 replacement, 8 void."""

CodeNumber = Annotated[str, StringConstraints(pattern=r"^[A-Z]{0,3}[0-9]{1,4}$")]
"""A CARC or RARC number, e.g. `151` or `N362`."""
