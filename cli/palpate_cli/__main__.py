"""`python -m palpate_cli` is `palpate`."""

from palpate_cli.main import app

app()
