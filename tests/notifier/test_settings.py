"""What `palpate serve notifier` says of settings that do not fit."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PALPATE_SMTP_PORT": "mail"}, "PALPATE_SMTP_PORT: "),
        (
            {"PALPATE_OIDC_ISSUER": "http://login.example", "PALPATE_INBOX_URL": "https://inbox.example"},
            "PALPATE_OIDC_ISSUER must begin with https://",
        ),
        ({"PALPATE_OIDC_ISSUER": "https://login.example"}, "PALPATE_OIDC_ISSUER needs PALPATE_OIDC_CLIENT_ID"),
    ],
)
def test_a_setting_that_does_not_fit_is_named_and_no_value_shown(settings: dict[str, str], said: str) -> None:
    secrets = {"PALPATE_OIDC_CLIENT_SECRET": "hunter2", "PALPATE_SMTP_PASSWORD": "hunter3"}
    command = [sys.executable, "-m", "palpate_cli", "serve", "notifier"]
    done = subprocess.run(
        command, env={**os.environ, **settings, **secrets}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter" not in done.stdout + done.stderr
