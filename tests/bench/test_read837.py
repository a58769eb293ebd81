"""The file that 837P readers are measured with is a right one, and ours reads every claim of it."""

from pathlib import Path

import pytest

from bench.read837 import IN_A_TRANSACTION, LINES, write_file
from bench.readers.palpate import read
from palpate_intake.outcome import ReadClaim
from palpate_intake.reading import read_claims


@pytest.mark.parametrize("claims", [1, 2 * IN_A_TRANSACTION])
def test_every_claim_is_read_and_no_two_have_the_same_number(tmp_path: Path, claims: int) -> None:
    path = write_file(tmp_path, claims)
    with path.open("rb") as file:
        outcomes = list(read_claims(file, path.name))
    found = [outcome for outcome in outcomes if isinstance(outcome, ReadClaim)]
    assert len(found) == len(outcomes) == len({outcome.claim.claim_id for outcome in found}) == claims
    assert {len(outcome.claim.lines) for outcome in found} == {LINES}
    assert [outcome.structure for outcome in found if outcome.structure] == []
    charges = [sum(line.charge or 0 for line in outcome.claim.lines) for outcome in found]
    assert list(read(str(path))) == [(LINES, charge) for charge in charges]
