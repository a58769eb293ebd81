"""What a site sets for the validator."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from palpate_cli.main import app
from palpate_validator.settings import ValidatorSettings

PROFILE = 'id = "harbor-plan"\nextends = "commercial-ama"\npayer_ids = ["PAYER-1"]\n'


def test_no_folder_is_the_shipped_profiles_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PALPATE_PROFILES", raising=False)
    assert ValidatorSettings().profiles == ()


def test_folders_are_written_like_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALPATE_PROFILES", "/etc/palpate/profiles:/srv/more")
    assert ValidatorSettings().profiles == (Path("/etc/palpate/profiles"), Path("/srv/more"))


def test_the_command_reads_the_same_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "harbor.toml").write_text(PROFILE, "utf-8")
    monkeypatch.setenv("PALPATE_PROFILES", str(tmp_path))
    result = CliRunner().invoke(app, ["rules", "--payer", "harbor-plan", "--format", "json"])
    assert result.exit_code == 0
    assert '"units-line-under-8-ama"' in result.stdout
