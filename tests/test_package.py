"""What is shipped: one wheel with every package and every data file, and a Makefile that says what it does."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = [
    "schemas/palpate_schemas",
    "services/runtime/palpate_runtime",
    "services/validator/palpate_validator",
    "services/notifier/palpate_notifier",
    "services/intake/palpate_intake",
    "cli/palpate_cli",
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=100,
    )
    [built] = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wheel_holds_every_file_of_the_package(wheel: set[str], package: str) -> None:
    """hatchling obeys .gitignore: one `*.csv` line there would drop the tables without a word."""
    folder = ROOT / package
    tracked = subprocess.run(
        ["git", "ls-files", "--", str(folder)], cwd=ROOT, check=True, capture_output=True, text=True, timeout=20
    ).stdout.split("\n")
    files = {f"{folder.name}/{Path(name).relative_to(package)}" for name in tracked if name and (ROOT / name).exists()}
    assert files - wheel == set()
    assert any(name.endswith("py.typed") for name in files)
