"""Files of other people, and ours, are read: one outcome for each claim, and none by an exception."""

import json
import re
from pathlib import Path

import pytest

from palpate_intake.files import open_files
from palpate_intake.outcome import Outcome, ReadClaim, Unreadable
from palpate_intake.reading import read_claims
from palpate_validator.book import shipped_rule_book
from palpate_validator.engine import judge

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "samples"
X12 = sorted(path for path in (SHARED / "837p").rglob("*") if path.is_file())
FHIR = sorted((SHARED / "fhir").glob("*.json"))

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="other people's sample files are not beside the repository"
)


def _read(path: Path) -> list[Outcome]:
    with path.open("rb") as stream:
        return list(read_claims(stream, path.name))


@needs_shared
def test_there_are_files_to_read() -> None:
    assert len(X12) >= 43
    assert len(FHIR) >= 30


@needs_shared
@pytest.mark.parametrize("path", X12, ids=lambda path: path.name)
def test_every_clm_of_another_systems_837p_is_a_claim(path: Path) -> None:
    segments = re.findall(r"(?:^|[~\n])\s*CLM\*", path.read_text())
    outcomes = _read(path)
    assert sum(isinstance(outcome, ReadClaim) for outcome in outcomes) == len(segments)
    assert len(outcomes) == max(1, len(segments))


@needs_shared
@pytest.mark.parametrize("path", FHIR, ids=lambda path: path.name)
def test_every_claim_of_another_systems_fhir_has_one_outcome(path: Path) -> None:
    """They bill by SNOMED, CVX or national codes: there is nothing to judge, and it is said of each item."""
    value = json.loads(path.read_text())
    (outcome,) = _read(path)
    assert isinstance(outcome, Unreadable)
    assert outcome.claim_id in {value.get("id"), *(each["value"] for each in value.get("identifier", []))}
    assert [reason.pointer for reason in outcome.reasons] == ["/item"]
    unread = [finding for finding in outcome.structure if finding.code == "code-set-unknown"]
    assert len(unread) == len(value["item"])


@needs_shared
@pytest.mark.parametrize("path", X12, ids=lambda path: path.name)
def test_a_claim_without_97140_has_no_finding(path: Path) -> None:
    book = shipped_rule_book()
    for outcome in _read(path):
        if isinstance(outcome, ReadClaim) and all(line.procedure_code != "97140" for line in outcome.claim.lines):
            judgement = judge(outcome.claim, outcome.claim.submitted_on, book)
            assert (judgement.applicable, judgement.findings) == (False, ())


EXPECTED = {
    "837p/clean-two-claims.837": ["SYN-2001", "SYN-2002"],
    "837p/cut-off.837": ["SYN-2005", None],
    "837p/missing-gp.837": ["SYN-2003"],
    "837p/ncci-97124.837": ["SYN-2004"],
    "fhir/clean-pt-medicare.json": ["SYN-3001"],
    "fhir/modifier-25-on-97140.json": ["SYN-3002"],
    "fhir/no-procedure-code.json": [None],
    "json/clean-pt-medicare.json": ["SYN-1001"],
    "corrections/units-total-over-corrected.json": ["SYN-1002"],
    "json/three-faults.json": ["SYN-1003"],
    "json/two-claims.jsonl": ["SYN-1005", "SYN-1004"],
    "json/units-total-over.json": ["SYN-1002"],
    "json/unreadable.json": [None],
}


def test_our_own_samples_are_read_as_their_readme_says() -> None:
    found: dict[str, list[str | None]] = {}
    for name, stream in open_files([str(ROOT / "samples" / each) for each in ("837p", "corrections", "fhir", "json")]):
        inside = Path(name).relative_to(ROOT / "samples").as_posix()
        found[inside] = [
            outcome.claim.claim_id if isinstance(outcome, ReadClaim) else None for outcome in read_claims(stream, name)
        ]
    assert found == EXPECTED


@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("json/clean-pt-medicare.json", set()),
        ("corrections/units-total-over-corrected.json", set()),
        ("json/two-claims.jsonl", set()),
        ("json/units-total-over.json", {"units-total-over"}),
        ("json/three-faults.json", {"units-total-over", "mod-therapy-missing", "ncci-hard"}),
        ("fhir/clean-pt-medicare.json", set()),
        ("fhir/modifier-25-on-97140.json", {"mod-25-on-97140"}),
        ("837p/clean-two-claims.837", set()),
        ("837p/missing-gp.837", {"mod-therapy-missing"}),
        ("837p/ncci-97124.837", {"ncci-hard"}),
    ],
)
def test_our_own_samples_have_the_faults_that_they_are_made_for(name: str, errors: set[str]) -> None:
    book = shipped_rule_book()
    known = {rule.id for rule in book.rules}
    for outcome in _read(ROOT / "samples" / name):
        assert isinstance(outcome, ReadClaim)
        judgement = judge(outcome.claim, outcome.claim.submitted_on, book)
        assert {finding.rule for finding in judgement.findings if finding.severity == "error"} == errors
    assert errors <= known


def test_the_correction_is_the_next_version_of_the_same_claim() -> None:
    (first,) = _read(ROOT / "samples" / "json" / "units-total-over.json")
    (second,) = _read(ROOT / "samples" / "corrections" / "units-total-over-corrected.json")
    assert isinstance(first, ReadClaim)
    assert isinstance(second, ReadClaim)
    assert first.event is not None
    assert second.event is not None
    assert (second.event.type, second.event.source) == ("claim.corrected", first.event.source)
    assert second.claim.version == first.claim.version + 1
