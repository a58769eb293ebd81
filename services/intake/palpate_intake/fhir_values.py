"""Reaching into FHIR resources of any shape: what is not there, or is something else, is simply not found."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

Resource = Mapping[str, Any]

NPI_SYSTEM = "http://hl7.org/fhir/sid/us-npi"
NUCC = ("nucc.org/provider-taxonomy", "2.16.840.1.113883.6.101")


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; of a single object, itself."""
    if isinstance(value, dict):
        return [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def obj(value: object) -> dict[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """A text that says something."""
    return value.strip() or None if isinstance(value, str) else None


def codings(concept: object) -> Iterator[tuple[str, str]]:
    """System (lower case, may be empty) and code of a CodeableConcept's codings."""
    for each in objects(obj(concept).get("coding")):
        code = text(each.get("code"))
        if code is not None:
            yield (text(each.get("system")) or "").lower(), code


def codes(concepts: object) -> list[str]:
    """Every code of some concepts, whatever the system."""
    return [code for concept in objects(concepts) for _, code in codings(concept)]


def day(value: object) -> date | None:
    """The day of a FHIR date or dateTime; one without a day is none."""
    sent = text(value)
    if sent is None or len(sent) < 10:
        return None
    try:
        return date.fromisoformat(sent[:10])
    except ValueError:
        return None


def number_of(sequence: object) -> int | None:
    """A positiveInt, as FHIR numbers its lists."""
    return sequence if isinstance(sequence, int) and not isinstance(sequence, bool) else None


def identifier(resource: Resource) -> str | None:
    """The first identifier's value, of a resource or of a reference."""
    return next((value for each in objects(resource.get("identifier")) if (value := text(each.get("value")))), None)


def npi(resource: Resource) -> str | None:
    """The National Provider Identifier of a resource or of a logical reference."""
    for each in objects(resource.get("identifier")):
        value = text(each.get("value"))
        if value is not None and text(each.get("system")) == NPI_SYSTEM:
            return value[:20]
    return None


def name(resource: Resource) -> str | None:
    """A person's or an organization's name."""
    if (whole := text(resource.get("name"))) is not None:
        return whole
    for each in objects(resource.get("name")):
        if (whole := text(each.get("text"))) is not None:
            return whole
        given = each.get("given")
        words = [*(given if isinstance(given, list) else []), each.get("family")]
        return " ".join(word for word in words if isinstance(word, str)) or None
    return None


def taxonomy(concepts: object) -> str | None:
    """The NUCC taxonomy code of some concepts."""
    for concept in objects(concepts):
        for system, code in codings(concept):
            if any(mark in system for mark in NUCC):
                return code
    return None
