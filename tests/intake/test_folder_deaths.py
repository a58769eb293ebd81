"""Wherever a watcher dies, the next one leaves everything as if it had not."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.intake.folder_deaths import GOOD, PARTLY

ROOT = Path(__file__).parents[2]


def test_wherever_a_watcher_dies_nothing_is_lost_and_nothing_is_left_lying(redis_url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.intake.folder_deaths", redis_url, tmp_path / "claims"],
        capture_output=True, text=True, timeout=100, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    deaths = [json.loads(line) for line in done.stdout.splitlines()]
    ids = dict(deaths[0]["events"])
    for death in deaths:
        files = death["files"]
        errors = json.loads(files.pop("failed/partly.837.errors.json"))
        assert files == {"done/good.837": GOOD, "failed/partly.837": PARTLY}, death["step"]
        assert (errors["published"], errors["errors"][0]["claim_id"]) == (1, "C-3"), death["step"]
        assert dict(death["events"]) == ids, death["step"]
        assert len(death["events"]) == len(ids) == 2, death["step"]
    steps = Counter(death["step"] for death in deaths)
    assert steps["os.rename"] == 5
    assert steps["before publishing"] == steps["after publishing"] == 2
    assert steps["fcntl.flock"] >= 4
    assert "traceback" not in done.stderr.lower()
