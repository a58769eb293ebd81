"""Whom a NUCC taxonomy code names, and so who bills where the claim does not say the profession."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from palpate_schemas.claim import Provider
from palpate_schemas.values import Profession
from palpate_validator.tables import TABLES, Row, rows

_SHAPE = re.compile(r"[0-9A-Z]{9}X")
_LENGTHS = (10, 4, 3, 2)
"""How much of a code a row may name: all of it, its classification, or its section."""


@dataclass(frozen=True, slots=True)
class Practitioner:
    """Who somebody is, by the licence's letters where the contract has them, and in plain words."""

    profession: Profession | None
    words: str
    individual: bool = True
    """False for a clinic, a group or a facility."""


def read_taxonomies(path: Path) -> dict[str, Practitioner]:
    """Practitioners by taxonomy code, or by the beginning of one.

    Raises:
        BadData: a row is not readable; the text names file and line.
    """
    return {row["code"].removesuffix("*"): _practitioner(row) for row in rows(path)}


def _practitioner(row: Row) -> Practitioner:
    code, known = row["code"], row["code"].removesuffix("*")
    if len(known) not in _LENGTHS or code.endswith("*") == (len(known) == 10):
        raise row.bad(f"a code is whole, or its first two to four characters and `*`, not {code!r}")
    if row["individual"] not in {"yes", "no"}:
        raise row.bad(f"individual is yes or no, not {row['individual']!r}")
    try:
        profession = Profession(row["profession"]) if row["profession"] else None
    except ValueError as error:
        raise row.bad(f"{row['profession']!r} is not a profession of the contract") from error
    return Practitioner(profession, row["practitioner"], individual=row["individual"] == "yes")


_TAXONOMIES = read_taxonomies(TABLES / "taxonomies.csv")


_PROFESSIONS = {profession: Practitioner(profession, profession.value) for profession in Profession}


def well_formed(taxonomy: str) -> bool:
    """Whether a code has the shape of a taxonomy: ten letters and digits, the last an X."""
    return _SHAPE.fullmatch(taxonomy) is not None


@lru_cache(maxsize=1024)
def named_by(taxonomy: str | None) -> Practitioner | None:
    """Whom a taxonomy code names; None for none, a malformed one, or one that the table does not know."""
    if taxonomy is None or not well_formed(taxonomy):
        return None
    found = (_TAXONOMIES.get(taxonomy[:length]) for length in _LENGTHS)
    return next((practitioner for practitioner in found if practitioner is not None), None)


def practitioner_of(provider: Provider) -> Practitioner | None:
    """Who a provider is: by the profession that the claim says, else by the taxonomy code, else unknown."""
    if provider.profession is not None:
        return _PROFESSIONS[provider.profession]
    return named_by(provider.taxonomy)


_SAME_CODES = frozenset({Profession.MD, Profession.DO})


def fits(named: Practitioner, stated: Profession | None) -> bool:
    """Whether whom a taxonomy names may be of the profession that the claim says."""
    return stated is None or named.profession is stated or {named.profession, stated} <= _SAME_CODES
